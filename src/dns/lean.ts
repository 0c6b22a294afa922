/**
 * Of each object what names depend on, and nothing else: with 100,000 endpoints this is the server's memory.
 *
 *   new objects with few fields, not old ones with fields deleted: those keep their size, and become dictionaries
 */
import type { Endpoint, EndpointPort, EndpointSlice, Namespace, Service } from '../api/gen/types.ts';
import type { KubeObject, Live } from '../api/object.ts';

const ownerLabel = 'kubernetes.io/service-name';
/** Most slices of a cluster say the same about ports and readiness: said once. */
const ready = { ready: true };
const notReady = { ready: false };
const shared = new Map<string, readonly EndpointPort[]>();
const sharedPorts = 1_000;

export function leanService(service: Live<Service>): Live<Service> {
  const { type, clusterIP, clusterIPs, ports, externalName, publishNotReadyAddresses } = service.spec ?? {};
  const kept = ports?.map(({ name, port, protocol }) => defined({ name, port, protocol }));
  const spec = { type, clusterIP, clusterIPs, ports: kept, externalName, publishNotReadyAddresses };
  return { metadata: leanMetadata(service), spec: defined(spec) };
}

export function leanSlice(slice: Live<EndpointSlice>): Live<EndpointSlice> {
  const owner = slice.metadata.labels?.[ownerLabel];
  const labels: Record<string, string> = owner === undefined ? {} : { [ownerLabel]: owner };
  const metadata = { ...leanMetadata(slice), labels };
  const { addressType, endpoints = [], ports = [] } = slice;
  return { metadata, addressType, endpoints: (endpoints ?? []).map(leanEndpoint), ports: leanPorts(ports ?? []) };
}

export function leanNamespace(namespace: Live<Namespace>): Live<Namespace> {
  return { metadata: leanMetadata(namespace) };
}

function leanEndpoint({ addresses, conditions, hostname }: Endpoint): Endpoint {
  const lean = { addresses: addresses.slice(0, 1), conditions: conditions?.ready === false ? notReady : ready };
  return hostname === undefined || hostname === '' ? lean : { ...lean, hostname };
}

function leanPorts(ports: readonly EndpointPort[]): EndpointPort[] {
  const lean = ports.map(({ name, port, protocol }) => defined({ name, port, protocol }));
  const key = JSON.stringify(lean);
  const known = shared.get(key);
  if (known !== undefined) return known as EndpointPort[];
  if (shared.size >= sharedPorts) shared.clear();
  shared.set(key, lean);
  return lean;
}

function leanMetadata({ metadata }: Live<KubeObject>): Live<KubeObject>['metadata'] {
  const { name, namespace, uid, resourceVersion } = metadata;
  const lean = { name, uid, resourceVersion, creationTimestamp: '' };
  return namespace === undefined ? lean : { ...lean, namespace };
}

function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
