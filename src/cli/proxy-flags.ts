/** What `portolan proxy` and `portolan proxy show` are told about a node that is not one of a local cluster. */
import { hostname, networkInterfaces } from 'node:os';
import type { Command } from 'commander';
import type { Client } from '../client/index.ts';
import type { ProxyOptions } from '../proxy/index.ts';
import { log } from '../util/log.ts';
import { bind, cidrs, kubeconfigOption, list, portRange } from './flags.ts';
import type { Bind } from './flags.ts';
import { checkKubeProxyFlags, conntrackWishes, kubeProxyFlags } from './kube-proxy-flags.ts';
import type { KubeProxyFlags } from './kube-proxy-flags.ts';

export interface ProxyFlags extends KubeProxyFlags {
  readonly kubeconfig?: string;
  readonly hostnameOverride?: string;
  readonly nodeName?: string;
  readonly nodeIp?: readonly string[];
  readonly clusterCidr: readonly string[];
  readonly serviceClusterIpRange: readonly string[];
  readonly lanRange?: readonly string[];
  readonly masqueradePods?: boolean;
  readonly nodeportAddresses?: readonly string[];
  readonly serviceNodePortRange?: readonly [number, number];
  readonly clusterIpClients?: readonly string[];
  readonly externalIpRange?: readonly string[];
  readonly healthzBindAddress?: Bind | false;
  readonly metricsBindAddress?: Bind | false;
}

export const clusterIpClientsText =
  'networks outside the cluster whose hosts may use cluster IPs through this node (default: none)';
export const nodePortRangeText =
  "the API server's node ports, never given to connections that leave with a node's address (default: 30000-32767)";
export const externalIpRangeText = "Services' externalIPs count in these ranges only (default: everywhere)";

export function proxyFlags(command: Command): Command {
  command
    .addOption(kubeconfigOption())
    .option('--hostname-override <name>', "the Node's name (default: this machine's)")
    .option('--node-name <name>', 'the same')
    .option(
      '--node-ip <ips>',
      'addresses of node ports until the Node tells them (default: all of this machine)',
      list(),
    )
    .option('--cluster-cidr <cidrs>', 'pods of all nodes', cidrs(), ['10.244.0.0/16'])
    .option('--service-cluster-ip-range <cidrs>', 'cluster IPs', cidrs(), ['10.96.0.0/16'])
    .option(
      '--masquerade-pods',
      "pods' connections out of the cluster get this node's address (default: that is the pod network's business)",
    )
    .option(
      '--lan-range <cidrs>',
      'networks of the nodes: with --masquerade-pods, pods keep their address towards them',
      cidrs(),
    )
    .option(
      '--nodeport-addresses <cidrs>',
      "node ports answer at this machine's addresses in these (default: primary, the Node's InternalIPs)",
      cidrs('primary'),
    )
    .option('--service-node-port-range <range>', nodePortRangeText, portRange)
    .option('--cluster-ip-clients <cidrs>', clusterIpClientsText, cidrs())
    .option('--external-ip-range <cidrs>', externalIpRangeText, cidrs())
    .option('--healthz-bind-address <ip:port>', "/healthz and /livez (default: :10256; '': none)", bind)
    .option(
      '--metrics-bind-address <ip:port>',
      "/metrics, /proxyMode and /healthz (default: 127.0.0.1:10249; '': none)",
      bind,
    );
  return kubeProxyFlags(command);
}

/** The flags with what --config says, and checked. `command`: where they were given. */
export async function readProxyFlags<F extends ProxyFlags>(flags: F, command: Command): Promise<F> {
  const given = command.options.filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli');
  const names = given.map(({ long = '' }) => long.slice(2));
  const { flags: configured, idle } =
    flags.config === undefined
      ? { flags: portsOf(flags), idle: [] }
      : await (await import('./kube-proxy-config.ts')).readConfig(flags.config);
  const { hostnameOverride } = flags;
  const { detectLocalMode = '' }: Partial<ProxyFlags> = { ...flags, ...configured };
  // A file of defaults says ClusterCIDR, and no cluster CIDR.
  const isKnown = 'clusterCidr' in configured || names.includes('cluster-cidr');
  const read = {
    ...flags,
    ...configured,
    ...(hostnameOverride === undefined ? {} : { hostnameOverride }),
    detectLocalMode: isKnown || detectLocalMode !== 'ClusterCIDR' ? detectLocalMode : '',
  };
  const nothing = [...checkKubeProxyFlags(read, names), ...idle];
  if (nothing.length > 0) log('cli').info({ settings: nothing }, 'settings of kube-proxy that mean nothing here');
  return read;
}

/** Upstream's older way to say where it answers: 0 is nowhere. */
function portsOf({ healthzPort, metricsPort, ...flags }: ProxyFlags): Partial<ProxyFlags> {
  const bound = (port: number, address: Bind | false | undefined, usual: string): Bind | false =>
    port === 0 ? false : { address: usual, ...(address === false ? {} : address), port };
  return {
    ...(healthzPort === undefined ? {} : { healthzBindAddress: bound(healthzPort, flags.healthzBindAddress, '::') }),
    ...(metricsPort === undefined
      ? {}
      : { metricsBindAddress: bound(metricsPort, flags.metricsBindAddress, '127.0.0.1') }),
  };
}

export function proxyOptions(client: Client, flags: ProxyFlags): ProxyOptions {
  const { lanRange, nodeportAddresses, serviceNodePortRange, clusterIpClients, externalIpRange } = flags;
  const { healthzBindAddress, metricsBindAddress } = flags;
  return {
    client,
    nodeName: flags.hostnameOverride ?? flags.nodeName ?? hostname().toLowerCase(),
    nodeIPs: flags.nodeIp ?? ownAddresses(),
    clusterCidrs: flags.clusterCidr,
    serviceCidrs: flags.serviceClusterIpRange,
    masqueradePods: flags.masqueradePods ?? false,
    sysctls: conntrackWishes(flags),
    localhostNodePorts: flags.iptablesLocalhostNodeports ?? true,
    ...(flags.detectLocalMode === 'ClusterCIDR' ? { localPods: 'cluster' as const } : {}),
    ...(lanRange === undefined ? {} : { lanCidrs: lanRange }),
    ...(nodeportAddresses === undefined ? {} : { nodePortAddresses: nodeportAddresses }),
    ...(serviceNodePortRange === undefined ? {} : { nodePortRange: serviceNodePortRange }),
    ...(clusterIpClients === undefined ? {} : { clusterIpClients }),
    ...(externalIpRange === undefined ? {} : { externalIpCidrs: externalIpRange }),
    ...(healthzBindAddress === undefined ? {} : { healthz: healthzBindAddress }),
    ...(metricsBindAddress === undefined ? {} : { metrics: metricsBindAddress }),
  };
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((one) => one ?? [])
    .filter((one) => !one.internal && !one.address.startsWith('fe80:'))
    .map((one) => one.address);
}
