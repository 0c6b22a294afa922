/**
 * What the kernel holds for one key, element by element, and the elements that lead from one state to another. The same
 * functions serve a change, a restart and a repair: only where `before` comes from differs. Pure.
 *
 *   Plan + before ── settle ──> Held (slot order, endpoint ids)
 *   before, after ── differ ──> elements to delete and to add
 */
import type { Family } from '../model/index.ts';
import type { Plan, Route } from './plan.ts';
import { dropCode, pickerCode, refuseCode } from './ruleset.ts';
import type { Picker } from './ruleset.ts';
import { arrange } from './slots.ts';

/** A slot of a pool with session affinity: the endpoint has an id that clients are remembered by. */
export interface Sticky {
  readonly id: number;
  readonly endpoint: string;
}

export interface Held {
  readonly key: string;
  readonly family: Family;
  /** Codes of @route; 0: not in the map. */
  readonly internal: number;
  readonly external: number;
  /** Endpoints by slot, first pool and second pool; '' where a damaged table has a hole. */
  readonly plain: readonly [readonly string[], readonly string[]];
  readonly sticky: readonly [readonly Sticky[], readonly Sticky[]];
  /** undefined: not restricted. */
  readonly sources: readonly string[] | undefined;
  readonly sourceNat: 'all' | 'own' | undefined;
}

/** What settle needs from the table that it works for. */
export interface Allocation {
  /** Ids of a group's endpoints (sticky-ids.ts). */
  readonly stick: (group: string, before: readonly Sticky[]) => (endpoint: string) => number;
  /** Number of an affinity time-out. */
  readonly rankOf: (seconds: number) => number;
  /** Told of each picker that the entry refers to. */
  readonly use: (picker: Picker) => void;
}

const none: readonly never[] = [];
const noPlain: Held['plain'] = [none, none];
const noSticky: Held['sticky'] = [none, none];

/** `before` itself where it is what the plan wants. */
export function settle(plan: Plan, before: Held | undefined, allocation: Allocation): Held {
  const { affinitySeconds } = plan;
  const both = <T>(make: (pool: 0 | 1) => T): readonly [T, T] => [make(0), make(1)];
  const isSticky = affinitySeconds !== undefined;
  const plain = isSticky ? noPlain : both((pool) => arrange(before?.plain[pool] ?? none, plan.pools[pool]));
  const sticky = isSticky ? stickyPools(plan, before, allocation) : noSticky;
  const codeOf = (route: Route): number => {
    if (route === undefined) return 0;
    if (route.kind !== 'pool') return route.kind === 'refuse' ? refuseCode : dropCode;
    const near = route.pool === 1;
    const slots = (isSticky ? sticky : plain)[route.pool].length;
    const picker: Picker = isSticky
      ? { kind: 'stick', near, slots, seconds: affinitySeconds, rank: allocation.rankOf(affinitySeconds) }
      : { kind: 'pick', near, slots };
    allocation.use(picker);
    return pickerCode(picker);
  };
  const [internal, external] = [codeOf(plan.internal), codeOf(plan.external)];
  const { key, family, sources, sourceNat } = plan;
  const after: Held = { key, family, internal, external, plain, sticky, sources, sourceNat };
  return before !== undefined && isSame(before, after) ? before : after;
}

/** The usual entry only: what has affinity or source ranges is compared element by element. */
function isSame(a: Held, b: Held): boolean {
  const isUsual = ({ sticky, sources }: Held): boolean =>
    sticky[0].length === 0 && sticky[1].length === 0 && sources === undefined;
  return (
    a.internal === b.internal &&
    a.external === b.external &&
    a.sourceNat === b.sourceNat &&
    // Of what is kept, arrange() returns the same list.
    a.plain[0] === b.plain[0] &&
    a.plain[1] === b.plain[1] &&
    isUsual(a) &&
    isUsual(b)
  );
}

function stickyPools({ group, pools }: Plan, before: Held | undefined, { stick }: Allocation): Held['sticky'] {
  const idOf = stick(group, before?.sticky.flat() ?? none);
  return [
    arrangeSticky(before?.sticky[0] ?? none, pools[0], idOf),
    arrangeSticky(before?.sticky[1] ?? none, pools[1], idOf),
  ];
}

function arrangeSticky(
  before: readonly Sticky[],
  wanted: readonly string[],
  idOf: (endpoint: string) => number,
): readonly Sticky[] {
  const order = arrange(
    before.map(({ endpoint }) => endpoint),
    wanted.filter((endpoint) => idOf(endpoint) !== 0),
  );
  return order.map((endpoint) => ({ id: idOf(endpoint), endpoint }));
}

export type SetName =
  'internal' | 'external' | 'slots' | 'sticky-slots' | StickyEnds | 'restricted' | 'allowed' | 'snat-all' | 'snat-own';

/** Endpoints by entry key and id, of the first pool and the second. */
export type StickyEnds = 'sticky-endpoints' | 'sticky-near';
export const stickyEnds: readonly [StickyEnds, StickyEnds] = ['sticky-endpoints', 'sticky-near'];

/** One element as words: `slot`, `id` and `value` mean what the set's name says. */
export interface ElementWords {
  readonly set: SetName;
  readonly key: string;
  readonly slot?: number;
  readonly id?: number;
  readonly value?: string | number;
}

export interface Sink {
  readonly remove: (element: ElementWords) => void;
  readonly add: (element: ElementWords) => void;
}

/** `near`: the number of the second pool's first slot. */
export function differ(before: Held | undefined, after: Held | undefined, near: number, sink: Sink): void {
  if (before === after) return;
  const key = after?.key ?? before?.key ?? '';
  const change = (words: Omit<ElementWords, 'value'>, old: string | number, now: string | number): void => {
    if (old === now) return;
    if (old !== '' && old !== 0) sink.remove({ ...words, value: old });
    if (now !== '' && now !== 0) sink.add({ ...words, value: now });
  };
  change({ set: 'internal', key }, before?.internal ?? 0, after?.internal ?? 0);
  change({ set: 'external', key }, before?.external ?? 0, after?.external ?? 0);
  for (const pool of [0, 1] as const) {
    const [old, now] = [before?.plain[pool] ?? [], after?.plain[pool] ?? []];
    if (old === now) continue;
    for (let slot = 0; slot < Math.max(old.length, now.length); slot++) {
      change({ set: 'slots', key, slot: slot + pool * near }, old[slot] ?? '', now[slot] ?? '');
    }
  }
  for (const pool of [0, 1] as const) differSticky(key, before, after, pool, near, sink);
  differMembers(key, before, after, sink);
}

function differSticky(
  key: string,
  before: Held | undefined,
  after: Held | undefined,
  pool: 0 | 1,
  near: number,
  sink: Sink,
): void {
  const [old, now] = [before?.sticky[pool] ?? [], after?.sticky[pool] ?? []];
  if (old.length === 0 && now.length === 0) return;
  for (let slot = 0; slot < Math.max(old.length, now.length); slot++) {
    const [from, to] = [old[slot]?.id ?? 0, now[slot]?.id ?? 0];
    if (from === to) continue;
    const words = { set: 'sticky-slots', key, slot: slot + pool * near } as const;
    if (from !== 0) sink.remove({ ...words, value: from });
    if (to !== 0) sink.add({ ...words, value: to });
  }
  const oldIds = new Map(old.map(({ id, endpoint }) => [id, endpoint]));
  const nowIds = new Map(now.map(({ id, endpoint }) => [id, endpoint]));
  for (const [id, endpoint] of oldIds) {
    // '' is a hole: the id leads nowhere already.
    if (endpoint !== '' && nowIds.get(id) !== endpoint) sink.remove({ set: stickyEnds[pool], key, id });
  }
  for (const [id, endpoint] of nowIds) {
    if (oldIds.get(id) !== endpoint) sink.add({ set: stickyEnds[pool], key, id, value: endpoint });
  }
}

function differMembers(key: string, before: Held | undefined, after: Held | undefined, sink: Sink): void {
  for (const [set, member] of [
    ['snat-all', 'all'],
    ['snat-own', 'own'],
  ] as const) {
    const [old, now] = [before?.sourceNat === member, after?.sourceNat === member];
    if (old && !now) sink.remove({ set, key });
    if (now && !old) sink.add({ set, key });
  }
  const [old, now] = [before?.sources, after?.sources];
  if (old !== undefined && now === undefined) sink.remove({ set: 'restricted', key });
  if (now !== undefined && old === undefined) sink.add({ set: 'restricted', key });
  for (const range of old ?? []) if (now?.includes(range) !== true) sink.remove({ set: 'allowed', key, value: range });
  for (const range of now ?? []) if (old?.includes(range) !== true) sink.add({ set: 'allowed', key, value: range });
}
