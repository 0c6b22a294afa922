/** What `portolan proxy` and `portolan proxy show` are told about a node that is not one of a local cluster. */
import { hostname, networkInterfaces } from 'node:os';
import type { Command } from 'commander';
import type { Client } from '../client/index.ts';
import type { ProxyOptions } from '../proxy/index.ts';
import { bind, cidrs, kubeconfigOption, list } from './flags.ts';
import type { Bind } from './flags.ts';

export interface ProxyFlags {
  readonly kubeconfig?: string;
  readonly hostnameOverride?: string;
  readonly nodeName?: string;
  readonly nodeIp?: readonly string[];
  readonly clusterCidr: readonly string[];
  readonly serviceClusterIpRange: readonly string[];
  readonly lanRange?: readonly string[];
  readonly nodeportAddresses?: readonly string[];
  readonly clusterIpClients?: readonly string[];
  readonly externalIpRange?: readonly string[];
  readonly healthzBindAddress?: Bind | false;
  readonly metricsBindAddress?: Bind | false;
}

export const clusterIpClientsText =
  'networks outside the cluster whose hosts may use cluster IPs through this node (default: none)';
export const externalIpRangeText = "Services' externalIPs count in these ranges only (default: everywhere)";

export function proxyFlags(command: Command): Command {
  return command
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
    .option('--lan-range <cidrs>', 'networks of the nodes: pods keep their address towards them', cidrs())
    .option(
      '--nodeport-addresses <cidrs>',
      "node ports answer at this machine's addresses in these (default: primary, the Node's InternalIPs)",
      cidrs('primary'),
    )
    .option('--cluster-ip-clients <cidrs>', clusterIpClientsText, cidrs())
    .option('--external-ip-range <cidrs>', externalIpRangeText, cidrs())
    .option('--healthz-bind-address <ip:port>', "/healthz and /livez (default: :10256; '': none)", bind)
    .option(
      '--metrics-bind-address <ip:port>',
      "/metrics, /proxyMode and /healthz (default: 127.0.0.1:10249; '': none)",
      bind,
    );
}

export function proxyOptions(client: Client, flags: ProxyFlags): ProxyOptions {
  const { lanRange, nodeportAddresses, clusterIpClients, externalIpRange, healthzBindAddress, metricsBindAddress } =
    flags;
  return {
    client,
    nodeName: flags.hostnameOverride ?? flags.nodeName ?? hostname().toLowerCase(),
    nodeIPs: flags.nodeIp ?? ownAddresses(),
    clusterCidrs: flags.clusterCidr,
    serviceCidrs: flags.serviceClusterIpRange,
    ...(lanRange === undefined ? {} : { lanCidrs: lanRange }),
    ...(nodeportAddresses === undefined ? {} : { nodePortAddresses: nodeportAddresses }),
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
