/**
 * `portolan agent`: a node. Pods, and in the same process the node's proxy and DNS, which share what they watch. The node is
 * Ready when all of them are.
 */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { Command } from 'commander';
import type { AgentServing } from '../agent/index.ts';
import { resources } from '../api/resources.ts';
import { createInformer } from '../client/index.ts';
import type { Client } from '../client/index.ts';
import { UsageError } from '../cluster/usage-error.ts';
import type { Node } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import type { DnsInformers } from '../dns/index.ts';
import { familyOf } from '../util/ip.ts';
import { log } from '../util/log.ts';
import { podLinks } from '../util/pod-links.ts';
import { cidrs, kubeconfigOption, labels, list, portRange } from './flags.ts';
import { clientFor, runPart, serverAnswers } from './part-process.ts';
import { clusterIpClientsText, externalIpRangeText, nodePortRangeText } from './proxy-flags.ts';

interface Flags {
  readonly kubeconfig?: string;
  readonly networkKubeconfig?: string;
  readonly hostnameOverride?: string;
  readonly nodeLabels?: Readonly<Record<string, string>>;
  readonly nodeIp: readonly string[];
  readonly podCidr?: readonly string[];
  readonly clusterCidr: readonly string[];
  readonly serviceClusterIpRange: readonly string[];
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly rootDir: string;
  readonly runDir: string;
  readonly images: string;
  readonly netnsPrefix: string;
  readonly upstreamNetns?: string;
  readonly hide?: readonly string[];
  readonly lanRange?: readonly string[];
  readonly serviceNodePortRange?: readonly [number, number];
  readonly clusterIpClients?: readonly string[];
  readonly externalIpRange?: readonly string[];
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly clientCaFile?: string;
  readonly dnsLog?: boolean;
  readonly without?: readonly string[];
}

const optional = ['proxy', 'dns'];

export function agentCommand(): Command {
  return new Command('agent')
    .description('Be a node of a cluster: run its pods, and program its kernel and answer its names.')
    .addOption(kubeconfigOption())
    .option(
      '--network-kubeconfig <file>',
      "credential of proxy, DNS and pod routes, which see more than the node's own objects (default: as --kubeconfig)",
    )
    .option('--hostname-override <name>', "the Node's name (default: this machine's)")
    .option('--node-labels <key=value,…>', 'labels of the Node', labels)
    .requiredOption('--node-ip <ips>', 'addresses of this node', list())
    .option('--pod-cidr <cidrs>', "this node's pods (default: as a controller says)", list())
    .option('--cluster-cidr <cidrs>', 'pods of all nodes', list(), ['10.244.0.0/16'])
    .option('--service-cluster-ip-range <cidrs>', 'cluster IPs', list(), ['10.96.0.0/16'])
    .option('--cluster-dns <ips>', 'name server of pods', list(), ['10.96.0.10'])
    .option('--cluster-domain <name>', 'the zone', 'cluster.local')
    .option('--root-dir <dir>', 'pods, containers, logs', '/var/lib/portolan/node')
    .option('--run-dir <dir>', 'state of this boot', '/run/portolan/node')
    .option('--images <dir>', 'image store', '/var/lib/portolan/images')
    .option('--netns-prefix <name>', "pods' network namespaces are NAME-pod-ID", 'portolan')
    .option('--upstream-netns <path>', 'network namespace from which names outside the cluster are asked')
    .option('--lan-range <cidrs>', 'networks of the nodes: pods keep their address towards them', list())
    .option('--service-node-port-range <range>', nodePortRangeText, portRange)
    .option('--cluster-ip-clients <cidrs>', clusterIpClientsText, cidrs())
    .option('--external-ip-range <cidrs>', externalIpRangeText, cidrs())
    .option('--hide <paths>', 'pods of the host image do not see these', list())
    .option('--tls-cert-file <file>', 'for the API of logs and exec on port 10250 (default: no such API)')
    .option('--tls-private-key-file <file>', 'its key')
    .option('--client-ca-file <file>', 'who may call it')
    .option('--dns-log', 'log every question that the node is asked, and its answer')
    .option('--without <parts>', `leave out: ${optional.join(', ')}`, list())
    .addHelpText(
      'after',
      '\nExamples:\n  portolan agent --kubeconfig node.kubeconfig --node-ip 192.168.1.7\n  portolan agent --kubeconfig node.kubeconfig --node-ip 192.168.1.7 --without proxy,dns',
    )
    .action((flags: Flags) => {
      const strange = flags.without?.find((part) => !optional.includes(part));
      if (strange !== undefined)
        throw new UsageError(`--without ${strange}: want one or more of ${optional.join(', ')}`);
      return runPart(flags.hostnameOverride ?? 'agent', (signal) => runNode(flags, signal));
    });
}

/** What the parts of a node watch together. */
type Shared = Required<DnsInformers>;

interface NodeOf {
  readonly flags: Flags;
  readonly nodeName: string;
  /** The node's own credential. */
  readonly client: Client;
  /** That of proxy, DNS and pod routes. */
  readonly network: Client;
  readonly informers: Shared;
  readonly signal: AbortSignal;
}

/** What of the node the agent waits for before it says Ready, and what must end before the process does. */
interface Running {
  readonly synced: Promise<unknown>;
  readonly stopped: Promise<unknown>;
}

async function runNode(flags: Flags, signal: AbortSignal): Promise<void> {
  const nodeName = flags.hostnameOverride ?? hostname().toLowerCase();
  const without = new Set(flags.without ?? []);
  const client = await clientFor('agent', flags.kubeconfig);
  const network =
    flags.networkKubeconfig === undefined ? client : await clientFor('agent-network', flags.networkKubeconfig);
  // Code is loaded while the server may still be starting, and the server asked only then: questions before it are in vain.
  await Promise.all([import('../agent/index.ts'), import('../proxy/index.ts'), import('../dns/index.ts')]);
  await serverAnswers(client, signal);
  const informers = createSharedInformers(client, network, nodeName, signal);
  const node: NodeOf = { flags, nodeName, client, network, informers, signal };
  const parts = Promise.all([
    ...(without.has('proxy') ? [] : [startProxy(node)]),
    ...(without.has('dns') ? [] : [startDns(node)]),
  ]);
  const synced = parts.then((all) => Promise.all(all.map((part) => part.synced))).then(() => undefined);
  // Whichever fails first fails the process: a node without its proxy is no node.
  await Promise.all([startAgent(node, synced), parts]);
  await Promise.all((await parts).map((part) => part.stopped));
}

/** What agent, proxy and DNS watch is held once. */
function createSharedInformers(own: Client, client: Client, nodeName: string, signal: AbortSignal): Shared {
  return {
    // A node's credential may see its own pods, that of the network none.
    pods: createInformer(own, resources.pods, { fieldSelector: `spec.nodeName=${nodeName}` }, signal),
    nodes: createInformer(client, resources.nodes, { transform: (node) => slimNode(node, nodeName) }, signal),
    services: createInformer(client, resources.services, {}, signal),
    endpointSlices: createInformer(client, resources.endpointSlices, {}, signal),
    namespaces: createInformer(client, resources.namespaces, {}, signal),
    serviceCIDRs: createInformer(client, resources.serviceCIDRs, { optional: true }, signal),
  };
}

/** Routes and the DNS need no more of each node; the proxy wants to know the zone of its own. */
function slimNode(node: Live<Node>, own: string): Live<Node> {
  const labels = node.metadata.name === own ? node.metadata.labels : undefined;
  return {
    metadata: { ...node.metadata, annotations: {}, labels: labels ?? {} },
    spec: node.spec ?? {},
    status: { addresses: node.status?.addresses ?? [] },
  };
}

async function startAgent(
  { flags, nodeName, client, network, informers, signal }: NodeOf,
  ready: Promise<void>,
): Promise<void> {
  const { runAgent } = await import('../agent/index.ts');
  const serving = await servingOf(flags);
  await runAgent(
    {
      client,
      networkClient: network,
      informers: { services: informers.services, nodes: informers.nodes, pods: informers.pods },
      nodeName,
      nodeIPs: flags.nodeIp,
      ...(flags.nodeLabels === undefined ? {} : { labels: flags.nodeLabels }),
      ...(flags.podCidr === undefined ? {} : { podCidrs: flags.podCidr }),
      rootDir: flags.rootDir,
      runDir: flags.runDir,
      imageDir: flags.images,
      clusterDns: flags.clusterDns,
      clusterDomain: flags.clusterDomain,
      netnsPrefix: flags.netnsPrefix,
      ready,
      ...(serving === undefined ? {} : { serving }),
      ...(flags.hide === undefined ? {} : { hidden: flags.hide }),
    },
    signal,
  );
}

async function servingOf(flags: Flags): Promise<AgentServing | undefined> {
  const { tlsCertFile, tlsPrivateKeyFile, clientCaFile } = flags;
  if (tlsCertFile === undefined && tlsPrivateKeyFile === undefined && clientCaFile === undefined) return undefined;
  if (tlsCertFile === undefined || tlsPrivateKeyFile === undefined || clientCaFile === undefined) {
    throw new UsageError(
      '--tls-cert-file, --tls-private-key-file and --client-ca-file belong together: give all three',
    );
  }
  const [cert, key, clientCa] = await Promise.all(
    [tlsCertFile, tlsPrivateKeyFile, clientCaFile].map((file) => readFile(file, 'utf8')),
  );
  return { cert: cert ?? '', key: key ?? '', clientCa: clientCa ?? '' };
}

async function startDns({ flags, nodeName, network, informers, signal }: NodeOf): Promise<Running> {
  const { runDns } = await import('../dns/index.ts');
  const nodeIP = flags.nodeIp[0] ?? '';
  return runDns(
    {
      client: network,
      informers,
      listen: flags.nodeIp.map((address) => ({ address, port: 53 })),
      clusterDomain: flags.clusterDomain,
      serviceCidrs: flags.serviceClusterIpRange,
      podCidrs: flags.clusterCidr,
      autopath: true,
      failover: flags.clusterDns,
      ...(flags.dnsLog === true ? { queryLog: (line: string) => log('dns').info(line) } : {}),
      // Cluster names stay in the cluster (C14): its pods may ask, and its nodes.
      allowFrom: [...flags.clusterCidr, ...flags.nodeIp.map(hostRange), '127.0.0.0/8', '::1/128'],
      upstreams: { resolvConf: '/etc/resolv.conf' },
      ...(flags.upstreamNetns === undefined ? {} : { upstreamNetns: flags.upstreamNetns }),
      nodeName,
      nodeIP,
      announce: true,
      metrics: flags.nodeIp.map((address) => ({ address, port: 9153 })),
    },
    signal,
  );
}

async function startProxy({ flags, nodeName, network, informers, signal }: NodeOf): Promise<Running> {
  const { runProxy } = await import('../proxy/index.ts');
  return runProxy(
    {
      client: network,
      informers,
      nodeName,
      nodeIPs: flags.nodeIp,
      clusterCidrs: flags.clusterCidr,
      ...(flags.podCidr === undefined ? {} : { podCidrs: flags.podCidr }),
      serviceCidrs: flags.serviceClusterIpRange,
      podLinks,
      ...(flags.lanRange === undefined ? {} : { lanCidrs: flags.lanRange }),
      ...(flags.serviceNodePortRange === undefined ? {} : { nodePortRange: flags.serviceNodePortRange }),
      ...(flags.clusterIpClients === undefined ? {} : { clusterIpClients: flags.clusterIpClients }),
      ...(flags.externalIpRange === undefined ? {} : { externalIpCidrs: flags.externalIpRange }),
    },
    signal,
  );
}

function hostRange(address: string): string {
  return `${address}/${familyOf(address) === 'IPv6' ? 128 : 32}`;
}
