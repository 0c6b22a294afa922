/**
 * Runs one node until the signal aborts; its pods stay.
 *
 *   register Node ─> ranges of pods ─> routes to the other nodes ─> pods ─> Ready (when the caller says so)
 */
import { existsSync, mkdirSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Node } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import { createEventRecorder, createInformer } from '../client/index.ts';
import type { Informer } from '../client/index.ts';
import { openImages } from '../images/index.ts';
import { log } from '../util/log.ts';
import { createHostPorts } from './host-ports.ts';
import { createImageManager } from './image-manager.ts';
import { createIpam } from './ipam.ts';
import type { Ipam } from './ipam.ts';
import { createLogPump } from './log-pump.ts';
import { readMachine } from './machine.ts';
import type { NodeContext } from './node-context.ts';
import { createNodeStatusKeeper } from './node-status.ts';
import type { AgentOptions } from './options.ts';
import { agentPaths } from './paths.ts';
import { podRecords } from './pod-record.ts';
import { createPods } from './pods.ts';
import { keepPodRoutes } from './routes.ts';
import { createRuntime } from './runtime.ts';
import { createTokenSource } from './tokens.ts';

const logger = log('agent');

/** Resolves when the signal has aborted; pods keep running. Rejects when the node can't be one (a port that is taken, …). */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const over = aborted(signal);
  // At any step: what is waited for may never come once everything has been told to stop.
  await Promise.race([begin(options, signal), over]);
  await over;
}

async function begin(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { client, nodeName, networkClient: network = client } = options;
  const paths = agentPaths(options.rootDir, options.runDir);
  for (const dir of [paths.root, paths.run]) mkdirSync(dir, { recursive: true, mode: 0o711 });
  warnOfPrivateMounts();
  if (options.sysctls ?? inNamedNetns()) enableForwarding();
  const machine = readMachine(paths.root);
  const images = openImages(options.imageDir);
  const hidden = [paths.root, paths.run, ...(options.hidden ?? [])];
  const imageManager = createImageManager(images, paths.hide, hidden, signal);
  const status = createNodeStatusKeeper(options, machine, imageManager.list, signal);
  const nodes = options.informers?.nodes ?? createInformer(network, resources.nodes, { transform: slimNode }, signal);
  const services = options.informers?.services ?? createInformer(network, resources.services, {}, signal);
  const records = podRecords(paths.pods);
  const knownHostPorts = records
    .load()
    .flatMap(({ uid, hostPorts }) => (hostPorts === undefined ? [] : [[uid, hostPorts] as const]));
  let resolveIpam: (ipam: Ipam) => void = () => undefined;
  const context: NodeContext = {
    options,
    client,
    paths,
    runtime: createRuntime(paths, signal),
    logs: createLogPump(paths.raw, signal),
    records,
    images: imageManager,
    hostPorts: createHostPorts(new Map(knownHostPorts), signal),
    tokens: createTokenSource(client),
    events: createEventRecorder(client, { component: 'kubelet', host: nodeName, signal }),
    facts: { name: nodeName, ips: options.nodeIPs, cpus: machine.cpus, memoryBytes: machine.memoryBytes },
    services,
    ipam: new Promise((resolve) => (resolveIpam = resolve)),
    signal,
  };
  const ownPods = { fieldSelector: `spec.nodeName=${nodeName}` };
  const podInformer = options.informers?.pods ?? createInformer(client, resources.pods, ownPods, signal);
  const pods = createPods(context, podInformer);
  if (options.serving !== undefined) {
    const { serveNodeApi } = await import('./node-api/index.ts');
    await serveNodeApi(context, pods, options.serving, signal);
  }
  const node = await status.register();
  const cidrs = podCidrsOf(node) ?? (await podCidrsSet(nodes, nodeName));
  const ipam = createIpam(cidrs, paths.ipam);
  pods.reserve(ipam);
  resolveIpam(ipam);
  await keepPodRoutes(nodes, nodeName, signal);
  status.setRoutesReady();
  await Promise.all([pods.synced, options.ready]);
  if (!signal.aborted) {
    status.setReady();
    logger.info({ node: nodeName, podCidrs: cidrs }, 'node is ready');
  }
}

function podCidrsOf(node: Node | undefined): readonly string[] | undefined {
  const list = node?.spec?.podCIDRs ?? (node?.spec?.podCIDR === undefined ? [] : [node.spec.podCIDR]);
  return list.length > 0 ? list : undefined;
}

/** Another part (upstream: the node IPAM controller) gives the node its ranges. */
function podCidrsSet(nodes: Informer<Node>, name: string): Promise<readonly string[]> {
  return new Promise((resolve) => {
    nodes.onChange((node) => {
      const cidrs = node?.metadata.name === name ? podCidrsOf(node) : undefined;
      if (cidrs !== undefined) resolve(cidrs);
    });
  });
}

/** Only what the routes need is kept of each node. */
function slimNode(node: Live<Node>): Live<Node> {
  return {
    metadata: { ...node.metadata, annotations: {}, labels: {} },
    spec: node.spec ?? {},
    status: { addresses: node.status?.addresses ?? [] },
  };
}

/** A namespace with a name in /run/netns was made by someone; the machine's own has none there. */
function inNamedNetns(): boolean {
  const own = statSync('/proc/self/ns/net').ino;
  const names = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  return names.some((name) => statSync(join('/run/netns', name), { throwIfNoEntry: false })?.ino === own);
}

/** Mounts of /run/netns made in a private mount namespace would be seen by nobody else, and be lost with this process. */
function warnOfPrivateMounts(): void {
  let machine: string;
  try {
    machine = readlinkSync('/proc/1/ns/mnt');
  } catch {
    // Not ours to see: nothing can be said.
    return;
  }
  if (readlinkSync('/proc/self/ns/mnt') === machine) return;
  logger.warn(
    {},
    "this process has a mount namespace of its own: pods' network namespaces are not visible outside of it",
  );
}

/** Written in this thread: the pool's threads may be in another network namespace. */
function enableForwarding(): void {
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  if (existsSync('/proc/sys/net/ipv6')) {
    writeFileSync('/proc/sys/net/ipv6/conf/all/forwarding', '1');
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
