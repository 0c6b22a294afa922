/**
 * Of each object what names depend on, and nothing else: with 100,000 endpoints this is the server's memory.
 *
 *   new objects with few fields, not old ones with fields deleted: those keep their size, and become dictionaries
 */
import type { Endpoint, EndpointPort, EndpointSlice, Namespace, Service, ServicePort } from '../api/gen/types.ts';
import type { KubeObject, Live } from '../api/object.ts';

const ownerLabel = 'kubernetes.io/service-name';
/** Most objects of a cluster say the same about ports and readiness: said once. */
const ready = { ready: true };
const notReady = { ready: false };
const shared = { services: new Map<string, ServicePort[]>(), slices: new Map<string, EndpointPort[]>() };
const sharedPorts = 1_000;

export function leanService(service: Live<Service>): Live<Service> {
  const { type, clusterIP, clusterIPs, ports, externalName, publishNotReadyAddresses } = service.spec ?? {};
  const kept = ports && leanPorts(shared.services, ports);
  const spec = { type, clusterIP, clusterIPs, ports: kept, externalName, publishNotReadyAddresses };
  return { metadata: leanMetadata(service), spec: defined(spec) };
}

export function leanSlice(slice: Live<EndpointSlice>): Live<EndpointSlice> {
  const owner = slice.metadata.labels?.[ownerLabel];
  const labels: Record<string, string> = owner === undefined ? {} : { [ownerLabel]: owner };
  const metadata = { ...leanMetadata(slice), labels };
  const { addressType } = slice;
  const endpoints = slice.endpoints ?? [];
  const ports = leanPorts(shared.slices, slice.ports ?? []);
  if (!areAlike(endpoints)) return { metadata, addressType, endpoints: endpoints.map(leanEndpoint), ports };
  return new AlikeSlice(metadata, addressType, ports, endpoints);
}

/** Endpoints that differ in their address only, as most do: one list of texts instead of 100 octets for each. */
class AlikeSlice implements Live<EndpointSlice> {
  readonly metadata: Live<EndpointSlice>['metadata'];
  readonly addressType: EndpointSlice['addressType'];
  readonly ports: EndpointPort[];
  readonly #addresses: readonly string[];
  readonly #conditions: { ready: boolean };

  constructor(
    metadata: AlikeSlice['metadata'],
    addressType: AlikeSlice['addressType'],
    ports: EndpointPort[],
    endpoints: readonly Endpoint[],
  ) {
    this.metadata = metadata;
    this.addressType = addressType;
    this.ports = ports;
    this.#addresses = endpoints.map(({ addresses }) => addresses[0] ?? '');
    this.#conditions = conditionsOf(endpoints[0]);
  }

  get endpoints(): Endpoint[] {
    return this.#addresses.map((address) => ({ addresses: [address], conditions: this.#conditions }));
  }
}

function areAlike(endpoints: readonly Endpoint[]): boolean {
  const [first] = endpoints;
  const conditions = conditionsOf(first);
  return endpoints.every(
    (endpoint) =>
      (endpoint.hostname ?? '') === '' && endpoint.addresses.length > 0 && conditionsOf(endpoint) === conditions,
  );
}

export function leanNamespace(namespace: Live<Namespace>): Live<Namespace> {
  return { metadata: leanMetadata(namespace) };
}

function leanEndpoint(endpoint: Endpoint): Endpoint {
  const { addresses, hostname } = endpoint;
  const first = addresses.length === 1 ? addresses : addresses.slice(0, 1);
  const lean = { addresses: first, conditions: conditionsOf(endpoint) };
  return hostname === undefined || hostname === '' ? lean : { ...lean, hostname };
}

function conditionsOf(endpoint: Endpoint | undefined): { ready: boolean } {
  return endpoint?.conditions?.ready === false ? notReady : ready;
}

function leanPorts<T extends ServicePort | EndpointPort>(known: Map<string, T[]>, ports: readonly T[]): T[] {
  const key = ports.map(({ name, port, protocol }) => `${name} ${port} ${protocol}`).join();
  let lean = known.get(key);
  if (lean === undefined) {
    lean = ports.map(({ name, port, protocol }) => defined({ name, port, protocol }) as T);
    if (known.size >= sharedPorts) known.clear();
    known.set(key, lean);
  }
  return lean;
}

function leanMetadata({ metadata }: Live<KubeObject>): Live<KubeObject>['metadata'] {
  const { name, namespace, uid, resourceVersion } = metadata;
  const lean = { name, uid, resourceVersion, creationTimestamp: '' };
  return namespace === undefined ? lean : { ...lean, namespace };
}

function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const kept: Partial<T> = {};
  for (const key in value) if (value[key] !== undefined) kept[key] = value[key];
  return kept as { [K in keyof T]: Exclude<T[K], undefined> };
}
