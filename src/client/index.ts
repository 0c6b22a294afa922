/**
 * The door: how a part reaches the API server.
 *
 *   const client = createClient(await loadKubeconfig(path), { userAgent: 'portolan-proxy' });
 *   const services = createInformer(client, resources.services, {}, signal);
 *   services.onChange((current, old) => …);
 *   await services.synced;
 */
export { createClient } from './client.ts';
export type { ClientOptions, ClosableClient } from './client.ts';
export { createEventRecorder } from './events.ts';
export type { EventRecorder, EventSourceOptions, EventType } from './events.ts';
export { createInformer } from './informer.ts';
export type { InformerOptions } from './informer.ts';
export { loadKubeconfig, parseKubeconfig } from './kubeconfig.ts';
export type { Kubeconfig } from './kubeconfig.ts';
export { serviceRanges, serviceRangesOf, watchServiceRanges } from './service-ranges.ts';
export type { ServiceRanges } from './service-ranges.ts';
export { collectionPath } from './paths.ts';
export { requestCounts } from './transport.ts';
export type { RequestCount } from './transport.ts';
export type {
  Client,
  Informer,
  InformerHandler,
  List,
  ListOptions,
  Page,
  PageReader,
  PatchKind,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './types.ts';
