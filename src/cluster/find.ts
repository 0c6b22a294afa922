/** A cluster that is up, by name: what the commands that work on one start from. */
import { nameFlag } from './choose.ts';
import { pathsOf } from './paths.ts';
import type { ClusterPaths } from './paths.ts';
import { listRunning, readRunning } from './record.ts';
import { checkName, defaultName } from './settings.ts';
import { UsageError } from './usage-error.ts';
import type { ClusterSettings } from './settings.ts';
import { topologyOf } from './topology.ts';
import type { Topology } from './topology.ts';

export interface Cluster {
  readonly settings: ClusterSettings;
  readonly topology: Topology;
  readonly paths: ClusterPaths;
}

export function findCluster(name: string = defaultName): Cluster {
  const settings = readRunning(checkName(name));
  if (settings === undefined) {
    const others = listRunning().map((one) => one.name);
    const hint = others.length === 0 ? '' : `; there is: ${others.map((one) => `--name ${one}`).join(', ')}`;
    throw new UsageError(`there is no cluster "${name}": start it with "portolan up${nameFlag(name)}"${hint}`);
  }
  return { settings, topology: topologyOf(settings), paths: pathsOf(settings) };
}
