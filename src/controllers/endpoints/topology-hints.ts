/**
 * topology-mode Auto: each zone gets endpoints in proportion to its CPU, own ones first, and no endpoint is to carry more
 * than a fifth above its share. Pure. Upstream: k8s.io/endpointslice/topologycache (KEP-2433).
 *
 *   endpoints of all slices of one family ─┬─ 1. slices that are not written anyway keep their hints, if those still fit
 *                                          ├─ 2. every other endpoint is hinted for its own zone
 *                                          └─ 3. zones with too many give to zones with too few
 */
import type { Endpoint } from '../../api/gen/types.ts';
import { semanticEqual } from '../equality.ts';
import type { ZoneShares } from './zone-shares.ts';

/** Zone → endpoints hinted for it. */
export type ZoneCounts = ReadonlyMap<string, number>;

export interface HintedSlices {
  /** Endpoints of the slices that are written anyway, in the order given, with their hints. */
  readonly touched: readonly (readonly Endpoint[])[];
  /** Of the others; undefined: leave it as it is. */
  readonly untouched: readonly (readonly Endpoint[] | undefined)[];
  readonly outcome: HintOutcome;
}

export type HintOutcome =
  | { readonly kind: 'hinted'; readonly counts: ZoneCounts }
  /** No endpoint has hints; the text of the event. */
  | { readonly kind: 'refused'; readonly message: string };

interface Allocation {
  readonly minimum: number;
  readonly maximum: number;
  readonly desired: number;
}

/** The most by which an endpoint may be overloaded. */
const overloadThreshold = 0.2;

export const autoEnabled = 'Topology Aware Hints has been enabled';
export const autoDisabled = 'Topology Aware Hints has been disabled';

/** The older annotation goes first. */
export function wantsAutoHints(annotations: Readonly<Record<string, string>> | undefined): boolean {
  const mode =
    annotations?.['service.kubernetes.io/topology-aware-hints'] ?? annotations?.['service.kubernetes.io/topology-mode'];
  return mode === 'Auto' || mode === 'auto';
}

export function autoHints(
  touched: readonly (readonly Endpoint[])[],
  untouched: readonly (readonly Endpoint[])[],
  shares: ZoneShares | undefined,
): HintedSlices {
  const endpoints = [...touched, ...untouched].flat().filter(isReady).length;
  const allocations = allocate(endpoints, shares);
  if (typeof allocations === 'string') return withoutHints(touched, untouched, allocations);
  const counts = new Map<string, number>();
  const kept = untouched.map((slice) => keepHints(slice, counts, allocations));
  const open = [...touched, ...untouched.filter((_, i) => !kept[i])].flat().filter(isReady);
  if (open.some(({ zone = '' }) => zone === '')) {
    return withoutHints(touched, untouched, 'One or more endpoints do not have a zone specified');
  }
  for (const { zone = '' } of open) add(counts, zone, 1);
  const moved = redistribute(open, imbalance(allocations, counts));
  for (const [{ zone = '' }, to] of moved) {
    add(counts, zone, -1);
    add(counts, to, 1);
  }
  const hinted = (slice: readonly Endpoint[]): Endpoint[] =>
    slice.map((endpoint) =>
      isReady(endpoint)
        ? { ...endpoint, hints: { forZones: [{ name: moved.get(endpoint) ?? endpoint.zone ?? '' }] } }
        : unhinted(endpoint),
    );
  return {
    touched: touched.map(hinted),
    untouched: untouched.map((slice, i) => (kept[i] ? undefined : ifChanged(slice, hinted(slice)))),
    outcome: { kind: 'hinted', counts },
  };
}

/** A zone has less than it needs: the hints must be worked out again. */
export function isOverloaded(counts: ZoneCounts, shares: ZoneShares | undefined): boolean {
  if (counts.size === 0) return false;
  if (shares === undefined) return true;
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return [...shares].some(([zone, share]) => (counts.get(zone) ?? -1) < leastOf(total * share));
}

/** Or why not. */
function allocate(endpoints: number, shares: ZoneShares | undefined): ReadonlyMap<string, Allocation> | string {
  if (shares === undefined) {
    return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
  }
  const figures = `(${String(endpoints)} endpoints, ${String(shares.size)} zones)`;
  if (shares.size > endpoints) return `Insufficient number of endpoints ${figures}`;
  const minima = [...shares.values()].reduce((sum, share) => sum + leastOf(share * endpoints), 0);
  if (minima > endpoints) {
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${figures}`;
  }
  return new Map(
    [...shares].map(([zone, share]) => {
      const minimum = leastOf(share * endpoints);
      const maximum = minimum + endpoints - minima;
      return [zone, { minimum, maximum, desired: Math.max(share * endpoints, minimum) }];
    }),
  );
}

function leastOf(desired: number): number {
  return Math.ceil(desired * (1 / (1 + overloadThreshold)));
}

/** The slice's hints still fit: they are counted. Each ready endpoint must have some, for zones that get any, and not too many. */
function keepHints(
  slice: readonly Endpoint[],
  counts: Map<string, number>,
  allocations: ReadonlyMap<string, Allocation>,
): boolean {
  const own = new Map<string, number>();
  for (const endpoint of slice.filter(isReady)) {
    const forZones = endpoint.hints?.forZones ?? [];
    if (forZones.length === 0) return false;
    for (const { name } of forZones) add(own, name, 1);
  }
  for (const [zone, count] of own) {
    if (count + (counts.get(zone) ?? 0) > (allocations.get(zone)?.maximum ?? -1)) return false;
  }
  for (const [zone, count] of own) add(counts, zone, count);
  return true;
}

interface Imbalance {
  readonly giving: Map<string, number>;
  readonly receiving: Map<string, number>;
}

/** Whole endpoints that zones should give and get: only where that brings both nearer to what they want. */
function imbalance(allocations: ReadonlyMap<string, Allocation>, counts: ZoneCounts): Imbalance {
  const surplus = new Map<string, number>();
  const lack = new Map<string, number>();
  for (const [zone, { desired }] of allocations) {
    const more = (counts.get(zone) ?? 0) - desired;
    if (more > 0) surplus.set(zone, more);
    if (more < 0) lack.set(zone, -more);
  }
  const giving = new Map<string, number>();
  const receiving = new Map<string, number>();
  for (;;) {
    const [from, give] = most(surplus);
    const [to, get] = most(lack);
    if ((give < 1 && get < 1) || give < 0.5 || get < 0.5) return { giving, receiving };
    add(giving, from, 1);
    add(surplus, from, -1);
    add(receiving, to, 1);
    add(lack, to, -1);
  }
}

/** Endpoint → the zone that gets it. */
function redistribute(endpoints: readonly Endpoint[], { giving, receiving }: Imbalance): Map<Endpoint, string> {
  const moved = new Map<Endpoint, string>();
  for (const endpoint of endpoints) {
    const [to] = [...receiving].find(([, count]) => count > 0) ?? [];
    if (to === undefined) break;
    if ((giving.get(endpoint.zone ?? '') ?? 0) <= 0) continue;
    moved.set(endpoint, to);
    add(giving, endpoint.zone ?? '', -1);
    add(receiving, to, -1);
  }
  return moved;
}

function withoutHints(
  touched: readonly (readonly Endpoint[])[],
  untouched: readonly (readonly Endpoint[])[],
  message: string,
): HintedSlices {
  return {
    touched: touched.map((slice) => slice.map(unhinted)),
    untouched: untouched.map((slice) => ifChanged(slice, slice.map(unhinted))),
    outcome: { kind: 'refused', message },
  };
}

function unhinted({ hints: _, ...endpoint }: Endpoint): Endpoint {
  return endpoint;
}

function ifChanged(before: readonly Endpoint[], after: readonly Endpoint[]): readonly Endpoint[] | undefined {
  return semanticEqual(before, after) ? undefined : after;
}

function isReady({ conditions }: Endpoint): boolean {
  return conditions?.ready === true;
}

function add(counts: Map<string, number>, zone: string, by: number): void {
  counts.set(zone, (counts.get(zone) ?? 0) + by);
}

function most(zones: ReadonlyMap<string, number>): readonly [string, number] {
  let best: readonly [string, number] = ['', 0];
  for (const one of zones) if (one[1] > best[1]) best = one;
  return best;
}
