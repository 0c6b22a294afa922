/**
 * Service + pods + the Endpoints there are → the Endpoints to write. Pure. The older, whole-in-one-object form of slices, which
 * many programs still read. Upstream: pkg/controller/endpoint/endpoints_controller.go.
 *
 *   per pod, per port: (port, address, ready?) ─ repack ─> subsets: ports that share the very same addresses
 */
import type { CoreEndpointPort, EndpointAddress, EndpointSubset, Endpoints } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { compareIpTexts } from '../../util/ip.ts';
import { semanticEqual } from '../equality.ts';
import { isReady } from '../pods.ts';
import type { LivePod } from '../pods.ts';
import { create, update } from '../writes.ts';
import type { Write } from '../writes.ts';
import { addressesOf, familiesOf, isEndpoint, isHeadless, podReference, sharesHostname } from './pod-endpoint.ts';
import type { LiveService } from './pod-endpoint.ts';
import { findPort } from './ports.ts';
import { headlessLabel, triggerTimeAnnotation } from './slices-plan.ts';

export const endpointsManagedByLabel = 'endpoints.kubernetes.io/managed-by';
export const endpointsManager = 'endpoint-controller';
const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity';
const maxEndpointsCapacity = 1000;

export interface EndpointsInput {
  readonly service: LiveService;
  readonly pods: readonly LivePod[];
  readonly current: Live<Endpoints> | undefined;
  readonly triggerTime: string | undefined;
}

export function planEndpoints({ service, pods, current, triggerTime }: EndpointsInput): readonly Write[] {
  const whole = subsetsOf(service, pods);
  const total = whole.reduce((sum, { addresses, notReadyAddresses }) => sum + count(addresses, notReadyAddresses), 0);
  const subsets = total > maxEndpointsCapacity ? truncated(whole) : whole;
  const labels: Record<string, string> = { ...service.metadata.labels, [endpointsManagedByLabel]: endpointsManager };
  delete labels[headlessLabel];
  if (isHeadless(service)) labels[headlessLabel] = '';
  const {
    [triggerTimeAnnotation]: _,
    [overCapacityAnnotation]: full,
    ...annotations
  } = current?.metadata.annotations ?? {};
  const overCapacity = total > maxEndpointsCapacity;
  if (
    current !== undefined &&
    semanticEqual(current.subsets, subsets) &&
    semanticEqual(current.metadata.labels, labels) &&
    (full !== undefined) === overCapacity
  ) {
    return [];
  }
  if (triggerTime !== undefined) annotations[triggerTimeAnnotation] = triggerTime;
  if (overCapacity) annotations[overCapacityAnnotation] = 'truncated';
  const { name, namespace } = service.metadata;
  const metadata = { ...(current?.metadata ?? { name, namespace }), labels, annotations };
  const next: Endpoints = { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets };
  return [current === undefined ? create(resources.endpoints, next) : update(resources.endpoints, next)];
}

/** Address text → ready; not ready wins where both are said. */
type Addresses = Map<string, { readonly address: EndpointAddress; ready: boolean }>;

function subsetsOf(service: LiveService, pods: readonly LivePod[]): EndpointSubset[] {
  const tolerant = service.spec?.publishNotReadyAddresses === true;
  const family = familiesOf(service, pods)[0] ?? 'IPv4';
  const byPort = new Map<string, { readonly port: CoreEndpointPort | undefined; readonly addresses: Addresses }>();
  for (const pod of pods) {
    const ip = addressesOf(pod, family)[0];
    if (!isEndpoint(pod, tolerant) || ip === undefined) continue;
    const address: EndpointAddress = {
      ip,
      ...(sharesHostname(pod, service) ? { hostname: pod.spec?.hostname } : {}),
      ...(pod.spec?.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
      targetRef: podReference(pod),
    };
    const ready = tolerant || isReady(pod);
    for (const port of portsOf(service, pod)) {
      const key = JSON.stringify(port ?? null);
      let entry = byPort.get(key);
      if (entry === undefined) byPort.set(key, (entry = { port, addresses: new Map() }));
      const id = `${ip} ${pod.metadata.uid}`;
      const known = entry.addresses.get(id);
      if (known === undefined) entry.addresses.set(id, { address, ready });
      else known.ready &&= ready;
    }
  }
  return repack([...byPort.values()]);
}

/** A headless service without ports has one subset with addresses and no ports: `undefined` stands for that. */
function portsOf(service: LiveService, pod: LivePod): (CoreEndpointPort | undefined)[] {
  const ports = service.spec?.ports ?? [];
  if (ports.length === 0) return service.spec?.clusterIP === 'None' ? [undefined] : [];
  return ports.flatMap((port) => {
    const number = findPort(pod, port);
    if (number === undefined) return [];
    const { name, protocol = 'TCP', appProtocol } = port;
    return {
      ...(name === undefined || name === '' ? {} : { name }),
      port: number,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    };
  });
}

function repack(
  byPort: readonly { readonly port: CoreEndpointPort | undefined; readonly addresses: Addresses }[],
): EndpointSubset[] {
  const groups = new Map<string, { readonly ports: CoreEndpointPort[]; readonly addresses: Addresses }>();
  for (const { port, addresses } of byPort) {
    const key = [...addresses]
      .map(([id, { ready }]) => `${id} ${ready}`)
      .sort()
      .join(',');
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { ports: [], addresses }));
    if (port !== undefined) group.ports.push(port);
  }
  const subsets = [...groups.values()].map(({ ports, addresses }) => subset(ports, [...addresses.values()]));
  return subsets.sort((a, b) => compareTexts(JSON.stringify(a.ports), JSON.stringify(b.ports)));
}

function subset(
  ports: CoreEndpointPort[],
  entries: readonly { readonly address: EndpointAddress; readonly ready: boolean }[],
): EndpointSubset {
  const sorted = [...entries].sort((a, b) => compareIpTexts(a.address.ip, b.address.ip));
  const addresses = sorted.filter(({ ready }) => ready).map(({ address }) => address);
  const notReadyAddresses = sorted.filter(({ ready }) => !ready).map(({ address }) => address);
  return {
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
    ...(ports.length === 0
      ? {}
      : { ports: ports.sort((a, b) => compareTexts(`${a.name ?? ''} ${a.port}`, `${b.name ?? ''} ${b.port}`)) }),
  };
}

/** Ready ones first; each subset gets its share, rounded up, until the capacity is reached. */
function truncated(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  const ready = subsets.reduce((sum, { addresses }) => sum + count(addresses), 0);
  const notReady = subsets.reduce((sum, { notReadyAddresses }) => sum + count(notReadyAddresses), 0);
  const cutReady = ready > maxEndpointsCapacity;
  const room = cutReady ? maxEndpointsCapacity : maxEndpointsCapacity - ready;
  let left = room;
  return subsets.map(({ addresses = [], notReadyAddresses = [], ports }) => {
    const cut = cutReady ? addresses : notReadyAddresses;
    const share = Math.ceil((cut.length / (cutReady ? ready : notReady)) * room);
    const kept = cut.slice(0, Math.min(share, left));
    left -= kept.length;
    return cutReady ? { addresses: kept, ports } : { addresses, notReadyAddresses: kept, ports };
  });
}

function count(...lists: (readonly unknown[] | undefined)[]): number {
  return lists.reduce((sum, list) => sum + (list?.length ?? 0), 0);
}

function compareTexts(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
