/**
 * The mirroring loop: Endpoints of services without a selector ─> slices (mirroring-plan.ts). Their slices are deleted here and
 * not left to the garbage collector: a reader must not see them after the Endpoints.
 */
import type { EndpointSlice } from '../../api/gen/types.ts';
import { keyOf, keyText } from '../../api/object.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { applyWrites } from '../writes.ts';
import { isMirrored, mirrorManager, planMirror } from './mirroring-plan.ts';
import { selectorOf } from './selection.ts';
import { managedByLabel, serviceNameLabel } from './slices-plan.ts';

export function runEndpointMirroring(context: ControllerContext): void {
  const { views } = context;
  const services = views.of(resources.services);
  const endpoints = views.of(resources.endpoints);
  const slices = views.of(resources.endpointSlices);
  const slicesOf = slices.indexBy(ownerKey);
  const writer = context.writer('endpoint-slice-mirroring-controller');

  const work = async (key: string): Promise<void> => {
    const service = services.get(parseKey(key));
    const source = endpoints.get(parseKey(key));
    const mirrored =
      source !== undefined &&
      source.metadata.deletionTimestamp === undefined &&
      isMirrored(source) &&
      service !== undefined &&
      selectorOf(service) === undefined;
    await applyWrites(writer, planMirror(mirrored ? source : undefined, slicesOf(key)));
  };
  const queue = startLoop(context, 'endpointslice-mirroring', { views: [services, endpoints, slices], work });

  services.onChange((current, old) => {
    // A service that has a selector now, or none any more, or is gone.
    const had = old === undefined ? undefined : selectorOf(old) !== undefined;
    const has = current === undefined ? undefined : selectorOf(current) !== undefined;
    if (had !== has) queue.add(keyText(keyOf((current ?? old) as object)));
  });
  endpoints.onChange((current, old) => queue.add(keyText(keyOf((current ?? old) as object))));
  slices.onChange((current, old) => {
    for (const slice of [current, old]) {
      const owner = slice === undefined ? undefined : ownerKey(slice);
      if (owner !== undefined) queue.add(owner);
    }
  });
}

function ownerKey({ metadata }: Live<EndpointSlice>): string | undefined {
  const service = metadata.labels?.[serviceNameLabel];
  if (metadata.labels?.[managedByLabel] !== mirrorManager || service === undefined) return undefined;
  return `${metadata.namespace}/${service}`;
}
