/**
 * EndpointSlices, for the rare service without node ports: followed only once somebody asks for them.
 */
import type { EndpointSlice } from '../api/gen/types.ts';
import { keyOf, keyText } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import { createInformer } from '../client/index.ts';
import type { Client, Informer } from '../client/index.ts';
import { serviceKeyOf } from '../model/index.ts';
import type { LiveService } from './service.ts';

export interface LazySlices {
  /** Empty until the first list has come; `onChange` tells. */
  readonly of: (service: LiveService) => readonly EndpointSlice[];
}

export function createLazySlices(client: Client, onChange: () => void, signal: AbortSignal): LazySlices {
  let informer: Informer<EndpointSlice> | undefined;
  return {
    of(service) {
      if (informer === undefined) {
        informer = createInformer(client, resources.endpointSlices, {}, signal);
        informer.onChange(onChange);
      }
      const key = keyText(keyOf(service));
      return [...informer.list(service.metadata.namespace)].filter((slice) => serviceKeyOf(slice) === key);
    },
  };
}
