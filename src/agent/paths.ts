/**
 * Where the agent keeps what:
 *
 *   rootDir/pods/UID/record.json      what was started, restart counts, addresses: survives the agent
 *   rootDir/pods/UID/volumes/NAME/    emptyDir, configMap, secret, projected, downwardAPI
 *   runDir/pods/UID/NAME/             volumes that are mounted: emptyDir in memory, image
 *   rootDir/pods/UID/etc/             hosts, hostname, resolv.conf that are bound into its containers
 *   rootDir/containers/ID/            OCI bundle: config.json, upper, work, rootfs (mounted in a private namespace only)
 *   rootDir/logs/NS_NAME_UID/CONTAINER/N.log     CRI format
 *   rootDir/raw/ID.{stdout,stderr}[.pos]         what a container has written, until it is in the CRI log
 *   rootDir/hide/                     whiteouts: what pods of the host image must not see
 *   runDir/events/ID.{pid,exit}       written by crun and the monitor, watched by the agent
 *   runDir/containers/ID/             monitor.pid, pipes, crun.log, mount.err
 *   runDir/crun/                      crun's own state
 */
import { join } from 'node:path';

export interface AgentPaths {
  readonly root: string;
  readonly run: string;
  readonly pods: string;
  readonly containers: string;
  readonly logs: string;
  readonly raw: string;
  readonly hide: string;
  readonly events: string;
  readonly runContainers: string;
  readonly crun: string;
  readonly monitor: string;
  readonly ipam: string;
}

export function agentPaths(rootDir: string, runDir: string): AgentPaths {
  return {
    root: rootDir,
    run: runDir,
    pods: join(rootDir, 'pods'),
    containers: join(rootDir, 'containers'),
    logs: join(rootDir, 'logs'),
    raw: join(rootDir, 'raw'),
    hide: join(rootDir, 'hide'),
    events: join(runDir, 'events'),
    runContainers: join(runDir, 'containers'),
    crun: join(runDir, 'crun'),
    monitor: join(runDir, 'monitor.sh'),
    ipam: join(rootDir, 'ipam.json'),
  };
}
