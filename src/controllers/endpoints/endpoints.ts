/**
 * The Endpoints loop: services, pods and Endpoints change ─> the service is planned again (endpoints-plan.ts). Endpoints have no
 * owner reference: this loop deletes them when their service goes.
 */
import { keyOf, keyText } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { applyWrites, remove } from '../writes.ts';
import { endpointsManagedByLabel, endpointsManager, planEndpoints } from './endpoints-plan.ts';
import { selectorOf } from './selection.ts';
import type { Selection } from './selection.ts';
import { createTriggerTimes } from './trigger-time.ts';

export function runEndpoints(context: ControllerContext, selection: Selection): void {
  const { views } = context;
  const services = views.of(resources.services);
  const pods = views.of(resources.pods);
  const endpoints = views.of(resources.endpoints);
  const writer = context.writer('endpoint-controller');
  const times = createTriggerTimes();
  /** Services that were here: their Endpoints go with them, whoever wrote those. */
  const seen = new Set<string>();

  const work = async (key: string): Promise<void> => {
    const service = services.get(parseKey(key));
    const current = endpoints.get(parseKey(key));
    if (service === undefined) {
      times.forget(key);
      const ours = current?.metadata.labels?.[endpointsManagedByLabel] === endpointsManager;
      if (current !== undefined && (seen.has(key) || ours)) {
        await applyWrites(writer, [remove(resources.endpoints, current)]);
      }
      seen.delete(key);
      return;
    }
    seen.add(key);
    if (service.metadata.deletionTimestamp !== undefined) return;
    if (service.spec?.type === 'ExternalName' || selectorOf(service) === undefined) return;
    const selected = selection.podsOf(service);
    const triggerTime = times.compute(key, service, selected);
    await applyWrites(writer, planEndpoints({ service, pods: selected, current, triggerTime }));
  };
  const queue = startLoop(context, 'endpoints', { views: [services, pods, endpoints], work, concurrency: 4 });

  selection.onAffected((key) => queue.add(key));
  endpoints.onChange((current, old) => {
    const object = current ?? old;
    const deleted = current === undefined;
    const leftOver = object?.metadata.labels?.[endpointsManagedByLabel] === endpointsManager && old === undefined;
    // As upstream, a person's edit stands until the next change of the service or its pods.
    if (object !== undefined && (deleted || leftOver)) queue.add(keyText(keyOf(object)));
  });
}
