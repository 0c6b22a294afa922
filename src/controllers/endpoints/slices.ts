/**
 * The EndpointSlice loop: services, pods, nodes and slices change ─> the service is planned again (slices-plan.ts).
 */
import type { EndpointSlice } from '../../api/gen/types.ts';
import { keyOf, keyText } from '../../api/object.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { applyWrites } from '../writes.ts';
import { zoneLabel } from './pod-endpoint.ts';
import { selectorOf } from './selection.ts';
import type { Selection } from './selection.ts';
import { managedByLabel, planSlices, serviceNameLabel, sliceManager } from './slices-plan.ts';
import { createTopology } from './topology.ts';
import { createTriggerTimes } from './trigger-time.ts';
import { topologyText } from './zone-shares.ts';

export function runEndpointSlices(context: ControllerContext, selection: Selection): void {
  const { views } = context;
  const services = views.of(resources.services);
  const pods = views.of(resources.pods);
  const nodes = views.of(resources.nodes);
  const slices = views.of(resources.endpointSlices);
  const writer = context.writer('endpoint-slice-controller');
  const times = createTriggerTimes();
  const slicesOf = slices.indexBy(ownerKey);
  const topology = createTopology(() => nodes.list());
  /** Node name → services that wait for it. */
  const waiting = new Map<string, Set<string>>();

  const work = async (key: string): Promise<void> => {
    const service = services.get(parseKey(key));
    if (service === undefined) {
      // The slices go with their owner: the garbage collector's work.
      times.forget(key);
      topology.forget(key);
      return;
    }
    if (service.metadata.deletionTimestamp !== undefined) return;
    if (service.spec?.type === 'ExternalName' || selectorOf(service) === undefined) return;
    const selected = selection.podsOf(service);
    const triggerTime = times.compute(key, service, selected);
    const plan = planSlices({
      service,
      pods: selected,
      nodes: nodeLookup,
      slices: slicesOf(key),
      triggerTime,
      ...topology.about(key),
    });
    for (const name of plan.missingNodes) remember(waiting, name, key);
    await applyWrites(writer, plan.writes);
    topology.note(key, plan);
  };
  const nodeLookup = { get: (name: string) => nodes.get({ namespace: '', name }) };
  const queue = startLoop(context, 'endpointslice', { views: [services, pods, nodes, slices], work, concurrency: 8 });

  selection.onAffected((key) => queue.add(key));
  slices.onChange((current, old) => {
    // Ours, seen again: planning finds nothing to do. Somebody else's change, or a deletion: put right.
    for (const slice of [current, old]) {
      const owner = slice === undefined ? undefined : ownerKey(slice);
      if (owner !== undefined) queue.add(owner);
    }
  });
  nodes.onChange((current, old) => {
    const name = (current ?? old)?.metadata.name ?? '';
    const zoneChanged = old !== undefined && current?.metadata.labels?.[zoneLabel] !== old.metadata.labels?.[zoneLabel];
    if (current !== undefined) for (const key of waiting.get(name) ?? []) queue.add(key);
    waiting.delete(name);
    if (topologyText(current) !== topologyText(old)) for (const key of topology.overloaded()) queue.add(key);
    if (zoneChanged) for (const service of services.list()) queue.add(keyText(keyOf(service)));
  });
}

function ownerKey(slice: Live<EndpointSlice>): string | undefined {
  const { labels, namespace } = slice.metadata;
  const service = labels?.[serviceNameLabel];
  return labels?.[managedByLabel] !== sliceManager || service === undefined ? undefined : `${namespace}/${service}`;
}

function remember(index: Map<string, Set<string>>, key: string, value: string): void {
  const values = index.get(key);
  if (values === undefined) index.set(key, new Set([value]));
  else values.add(value);
}
