/**
 * Hand-made Endpoints → slices, so that a reader of slices sees them. Pure. Upstream: pkg/controller/endpointslicemirroring.
 *
 *   subsets ─ grouped by equal ports, split by family ─> slices of at most 1000 that the Endpoints own
 */
import type { CoreEndpointPort, Endpoint, EndpointAddress, EndpointPort, Endpoints } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { semanticEqual } from '../equality.ts';
import { controllerReference } from '../owners.ts';
import { create, remove, update } from '../writes.ts';
import type { Write } from '../writes.ts';
import type { LiveSlice } from './packing.ts';
import { portsKey } from './ports.ts';
import { managedByLabel, serviceNameLabel, triggerTimeAnnotation } from './slices-plan.ts';

export const mirrorManager = 'endpointslicemirroring-controller.k8s.io';
const skipMirrorLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
const maxEndpoints = 1000;

export type LiveEndpoints = Live<Endpoints>;

export function isMirrored({ metadata }: LiveEndpoints): boolean {
  return metadata.labels?.[skipMirrorLabel] !== 'true' && metadata.annotations?.[leaderAnnotation] === undefined;
}

interface Mirror {
  readonly addressType: string;
  readonly ports: EndpointPort[];
  readonly endpoints: Map<string, Endpoint>;
}

/** `endpoints` undefined: there is nothing to mirror (any more). */
export function planMirror(endpoints: LiveEndpoints | undefined, slices: readonly LiveSlice[]): Write[] {
  if (endpoints === undefined) return slices.map((slice) => remove(resources.endpointSlices, slice));
  const spare = new Set(slices.filter((slice) => slice.metadata.deletionTimestamp === undefined));
  const writes: Write[] = [];
  for (const mirror of mirrors(endpoints)) {
    const slice = [...spare].find(
      (one) => one.addressType === mirror.addressType && portsKey(one.ports) === portsKey(mirror.ports),
    );
    if (slice !== undefined) spare.delete(slice);
    writes.push(...planSlice(endpoints, mirror, slice));
  }
  return [...writes, ...[...spare].map((slice) => remove(resources.endpointSlices, slice))];
}

function planSlice(owner: LiveEndpoints, mirror: Mirror, slice: LiveSlice | undefined): Write[] {
  const { name, namespace } = owner.metadata;
  const labels = { ...owner.metadata.labels, [serviceNameLabel]: name, [managedByLabel]: mirrorManager };
  const { [lastApplied]: _, [triggerTimeAnnotation]: _time, ...annotations } = owner.metadata.annotations ?? {};
  const endpoints = [...mirror.endpoints.values()].slice(0, maxEndpoints);
  const content = { addressType: mirror.addressType, endpoints, ports: mirror.ports };
  const ownerReferences = [controllerReference(owner, 'v1', 'Endpoints')];
  const head = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' };
  if (slice === undefined) {
    const metadata = { generateName: `${name}-`, namespace, labels, annotations, ownerReferences };
    return [create(resources.endpointSlices, { ...head, metadata, ...content })];
  }
  const same =
    semanticEqual(slice.endpoints, endpoints) &&
    semanticEqual(slice.metadata.labels, labels) &&
    semanticEqual(slice.metadata.annotations, annotations) &&
    semanticEqual(slice.metadata.ownerReferences, ownerReferences);
  if (same) return [];
  const metadata = { ...slice.metadata, labels, annotations, ownerReferences };
  return [update(resources.endpointSlices, { ...head, metadata, ...content })];
}

function mirrors(endpoints: LiveEndpoints): Mirror[] {
  const found = new Map<string, Mirror>();
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of endpoints.subsets ?? []) {
    const slicePorts = ports.map(slicePort);
    for (const [list, ready] of [
      [addresses, true],
      [notReadyAddresses, false],
    ] as const) {
      for (const address of list) {
        const addressType = address.ip.includes(':') ? 'IPv6' : 'IPv4';
        const key = `${addressType} ${portsKey(slicePorts)}`;
        const mirror = found.get(key) ?? { addressType, ports: slicePorts, endpoints: new Map<string, Endpoint>() };
        found.set(key, mirror);
        // The same address in two subsets of the same ports is one endpoint.
        if (!mirror.endpoints.has(address.ip)) mirror.endpoints.set(address.ip, mirrorEndpoint(address, ready));
      }
    }
  }
  return [...found.values()];
}

function slicePort({ name, port, protocol = 'TCP', appProtocol }: CoreEndpointPort): EndpointPort {
  return { name: name ?? '', port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) };
}

function mirrorEndpoint({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}
