/**
 * Established flows of the load balancer's addresses. The kernel keeps sending a flow to the node that it began with; when that node
 * is gone, its entries must go too, so that the client's next packet finds another node (UDP) or is answered with a reset and the
 * client connects anew (TCP), at once and not after minutes.
 *
 *   settle(state) ── nothing was taken away since the last time ──> no look at the kernel's table
 *                 └─ else: every entry of an address of ours whose node no longer serves its frontend is removed
 *
 * TCP to a node that lives but takes no new connections (draining, proxy down) stays: it would be cut for nothing. UDP moves on.
 */
import type { Protocol } from '../model/index.ts';
import { flowKey } from './elements.ts';
import type { LbFrontend, LbTarget } from './targets.ts';

/** What a conntrack entry says to us. */
export interface Flow {
  readonly protocol: Protocol;
  /** What the client called. */
  readonly address: string;
  readonly port: number;
  /** Who answers. */
  readonly target: LbTarget;
}

export interface FlowStore {
  /** Removes those translated flows to one of these addresses that are stale. Returns how many. Costs a walk of the table per protocol. */
  cut(addresses: ReadonlySet<string>, protocols: ReadonlySet<Protocol>, isStale: (flow: Flow) => boolean): number;
}

export interface FlowTable {
  /** After the kernel got this state, never before: a packet in between would find the old way again. Returns how many were cut. */
  settle(vips: readonly string[], frontends: readonly LbFrontend[]): number;
}

export function createFlowTable(store: FlowStore): FlowTable {
  // What an earlier process left is not known: look at all, once.
  let before: ReadonlyMap<string, Protocol> | undefined;
  let vipsBefore: readonly string[] = [];
  return {
    settle(vips, frontends) {
      const allowed = allowedFlows(frontends);
      const lost = new Set(before === undefined ? everyProtocol : lostProtocols(before, allowed));
      const addresses = new Set([...vips, ...vipsBefore]);
      const isStale = (flow: Flow): boolean => !allowed.has(keyOf(flow));
      const cut = lost.size > 0 && addresses.size > 0 ? store.cut(addresses, lost, isStale) : 0;
      before = allowed;
      vipsBefore = vips;
      return cut;
    },
  };
}

const everyProtocol: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];

function lostProtocols(before: ReadonlyMap<string, Protocol>, now: ReadonlyMap<string, Protocol>): readonly Protocol[] {
  return [...before].filter(([key]) => !now.has(key)).map(([, protocol]) => protocol);
}

function allowedFlows(frontends: readonly LbFrontend[]): ReadonlyMap<string, Protocol> {
  const allowed = new Map<string, Protocol>();
  for (const { frontend, active, lingering } of frontends) {
    const targets = frontend.protocol === 'UDP' ? active : [...active, ...lingering];
    for (const target of targets) allowed.set(keyOf({ ...frontend, target }), frontend.protocol);
  }
  return allowed;
}

function keyOf(flow: Flow): string {
  return `${flowKey(flow.address, flow.protocol, flow.port)} -> ${flow.target.address} ${flow.target.port}`;
}
