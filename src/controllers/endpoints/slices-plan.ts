/**
 * Service + pods + nodes + the slices there are → the writes that make the slices right. Pure.
 *
 *   per family, per set of resolved ports: pack the pods' endpoints (packing.ts)
 *   topology-mode Auto: then give out hints over all slices of the family (topology-hints.ts)
 *   nothing to serve: one empty slice a family, so that a reader can tell "no endpoints" from "not looked at yet"
 *
 * Upstream: k8s.io/endpointslice/reconciler.go.
 */
import type { Endpoint, EndpointHints, EndpointPort, EndpointSlice, Node } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { semanticEqual } from '../equality.ts';
import { controllerReference } from '../owners.ts';
import type { LivePod } from '../pods.ts';
import { create, event, remove, update } from '../writes.ts';
import type { Write } from '../writes.ts';
import { withHints } from './hints.ts';
import { endpointKey, packEndpoints } from './packing.ts';
import type { LiveSlice } from './packing.ts';
import { familiesOf, isEndpoint, isHeadless, podEndpoint } from './pod-endpoint.ts';
import type { AddressType, LiveService } from './pod-endpoint.ts';
import { endpointPorts, portsKey } from './ports.ts';
import { autoDisabled, autoEnabled, autoHints, wantsAutoHints } from './topology-hints.ts';
import type { HintOutcome, ZoneCounts } from './topology-hints.ts';
import type { ZoneShares } from './zone-shares.ts';

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
  /** For topology-mode Auto. */
  readonly shares?: ZoneShares | undefined;
  /** Auto hints were given out when this service was planned before. */
  readonly hinted?: boolean;
}

export interface SlicesPlan {
  readonly writes: readonly Write[];
  /** Pods on nodes that we have not heard of: look again when the node comes. */
  readonly missingNodes: readonly string[];
  /** For the next time. */
  readonly hinted: boolean;
  /** Of each family that has Auto hints. */
  readonly zoneCounts: readonly ZoneCounts[];
}

interface Group {
  readonly ports: EndpointPort[];
  readonly endpoints: Map<string, Endpoint>;
}

/** What a slice is to hold. */
interface Draft {
  readonly ports: EndpointPort[];
  readonly endpoints: Endpoint[];
}

interface Change extends Draft {
  readonly slice: LiveSlice;
}

/** All slices of one family. */
interface FamilyPlan {
  readonly added: Draft[];
  readonly changed: Change[];
  readonly unchanged: Change[];
  readonly spare: LiveSlice[];
}

export function planSlices(input: SlicesInput): SlicesPlan {
  const { service, slices, shares, hinted: before = false } = input;
  const families = familiesOf(service, input.pods);
  const missingNodes = new Set<string>();
  const live = slices.filter((slice) => slice.metadata.deletionTimestamp === undefined);
  const writes: Write[] = [];
  for (const slice of live) {
    const wanted = families.includes(slice.addressType as AddressType) && isOwnedBy(slice, service);
    if (!wanted) writes.push(remove(resources.endpointSlices, slice));
  }
  const auto = wantsAutoHints(service.metadata.annotations);
  const zoneCounts: ZoneCounts[] = [];
  let hinted = before;
  for (const family of families) {
    const own = live.filter((slice) => slice.addressType === family && isOwnedBy(slice, service));
    const packed = packFamily(input, family, own, missingNodes);
    const { plan, outcome } = auto ? hintFamily(packed, shares) : { plan: packed, outcome: undefined };
    writes.push(...familyWrites(input, family, plan), ...hintEvents(service, family, outcome, hinted));
    if (outcome?.kind === 'hinted') zoneCounts.push(outcome.counts);
    hinted = outcome?.kind === 'hinted';
  }
  return { writes, missingNodes: [...missingNodes], hinted, zoneCounts };
}

function packFamily(
  input: SlicesInput,
  family: AddressType,
  existing: readonly LiveSlice[],
  missingNodes: Set<string>,
): FamilyPlan {
  const { service } = input;
  const groups = groupEndpoints(input, family, existing, missingNodes);
  const plan: FamilyPlan = {
    added: [],
    changed: [],
    unchanged: [],
    spare: existing.filter((slice) => !groups.has(portsKey(slice.ports))),
  };
  const stale = (slice: LiveSlice): boolean => !semanticEqual(sliceLabels(service, slice), slice.metadata.labels);
  for (const [key, { ports, endpoints }] of groups) {
    const own = existing.filter((slice) => portsKey(slice.ports) === key);
    const packing = packEndpoints(own, endpoints, stale);
    plan.changed.push(...packing.changed.map((change) => ({ ...change, ports })));
    plan.unchanged.push(...packing.unchanged.map((slice) => ({ slice, ports, endpoints: slice.endpoints ?? [] })));
    plan.added.push(...packing.added.map((list) => ({ ports, endpoints: list })));
    plan.spare.push(...packing.removed);
  }
  if (groups.size === 0) keepPlaceholder(plan, stale);
  return plan;
}

function keepPlaceholder({ added, changed, spare }: FamilyPlan, stale: (slice: LiveSlice) => boolean): void {
  const at = spare.findIndex((slice) => portsKey(slice.ports) === '' && (slice.endpoints ?? []).length === 0);
  const kept = at < 0 ? undefined : spare.splice(at, 1)[0];
  if (kept === undefined) added.push({ ports: [], endpoints: [] });
  else if (stale(kept)) changed.push({ slice: kept, ports: [], endpoints: [] });
}

function hintFamily(plan: FamilyPlan, shares: ZoneShares | undefined): { plan: FamilyPlan; outcome: HintOutcome } {
  const { added, changed, unchanged, spare } = plan;
  const { touched, untouched, outcome } = autoHints(
    [...added, ...changed].map(({ endpoints }) => endpoints),
    unchanged.map(({ endpoints }) => endpoints),
    shares,
  );
  const moved = unchanged.flatMap((change, i) => {
    const endpoints = untouched[i];
    return endpoints === undefined ? [] : [{ ...change, endpoints: [...endpoints] }];
  });
  return {
    plan: {
      added: added.map((draft, i) => ({ ...draft, endpoints: [...(touched[i] ?? [])] })),
      changed: [
        ...changed.map((change, i) => ({ ...change, endpoints: [...(touched[added.length + i] ?? [])] })),
        ...moved,
      ],
      unchanged: unchanged.filter((_, i) => untouched[i] === undefined),
      spare,
    },
    outcome,
  };
}

/** Reasons and texts of k8s.io/endpointslice/topologycache/event.go; `before`: this service had Auto hints. */
function hintEvents(
  service: LiveService,
  family: AddressType,
  outcome: HintOutcome | undefined,
  before: boolean,
): Write[] {
  const text = (message: string): string => `${message}, addressType: ${family}`;
  const disabled = (message: string): Write[] => [
    event(service, 'Warning', 'TopologyAwareHintsDisabled', text(message)),
  ];
  if (outcome?.kind === 'refused') return disabled(outcome.message);
  if (outcome === undefined) return before ? disabled(autoDisabled) : [];
  return before ? [] : [event(service, 'Normal', 'TopologyAwareHintsEnabled', text(autoEnabled))];
}

function familyWrites({ service, triggerTime }: SlicesInput, family: AddressType, plan: FamilyPlan): Write[] {
  const added = [...plan.added];
  const spare = [...plan.spare];
  // A slice that would go becomes one that would come: one write for two.
  const reused = added.splice(0, spare.length).map((draft) => ({ ...draft, slice: spare.shift() }));
  const changes = [...plan.changed, ...reused].flatMap(({ slice, ...draft }) =>
    slice === undefined ? [] : [changedSlice(service, slice, draft, triggerTime)],
  );
  // New ones first, so that a watcher never sees the service without its endpoints.
  return [
    ...added.map((draft) => newSlice(service, family, draft, triggerTime)),
    ...changes,
    ...spare.map((slice) => remove(resources.endpointSlices, slice)),
  ];
}

function groupEndpoints(
  input: SlicesInput,
  family: AddressType,
  existing: readonly LiveSlice[],
  missingNodes: Set<string>,
): Map<string, Group> {
  const { service, pods, nodes } = input;
  const auto = wantsAutoHints(service.metadata.annotations) ? hintsIn(existing) : undefined;
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
    const key = portsKey(ports);
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { ports, endpoints: new Map() }));
    const name = endpointKey(endpoint);
    const hints = auto?.get(name);
    group.endpoints.set(name, hints === undefined ? withHints(service, endpoint) : { ...endpoint, hints });
  }
  return groups;
}

/** Auto hints are given out when all is packed: until then endpoints have those that they had, so that these make no difference. */
function hintsIn(slices: readonly LiveSlice[]): ReadonlyMap<string, EndpointHints> {
  const endpoints = slices.flatMap((slice) => slice.endpoints ?? []);
  return new Map(
    endpoints.flatMap((endpoint) => (endpoint.hints === undefined ? [] : [[endpointKey(endpoint), endpoint.hints]])),
  );
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
  service: LiveService,
  slice: LiveSlice,
  { ports, endpoints }: Draft,
  triggerTime: string | undefined,
): Write {
  const { [triggerTimeAnnotation]: _, ...annotations } = slice.metadata.annotations ?? {};
  if (triggerTime !== undefined) annotations[triggerTimeAnnotation] = triggerTime;
  return update(resources.endpointSlices, {
    ...(slice as EndpointSlice),
    metadata: { ...slice.metadata, labels: sliceLabels(service, slice), annotations },
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
