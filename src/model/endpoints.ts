/**
 * The endpoints of one frontend, flattened out of all slices of its service and merged: two slices may name the same
 * address, one per port or by overlap while a controller moves it.
 *
 *   slice A: 10.244.1.2, 10.244.2.3 ┐                 ┌ 10.244.1.2:8080 ready
 *   slice B: 10.244.2.3 (terminating)├── endpoints ──> └ 10.244.2.3:8080 ready     the better state of both wins
 *   slice C: other family, other port┘
 *
 * Upstream: pkg/proxy/endpointslicecache.go.
 */
import type { Endpoint as SliceEndpoint, EndpointSlice } from '../api/gen/types.ts';
import { isUsableAddress } from './address.ts';
import { headlessLabel } from './frontends.ts';
import type { Endpoint, Frontend } from './types.ts';

/** Slices carry the name of their service in this label. */
export const serviceNameLabel = 'kubernetes.io/service-name';

/** The part of a frontend that endpoints are joined by. */
export type EndpointPort = Pick<Frontend, 'portName' | 'protocol' | 'family'>;

/** In the order of the slices; `slices` are those of the frontend's service. */
export function endpoints(slices: readonly EndpointSlice[], port: EndpointPort): readonly Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType !== port.family || headlessLabel in (slice.metadata?.labels ?? {})) continue;
    for (const number of portNumbers(slice, port)) {
      for (const entry of slice.endpoints ?? []) {
        const endpoint = flatten(entry, number);
        if (endpoint === undefined) continue;
        const key = `${endpoint.address} ${String(number)}`;
        const other = found.get(key);
        found.set(key, other === undefined ? endpoint : merge(other, endpoint));
      }
    }
  }
  return [...found.values()];
}

/** `namespace/name` of the service that a slice belongs to; undefined: it names none. */
export function serviceKeyOf(slice: EndpointSlice): string | undefined {
  const name = slice.metadata?.labels?.[serviceNameLabel];
  return name === undefined || name === '' ? undefined : `${slice.metadata?.namespace ?? ''}/${name}`;
}

function portNumbers(slice: EndpointSlice, port: EndpointPort): readonly number[] {
  const numbers = new Set<number>();
  for (const { name, protocol, port: number } of slice.ports ?? []) {
    if ((name ?? '') !== port.portName || (protocol ?? 'TCP') !== port.protocol) continue;
    // No number means "all ports", which a translation can't express; upstream skips it too.
    if (number !== undefined && number > 0) numbers.add(number);
  }
  return [...numbers];
}

/** All addresses of an entry are the same pod, so the first one stands for it. */
function flatten(entry: SliceEndpoint, port: number): Endpoint | undefined {
  const address = entry.addresses[0];
  if (address === undefined || !isUsableAddress(address)) return undefined;
  const { ready, serving, terminating } = entry.conditions ?? {};
  const target = entry.targetRef;
  return {
    address,
    port,
    nodeName: entry.nodeName,
    zone: entry.zone,
    ready: ready ?? true,
    serving: serving ?? ready ?? true,
    terminating: terminating ?? false,
    hintZones: (entry.hints?.forZones ?? []).map(({ name }) => name),
    hintNodes: (entry.hints?.forNodes ?? []).map(({ name }) => name),
    pod: target?.kind === 'Pod' ? { namespace: target.namespace ?? '', name: target.name ?? '' } : undefined,
  };
}

function merge(a: Endpoint, b: Endpoint): Endpoint {
  const [best, rest] = rank(b) > rank(a) ? [b, a] : [a, b];
  return {
    ...best,
    nodeName: best.nodeName ?? rest.nodeName,
    zone: best.zone ?? rest.zone,
    pod: best.pod ?? rest.pod,
  };
}

function rank(endpoint: Endpoint): number {
  return endpoint.ready ? 2 : endpoint.serving ? 1 : 0;
}
