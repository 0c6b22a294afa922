/**
 * The endpoints of one frontend, flattened out of all slices of its service and merged: two slices may name the same
 * address, one per port or by overlap while a controller moves it.
 *
 *   slice A: 10.244.1.2, 10.244.2.3 ┐                 ┌ 10.244.1.2:8080 ready
 *   slice B: 10.244.2.3 (terminating)├── endpoints ──> └ 10.244.2.3:8080 ready     one that stays wins, then the better state
 *   slice C: other family, other port┘
 *
 * Upstream: pkg/proxy/endpointslicecache.go.
 */
import type { Endpoint as SliceEndpoint, EndpointSlice } from '../api/gen/types.ts';
import { isPort, usableAddress } from './address.ts';
import { headlessLabel } from './frontends.ts';
import type { Endpoint, Family, Frontend } from './types.ts';

/** Slices carry the name of their service in this label. */
export const serviceNameLabel = 'kubernetes.io/service-name';

/** The part of a frontend that endpoints are joined by. */
export type EndpointPort = Pick<Frontend, 'portName' | 'protocol' | 'family'>;

/** In the order of the slices; `slices` are those of the frontend's service. */
export function endpoints(slices: readonly EndpointSlice[], port: EndpointPort): readonly Endpoint[] {
  const found: Endpoint[] = [];
  const places = new Places(found);
  for (const slice of slices) {
    if (slice.addressType !== port.family || headlessLabel in (slice.metadata?.labels ?? {})) continue;
    const numbers = portNumbers(slice, port);
    const entries = numbers.length === 0 ? [] : (slice.endpoints ?? []);
    for (const number of numbers) {
      for (const entry of entries) {
        const endpoint = flatten(entry, number, port.family);
        if (endpoint === undefined) continue;
        const place = places.of(endpoint);
        const other = found[place];
        found[place] = other === undefined ? endpoint : merge(other, endpoint);
      }
    }
  }
  return found;
}

/** Most services have so few endpoints that looking at each is quicker than to remember where they are. */
const few = 16;

/** Where in a growing list an address and port is, or its end when it is new. */
class Places {
  readonly #endpoints: readonly Endpoint[];
  /** By port and address, once there are many. */
  readonly #known = new Map<number, Map<string, number>>();
  /** So many of them are known. */
  #count = 0;

  constructor(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints;
  }

  of(endpoint: Endpoint): number {
    const all = this.#endpoints;
    if (all.length >= few) return this.#look(endpoint) ?? all.length;
    for (let place = 0; place < all.length; place++) {
      const other = all[place];
      if (other?.address === endpoint.address && other.port === endpoint.port) return place;
    }
    return all.length;
  }

  #look({ address, port }: Endpoint): number | undefined {
    for (; this.#count < this.#endpoints.length; this.#count++) {
      const added = this.#endpoints[this.#count];
      if (added !== undefined) this.#byAddress(added.port).set(added.address, this.#count);
    }
    return this.#byAddress(port).get(address);
  }

  #byAddress(port: number): Map<string, number> {
    let found = this.#known.get(port);
    if (found === undefined) this.#known.set(port, (found = new Map<string, number>()));
    return found;
  }
}

/** `namespace/name` of the service that a slice belongs to; undefined: it names none. */
export function serviceKeyOf(slice: EndpointSlice): string | undefined {
  const name = slice.metadata?.labels?.[serviceNameLabel];
  return name === undefined || name === '' ? undefined : `${slice.metadata?.namespace ?? ''}/${name}`;
}

function portNumbers(slice: EndpointSlice, port: EndpointPort): readonly number[] {
  const numbers: number[] = [];
  for (const { name, protocol, port: number } of slice.ports ?? []) {
    if ((name ?? '') !== port.portName || (protocol ?? 'TCP') !== port.protocol) continue;
    // No number means "all ports", which a translation can't express; upstream skips it too.
    if (isPort(number) && !numbers.includes(number)) numbers.push(number);
  }
  return numbers;
}

/** All addresses of an entry are the same pod, so the first one stands for it. A proxy does this 100,000 times at its start. */
function flatten(
  { addresses, conditions, nodeName, zone, hints, targetRef }: SliceEndpoint,
  port: number,
  family: Family,
): Endpoint | undefined {
  const address = addresses[0] === undefined ? undefined : usableAddress(addresses[0], family);
  if (address === undefined) return undefined;
  const ready = conditions?.ready ?? true;
  return {
    address,
    port,
    nodeName,
    zone,
    ready,
    serving: conditions?.serving ?? true,
    terminating: conditions?.terminating ?? false,
    hintZones: names(hints?.forZones),
    hintNodes: names(hints?.forNodes),
    pod: targetRef?.kind === 'Pod' ? { namespace: targetRef.namespace ?? '', name: targetRef.name ?? '' } : undefined,
  };
}

const nobody: readonly string[] = [];

function names(hints: readonly { readonly name: string }[] | undefined): readonly string[] {
  return hints === undefined || hints.length === 0 ? nobody : hints.map(({ name }) => name);
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

/** An address that a pod which ends left to another one is the other's, whatever either can do (pkg/proxy/endpointslicecache.go, addEndpoints). */
function rank({ ready, serving, terminating }: Endpoint): number {
  return (terminating ? 0 : 4) + (ready ? 2 : 0) + (serving ? 1 : 0);
}
