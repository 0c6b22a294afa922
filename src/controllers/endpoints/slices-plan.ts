/**
 * Service + pods + nodes + the slices there are → the writes that make the slices right. Pure.
 *
 *   per family, per set of resolved ports: pack the pods' endpoints (packing.ts)
 *   nothing to serve: one empty slice a family, so that a reader can tell "no endpoints" from "not looked at yet"
 *
 * Upstream: k8s.io/endpointslice/reconciler.go.
 */
import type { Endpoint, EndpointPort, EndpointSlice, Node } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { semanticEqual } from '../equality.ts';
import { controllerReference } from '../owners.ts';
import type { LivePod } from '../pods.ts';
import { create, remove, update } from '../writes.ts';
import type { Write } from '../writes.ts';
import { withHints } from './hints.ts';
import { endpointKey, packEndpoints } from './packing.ts';
import type { LiveSlice } from './packing.ts';
import { familiesOf, isEndpoint, isHeadless, podEndpoint } from './pod-endpoint.ts';
import type { AddressType, LiveService } from './pod-endpoint.ts';
import { endpointPorts, portsKey } from './ports.ts';

export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const serviceNameLabel = 'kubernetes.io/service-name';
export const headlessLabel = 'service.kubernetes.io/headless';
export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';
export const sliceManager = 'endpointslice-controller.k8s.io';

export interface SlicesInput {
  readonly service: LiveService;
  /** Those that the selector matches. */
  readonly pods: readonly LivePod[];
  readonly nodes: { get(name: string): Live<Node> | undefined };
  /** Those of this service that we manage. */
  readonly slices: readonly LiveSlice[];
  /** When the change that we answer happened, RFC 3339; undefined: none that is known. */
  readonly triggerTime: string | undefined;
}

export interface SlicesPlan {
  readonly writes: readonly Write[];
  /** Pods on nodes that we have not heard of: look again when the node comes. */
  readonly missingNodes: readonly string[];
}

interface Group {
  readonly ports: EndpointPort[];
  readonly endpoints: Map<string, Endpoint>;
}

export function planSlices(input: SlicesInput): SlicesPlan {
  const { service, slices } = input;
  const families = familiesOf(service, input.pods);
  const missingNodes = new Set<string>();
  const live = slices.filter((slice) => slice.metadata.deletionTimestamp === undefined);
  const writes: Write[] = [];
  for (const slice of live) {
    const wanted = families.includes(slice.addressType as AddressType) && isOwnedBy(slice, service);
    if (!wanted) writes.push(remove(resources.endpointSlices, slice));
  }
  for (const family of families) {
    const own = live.filter((slice) => slice.addressType === family && isOwnedBy(slice, service));
    writes.push(...planFamily(input, family, own, missingNodes));
  }
  return { writes, missingNodes: [...missingNodes] };
}

interface Draft {
  readonly ports: EndpointPort[];
  readonly endpoints: Endpoint[];
}

function planFamily(
  input: SlicesInput,
  family: AddressType,
  existing: readonly LiveSlice[],
  missingNodes: Set<string>,
): Write[] {
  const { service, triggerTime } = input;
  const groups = groupEndpoints(input, family, missingNodes);
  const added: Draft[] = [];
  const spare = existing.filter((slice) => !groups.has(portsKey(slice.ports)));
  const updates: Write[] = [];
  const labelsOf = (slice: LiveSlice): Record<string, string> => sliceLabels(service, slice);
  const stale = (slice: LiveSlice): boolean => !semanticEqual(labelsOf(slice), slice.metadata.labels);
  for (const [key, { ports, endpoints }] of groups) {
    const own = existing.filter((slice) => portsKey(slice.ports) === key);
    const packing = packEndpoints(own, endpoints, stale);
    for (const change of packing.changed) {
      updates.push(changedSlice(change.slice, { ports, endpoints: change.endpoints }, labelsOf, triggerTime));
    }
    for (const list of packing.added) added.push({ ports, endpoints: list });
    spare.push(...packing.removed);
  }
  if (groups.size === 0) {
    const placeholder = spare.findIndex(
      (slice) => portsKey(slice.ports) === '' && (slice.endpoints ?? []).length === 0,
    );
    const kept = placeholder < 0 ? undefined : spare.splice(placeholder, 1)[0];
    if (kept === undefined) added.push({ ports: [], endpoints: [] });
    else if (stale(kept)) updates.push(changedSlice(kept, { ports: [], endpoints: [] }, labelsOf, triggerTime));
  }
  // A slice that would go becomes one that would come: one write for two.
  for (const draft of added.splice(0, spare.length)) {
    const slice = spare.shift();
    if (slice !== undefined) updates.push(changedSlice(slice, draft, labelsOf, triggerTime));
  }
  // New ones first, so that a watcher never sees the service without its endpoints.
  return [
    ...added.map((draft) => newSlice(service, family, draft, triggerTime)),
    ...updates,
    ...spare.map((slice) => remove(resources.endpointSlices, slice)),
  ];
}

function groupEndpoints(input: SlicesInput, family: AddressType, missingNodes: Set<string>): Map<string, Group> {
  const { service, pods, nodes } = input;
  const groups = new Map<string, Group>();
  for (const pod of pods) {
    if (!isEndpoint(pod, true)) continue;
    const nodeName = pod.spec?.nodeName ?? '';
    const node = nodes.get(nodeName);
    if (node === undefined) {
      missingNodes.add(nodeName);
      if (service.spec?.publishNotReadyAddresses !== true) continue;
    }
    const ports = endpointPorts(service, pod);
    const endpoint = podEndpoint(service, pod, node, family);
    if (endpoint === undefined) continue;
    const hinted = withHints(service, endpoint);
    const key = portsKey(ports);
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { ports, endpoints: new Map() }));
    group.endpoints.set(endpointKey(hinted), hinted);
  }
  return groups;
}

function newSlice(
  service: LiveService,
  addressType: AddressType,
  { ports, endpoints }: Draft,
  triggerTime: string | undefined,
): Write {
  return create(resources.endpointSlices, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: generateName(service.metadata.name),
      namespace: service.metadata.namespace,
      labels: sliceLabels(service),
      ...(triggerTime === undefined ? {} : { annotations: { [triggerTimeAnnotation]: triggerTime } }),
      ownerReferences: [controllerReference(service, 'v1', 'Service')],
    },
    addressType,
    endpoints,
    ports,
  });
}

function changedSlice(
  slice: LiveSlice,
  { ports, endpoints }: Draft,
  labelsOf: (slice: LiveSlice) => Record<string, string>,
  triggerTime: string | undefined,
): Write {
  const { [triggerTimeAnnotation]: _, ...annotations } = slice.metadata.annotations ?? {};
  if (triggerTime !== undefined) annotations[triggerTimeAnnotation] = triggerTime;
  return update(resources.endpointSlices, {
    ...(slice as EndpointSlice),
    metadata: { ...slice.metadata, labels: labelsOf(slice), annotations },
    endpoints,
    ports,
  });
}

/** `SERVICE-`, cut so that the generated name stays a DNS label. */
function generateName(service: string): string {
  const prefix = `${service}-`;
  return prefix.length > 58 ? service : prefix;
}

/** The service's own labels, and ours, which nobody else may set. */
function sliceLabels(service: LiveService, slice?: LiveSlice): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(service.metadata.labels ?? {})) {
    if (!reserved.has(key)) labels[key] = value;
  }
  labels[serviceNameLabel] = service.metadata.name;
  labels[managedByLabel] = slice?.metadata.labels?.[managedByLabel] ?? sliceManager;
  if (isHeadless(service)) labels[headlessLabel] = '';
  return labels;
}

const reserved: ReadonlySet<string> = new Set([serviceNameLabel, managedByLabel, headlessLabel]);

function isOwnedBy(slice: LiveSlice, service: LiveService): boolean {
  return (slice.metadata.ownerReferences ?? []).some(
    ({ controller, uid }) => controller === true && uid === service.metadata.uid,
  );
}
