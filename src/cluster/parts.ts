/**
 * The processes of a local cluster, as command lines of our own CLI: the same commands that run on a real machine. Pure.
 *
 *   partsOf(settings, topology, paths) ──> control-plane, node-1 … node-N, lb
 */
import { join } from 'node:path';
import type { ClusterPaths } from './paths.ts';
import { rangesOf } from './settings.ts';
import type { ClusterRanges, ClusterSettings } from './settings.ts';
import type { NodePlace, Topology } from './topology.ts';

export interface Part {
  readonly name: string;
  readonly namespace: string;
  /** Flags of Node itself. */
  readonly nodeFlags: readonly string[];
  readonly command: readonly string[];
}

/** What only the running machine can say. */
export interface PartsContext {
  /** Network namespace of the machine itself: names outside the cluster are asked from there. */
  readonly hostNetns: string;
}

/**
 * The young generation of a part that mostly waits is kept small: three nodes then cost 60 MB less, and no request is slower
 * (`npm run bench up`).
 */
const nodeFlags = ['--max-semi-space-size=2', '--disable-warning=ExperimentalWarning'];

export function partsOf(
  settings: ClusterSettings,
  topology: Topology,
  paths: ClusterPaths,
  context: PartsContext,
): readonly Part[] {
  return [
    {
      name: 'control-plane',
      namespace: topology.control.namespace,
      nodeFlags,
      command: controlPlane(settings, topology, paths),
    },
    ...topology.nodes.map((node) => ({
      name: node.name,
      namespace: node.namespace,
      nodeFlags,
      command: agent(settings, topology, paths, context, node),
    })),
    { name: 'lb', namespace: topology.lb.namespace, nodeFlags, command: loadBalancer(settings, topology, paths) },
  ];
}

export function partNames(topology: Topology): readonly string[] {
  return ['control-plane', ...topology.nodes.map((node) => node.name), 'lb'];
}

function controlPlane(settings: ClusterSettings, topology: Topology, paths: ClusterPaths): readonly string[] {
  return [
    'control-plane',
    ...flag('data-dir', paths.data),
    ...flag('cert-dir', paths.pki),
    ...flag('bind-address', topology.addresses.control),
    ...flag('secure-port', String(topology.apiPort)),
    ...flag('service-cluster-ip-range', both(settings, 'serviceRange')),
    ...flag('kubeconfig', paths.kubeconfig('controllers')),
    ...flag('root-ca-file', join(paths.pki, 'ca.crt')),
    ...flag('cluster-signing-cert-file', join(paths.pki, 'ca.crt')),
    ...flag('cluster-signing-key-file', join(paths.pki, 'ca.key')),
    ...flag('cluster-dns', dnsOf(topology).join(',')),
    ...(settings.externalIpRange === undefined ? [] : flag('disable-admission-plugins', 'DenyServiceExternalIPs')),
    // Upstream's 40 s allow for slow networks between machines; here three lost heartbeats (of 5 s) are a dead node.
    ...flag('node-monitor-grace-period', '16'),
  ];
}

function agent(
  settings: ClusterSettings,
  topology: Topology,
  paths: ClusterPaths,
  context: PartsContext,
  node: NodePlace,
): readonly string[] {
  const pki = (file: string): string => join(paths.pki, file);
  return [
    'agent',
    ...flag('kubeconfig', paths.kubeconfig(node.name)),
    ...flag('network-kubeconfig', paths.kubeconfig('network')),
    ...flag('hostname-override', node.name),
    ...(node.zone === undefined ? [] : flag('node-labels', `topology.kubernetes.io/zone=${node.zone}`)),
    ...flag('node-ip', node.addresses.join(',')),
    ...flag('pod-cidr', node.podRanges.join(',')),
    ...flag('cluster-cidr', both(settings, 'podRange')),
    ...flag('service-cluster-ip-range', both(settings, 'serviceRange')),
    ...flag('cluster-dns', dnsOf(topology).join(',')),
    ...flag('cluster-domain', settings.clusterDomain),
    ...flag('root-dir', paths.nodeData(node.name)),
    ...flag('run-dir', paths.nodeRun(node.name)),
    ...flag('images', settings.imagesDir),
    ...flag('netns-prefix', node.namespace),
    ...flag('upstream-netns', context.hostNetns),
    ...flag('lan-range', both(settings, 'lanRange')),
    ...(settings.externalIpRange === undefined ? [] : flag('external-ip-range', settings.externalIpRange.join(','))),
    ...flag('hide', paths.data),
    ...flag('tls-cert-file', pki(`${node.name}.crt`)),
    ...flag('tls-private-key-file', pki(`${node.name}.key`)),
    ...flag('client-ca-file', pki('ca.crt')),
  ];
}

function loadBalancer(settings: ClusterSettings, topology: Topology, paths: ClusterPaths): readonly string[] {
  return [
    'lb',
    ...flag('kubeconfig', paths.kubeconfig('lb')),
    ...flag('pool', both(settings, 'poolRange')),
    ...flag('lan-interface', topology.lb.links[0].name),
    ...flag('public-interface', topology.lb.links[1].name),
    ...flag('lan-range', both(settings, 'lanRange')),
    ...flag('cluster-cidr', both(settings, 'podRange')),
    ...flag('service-cluster-ip-range', both(settings, 'serviceRange')),
  ];
}

function flag(name: string, value: string): readonly string[] {
  return [`--${name}=${value}`];
}

/** One of each family. */
function dnsOf({ families }: Topology): readonly string[] {
  return families.map(({ addresses }) => addresses.dns);
}

function both(settings: ClusterSettings, name: keyof ClusterRanges): string {
  return rangesOf(settings)
    .map((ranges) => ranges[name])
    .join(',');
}
