/**
 * A packet that exists only in thought, walked through the logical tables as a real one is walked through the kernel's: what
 * becomes of it, and at each step why. For the explainer, and for tests that hold it against real packets.
 *
 *   journey   the sender's own node ─untouched, and to another node's address─> that node ─> Walk
 *   walk      one node:  who sends ─> source ranges ─> entry of the key ─> selection ─> under which address it arrives
 *
 * Pure. The kernel's side of the same story is src/dataplane/ruleset.ts.
 */
import { cidrContains, mustParseCidr, parseIp } from '../util/ip.ts';
import { entryKey } from './table.ts';
import type { ServiceTable, TableEntry } from './table.ts';
import type { Endpoint, Protocol } from './types.ts';

export interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** A node with its tables, and the ranges that its rules name (DataPlaneOptions). */
export interface WalkNode {
  readonly table: ServiceTable;
  readonly podCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly nonMasqueradeCidrs: readonly string[];
  readonly trustedSources?: readonly string[];
}

export type StepName =
  'origin' | 'node' | 'source-ranges' | 'lookup' | 'selection' | 'service-range' | 'source-address';

export interface Step {
  readonly name: StepName;
  readonly why: string;
}

/** An endpoint that the packet may arrive at, and whose address it sees there. */
export interface Arrival {
  readonly endpoint: Endpoint;
  readonly sees: 'client' | 'node';
}

export type Walk = { readonly steps: readonly Step[]; readonly entry?: TableEntry } & (
  | { readonly outcome: 'reached'; readonly arrivals: readonly Arrival[] }
  | { readonly outcome: 'refused' | 'dropped' }
  /** No business of the tables: routed on as it is. */
  | { readonly outcome: 'untouched' }
);

/** `sender`: the node that the packet starts on, with its pods; undefined: from outside, and `gateway` gets it first. */
export function journey(
  packet: Packet,
  nodes: readonly WalkNode[],
  sender: WalkNode | undefined,
  gateway?: WalkNode,
): Walk {
  const first = sender ?? gateway;
  const isOwn = sender !== undefined && !within(packet.source, sender.podCidrs);
  const start = first === undefined ? untouched([]) : walk(packet, first, isOwn ? 'output' : 'wire');
  if (start.outcome !== 'untouched') return start;
  const target = nodes.find((node) => node.table.node.addresses.includes(packet.destination));
  if (target === undefined || target === first) return start;
  const name = target.table.node.nodeName;
  const there = walk(packet, target, 'wire');
  const step: Step = { name: 'node', why: `${packet.destination} is node ${name}: its tables decide` };
  return { ...there, steps: [...start.steps, step, ...there.steps] };
}

/** On one node. `output`: by a process of the node itself; `wire`: it came in from a pod or from elsewhere. */
export function walk(packet: Packet, at: WalkNode, hook: 'output' | 'wire'): Walk {
  const steps: Step[] = [];
  const tell = (name: StepName, why: string): void => void steps.push({ name, why });
  const { nodeName } = at.table.node;
  const isPod = hook === 'wire' && within(packet.source, at.podCidrs);
  const isInside = isPod || hook === 'output';
  tell('origin', originText(packet, nodeName, hook, isPod));

  const key = entryKey(packet.destination, packet.protocol, packet.port);
  const entry = at.table.entries.get(key);
  if (entry === undefined) {
    if (!within(packet.destination, at.serviceCidrs)) {
      tell('lookup', `no service has ${key} on ${nodeName}`);
      return untouched(steps);
    }
    tell('service-range', `no service claims ${key}, and service addresses are never routed out`);
    return { outcome: isInside ? 'refused' : 'dropped', steps };
  }
  const { kind, service } = entry.frontend;
  tell('lookup', `${key} is a ${kind} of service ${service.namespace}/${service.name}`);

  const guarded = guard(packet, entry, at);
  if (guarded !== undefined) tell('source-ranges', guarded.why);
  if (guarded?.passes === false) return { outcome: 'dropped', steps, entry };

  const selection = isInside ? entry.internal : entry.external;
  tell('selection', selection.why);
  if (selection.verdict !== 'forward') {
    return { outcome: selection.verdict === 'reject' ? 'refused' : 'dropped', steps, entry };
  }
  const arrivals = selection.endpoints.map((endpoint) => {
    const [sees, why] = sourceAddress(packet, endpoint, entry, at, { isPod, isOwn: hook === 'output' });
    tell('source-address', `${endpoint.address} sees the ${sees}'s address: ${why}`);
    return { endpoint, sees };
  });
  return { outcome: 'reached', arrivals, steps, entry };
}

function originText(packet: Packet, nodeName: string, hook: 'output' | 'wire', isPod: boolean): string {
  if (isPod) return `${packet.source} is a pod of ${nodeName}`;
  return hook === 'output' ? `a process of ${nodeName} itself` : `${packet.source} is outside of ${nodeName}`;
}

function guard(
  packet: Packet,
  { frontend: { kind, sourceRanges } }: TableEntry,
  { trustedSources = [] }: WalkNode,
): { readonly passes: boolean; readonly why: string } | undefined {
  if (sourceRanges === undefined || (kind === 'NodePort' && trustedSources.length === 0)) return undefined;
  const named = `loadBalancerSourceRanges (${sourceRanges.join(', ')})`;
  if (within(packet.source, sourceRanges)) return { passes: true, why: `${packet.source} is in ${named}` };
  if (within(packet.source, trustedSources)) {
    return { passes: true, why: `${packet.source} is a load balancer that checks ${named} itself` };
  }
  return { passes: false, why: `${packet.source} is not in ${named}` };
}

function sourceAddress(
  packet: Packet,
  endpoint: Endpoint,
  { frontend }: TableEntry,
  at: WalkNode,
  from: { readonly isPod: boolean; readonly isOwn: boolean },
): readonly ['client' | 'node', string] {
  if (endpoint.address === packet.source) return ['node', 'a pod that reached itself would answer itself directly'];
  if (from.isPod) {
    return within(endpoint.address, [...at.nonMasqueradeCidrs, ...at.podCidrs])
      ? ['client', 'pods keep their address inside the cluster']
      : ['node', 'pods leave the cluster with the address of their node'];
  }
  if (from.isOwn) return ['node', 'the client is the node'];
  return frontend.kind !== 'ClusterIP' && frontend.policy === 'Cluster'
    ? ['node', 'with externalTrafficPolicy Cluster the answer must come back through this node']
    : ['client', 'with externalTrafficPolicy Local the endpoint is on this node'];
}

function untouched(steps: readonly Step[]): Walk {
  return { outcome: 'untouched', steps };
}

function within(address: string, cidrs: readonly string[]): boolean {
  const ip = parseIp(address);
  if (ip === undefined) return false;
  return cidrs.some((text) =>
    text.includes('/') ? cidrContains(mustParseCidr(text), ip) : parseIp(text)?.value === ip.value,
  );
}
