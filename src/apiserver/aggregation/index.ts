/**
 * Groups that other servers serve: an APIService names a Service, and requests for its group and version go there.
 * Upstream: k8s.io/kube-aggregator. All but the question whether there is such a server is loaded with the first of them.
 *
 *   APIService ─ availability.ts  is it there? (its discovery answers)  ──> condition Available
 *   request ─── proxy.ts ─ connect.ts ──> an endpoint of the Service
 *   /apis ───── discovery.ts ┐
 *   /openapi ── openapi.ts   ┴─ fetch.ts ──> what the server says of itself
 */
import { resources } from '../../api/resources.ts';
import { log } from '../../util/log.ts';
import type { Server } from '../context.ts';
import { bucketOf } from '../registry.ts';
import { remotesOf } from './remote.ts';

export { remoteOf, remotesOf } from './remote.ts';
export type { Remote } from './remote.ts';

/** Until the server stops: the first APIService that leads elsewhere starts what looks after them. */
export function keepAvailability(server: Server): void {
  const { store, stopping } = server;
  let started = false;
  const look = (): void => {
    if (started || remotesOf(store).length === 0) return;
    started = true;
    cursor.close();
    import('./availability.ts')
      .then(({ watchAvailability }) => watchAvailability(server))
      .catch((error: unknown) =>
        log('apiserver').error({ error: String(error) }, 'extension servers are not looked after'),
      );
  };
  const cursor = store.watch(bucketOf(resources.apiServices), store.revision, look);
  stopping.addEventListener('abort', () => cursor.close(), { once: true });
  look();
}
