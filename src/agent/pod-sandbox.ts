/** What a pod has before its first container: addresses and network, the files in /etc, the volumes. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod } from '../api/gen/types.ts';
import { hostPortsOf } from './host-ports.ts';
import { managedHosts, nodeHosts, podHostName } from './hosts-file.ts';
import { configReader } from './node-context.ts';
import type { NodeContext } from './node-context.ts';
import { unmountVolumes } from './mounted-volumes.ts';
import { netnsPath, networkNames, setUpPodNetwork, tearDownPodNetwork } from './pod-network.ts';
import type { PodRecord } from './pod-record.ts';
import { podResolvConf } from './resolv-conf.ts';
import { materializeVolumes } from './volumes.ts';

/** Makes the network unless it is there. Returns the pod's addresses. */
export async function ensureNetwork(context: NodeContext, pod: Pod, record: PodRecord): Promise<readonly string[]> {
  if (pod.spec?.hostNetwork === true) {
    writeEtc(context, pod, record.uid, context.options.nodeIPs);
    return context.options.nodeIPs;
  }
  const ipam = await context.ipam;
  const names = networkNames(context.options.netnsPrefix, record.uid);
  if (record.network !== undefined && record.networkUp === true && existsSync(netnsPath(names.netns))) {
    openHostPorts(context, pod, record, record.network.ips);
    return record.network.ips;
  }
  if (record.network === undefined) {
    record.network = { ...names, ...ipam.allocate() };
    // Before the network: an agent that is killed now finds what it has to take away.
    context.records.save(record);
  }
  writeEtc(context, pod, record.uid, record.network.ips);
  await setUpPodNetwork(record.network, ipam.gateways);
  record.networkUp = true;
  openHostPorts(context, pod, record, record.network.ips);
  context.records.save(record);
  return record.network.ips;
}

function openHostPorts(context: NodeContext, pod: Pod, record: PodRecord, ips: readonly string[]): void {
  const ports = hostPortsOf(pod, ips);
  if (ports.length > 0) record.hostPorts = ports;
  context.hostPorts.set(record.uid, ports);
}

export async function removeNetwork(context: NodeContext, record: PodRecord): Promise<void> {
  context.hostPorts.remove(record.uid);
  if (record.network === undefined) return;
  await tearDownPodNetwork(record.network);
  (await context.ipam).release(record.network.position);
}

function writeEtc(context: NodeContext, pod: Pod, uid: string, ips: readonly string[]): void {
  const { options } = context;
  const dir = join(context.records.dir(uid), 'etc');
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  const host = pod.spec?.hostNetwork === true;
  const name = podHostName(pod, options.clusterDomain);
  const aliases = pod.spec?.hostAliases ?? [];
  const hosts = host ? nodeHosts(textOf('/etc/hosts'), aliases) : managedHosts(ips, name, aliases);
  writeFileSync(join(dir, 'hosts'), hosts, { mode: 0o644 });
  writeFileSync(join(dir, 'hostname'), `${host ? options.nodeName : name.hostname}\n`, { mode: 0o644 });
  const resolv = podResolvConf(pod, {
    clusterDns: options.clusterDns,
    clusterDomain: options.clusterDomain,
    nodeConf: textOf(options.resolvConf ?? '/etc/resolv.conf'),
  });
  writeFileSync(join(dir, 'resolv.conf'), resolv, { mode: 0o644 });
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** Makes the volumes, or brings their content up to date. */
export function ensureVolumes(
  context: NodeContext,
  pod: Pod,
  record: PodRecord,
  podIps: () => readonly string[],
): Promise<Map<string, string>> {
  const places = { disk: join(context.records.dir(record.uid), 'volumes'), mounted: mountedDir(context, record.uid) };
  const config = configReader(context.client, record.namespace);
  const tell = (type: 'Normal' | 'Warning', reason: string, message: string): void => {
    context.events.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, type, reason, message);
  };
  return materializeVolumes(pod, places, {
    imageLayers: async ({ reference = '', pullPolicy }) => {
      const wish = { name: '', image: reference, ...(pullPolicy === undefined ? {} : { imagePullPolicy: pullPolicy }) };
      return (await context.images.ensure(pod, wish, config, tell)).layers;
    },
    config,
    tokens: context.tokens,
    node: context.facts,
    podIps,
  });
}

/** Content that changes on the API server, or expires. */
export function hasLiveVolumes(pod: Pod): boolean {
  return (pod.spec?.volumes ?? []).some(
    ({ configMap, secret, projected, downwardAPI }) => (configMap ?? secret ?? projected ?? downwardAPI) !== undefined,
  );
}

export async function removeVolumes(context: NodeContext, record: PodRecord): Promise<void> {
  context.tokens.forget(record.uid);
  await unmountVolumes(mountedDir(context, record.uid));
}

function mountedDir(context: NodeContext, uid: string): string {
  return join(context.paths.run, 'pods', uid);
}
