/**
 * Endpoints into slices of at most 100, with as few writes as possible: a slice that need not change is not touched.
 * Upstream: reconcileByPortMapping in k8s.io/endpointslice/reconciler.go.
 *
 *   existing slices ─ drop what is gone, replace what changed ─┐
 *                                 1. fill the slices that change anyway, fullest first
 *   endpoints left over ──────────2. else one unchanged slice that has room for all of them
 *                                 3. new slices
 */
import type { Endpoint, EndpointSlice } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { semanticEqual } from '../equality.ts';

export type LiveSlice = Live<EndpointSlice>;

export interface Packing {
  /** Existing slices with their new endpoints. */
  readonly changed: readonly { readonly slice: LiveSlice; readonly endpoints: Endpoint[] }[];
  readonly unchanged: readonly LiveSlice[];
  readonly removed: readonly LiveSlice[];
  /** Endpoints of each slice to make. */
  readonly added: readonly Endpoint[][];
}

export const maxEndpointsPerSlice = 100;

/** `stale`: the slice must be written although its endpoints are right (its labels are not, say). */
export function packEndpoints(
  existing: readonly LiveSlice[],
  desired: ReadonlyMap<string, Endpoint>,
  stale: (slice: LiveSlice) => boolean,
): Packing {
  const left = new Map(desired);
  const removed: LiveSlice[] = [];
  const changed: { slice: LiveSlice; endpoints: Endpoint[] }[] = [];
  const unchanged: LiveSlice[] = [];
  for (const slice of existing) {
    const kept = keep(slice, left);
    if (kept.endpoints.length === 0) removed.push(slice);
    else if (kept.differs || stale(slice)) changed.push({ slice, endpoints: kept.endpoints });
    else unchanged.push(slice);
  }
  changed.sort((a, b) => b.endpoints.length - a.endpoints.length);
  for (const { endpoints } of changed) take(left, endpoints, maxEndpointsPerSlice);

  const added: Endpoint[][] = [];
  while (left.size > 0) {
    const roomy = left.size < maxEndpointsPerSlice ? tightest(unchanged, left.size) : undefined;
    const endpoints = roomy === undefined ? [] : [...(roomy.endpoints ?? [])];
    take(left, endpoints, maxEndpointsPerSlice);
    if (roomy === undefined) {
      added.push(endpoints);
      continue;
    }
    unchanged.splice(unchanged.indexOf(roomy), 1);
    changed.push({ slice: roomy, endpoints });
  }
  return { changed, unchanged, removed, added };
}

/** What an endpoint is recognised by when its conditions change: the pod, else its first address. */
export function endpointKey({ targetRef, addresses }: Endpoint): string {
  return targetRef === undefined
    ? `address/${addresses[0] ?? ''}`
    : `${targetRef.kind ?? ''}/${targetRef.namespace ?? ''}/${targetRef.name ?? ''}/${targetRef.uid ?? ''}/${addresses[0] ?? ''}`;
}

function keep(slice: LiveSlice, left: Map<string, Endpoint>): { endpoints: Endpoint[]; differs: boolean } {
  const endpoints: Endpoint[] = [];
  let differs = false;
  for (const endpoint of slice.endpoints ?? []) {
    const key = endpointKey(endpoint);
    const wanted = left.get(key);
    // Gone, or already kept from another slice.
    if (wanted === undefined) {
      differs = true;
      continue;
    }
    left.delete(key);
    endpoints.push(wanted);
    differs ||= !semanticEqual(wanted, endpoint);
  }
  return { endpoints, differs };
}

function take(left: Map<string, Endpoint>, into: Endpoint[], limit: number): void {
  for (const [key, endpoint] of left) {
    if (into.length >= limit) return;
    into.push(endpoint);
    left.delete(key);
  }
}

/** The slice that is fullest afterwards. */
function tightest(slices: readonly LiveSlice[], more: number): LiveSlice | undefined {
  let best: LiveSlice | undefined;
  for (const slice of slices) {
    const size = slice.endpoints?.length ?? 0;
    if (size + more <= maxEndpointsPerSlice && size > (best?.endpoints?.length ?? -1)) best = slice;
  }
  return best;
}
