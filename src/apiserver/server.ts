/**
 * Start and stop. Order at start: file ─ allocations from the file ─ sockets ─ bootstrap objects ─ ready; requests that arrive
 * in between wait. At stop: no new requests, watches end, the queue is written, the file is let go.
 */
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { buildKinds } from '../api/kinds/index.ts';
import type { KindDefinition } from '../api/kind.ts';
import type { KubeObject, Live } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import { openStore } from '../store/index.ts';
import type { Store } from '../store/index.ts';
import { log } from '../util/log.ts';
import { keepAvailability } from './aggregation/index.ts';
import { createServiceAllocator } from './allocate/index.ts';
import { createAuthorizer } from './auth/authorize.ts';
import { readPki } from './auth/pki.ts';
import { bootstrap } from './bootstrap.ts';
import type { Server } from './context.ts';
import { CustomKinds } from './custom/index.ts';
import { keepDefinitions } from './custom/lifecycle.ts';
import { handle } from './handler.ts';
import { createListener } from './http/listener.ts';
import type { Listener } from './http/listener.ts';
import { createMetrics } from './metrics.ts';
import { stampRevision } from './object-meta.ts';
import type { ApiServer, ApiServerOptions } from './options.ts';
import { createQuotas } from './quotas.ts';
import { bucketOf, Registry } from './registry.ts';
import { upgrade } from './upgrade.ts';

/** Resolves when the server is ready. `signal` stops it; so does `close()`. */
export async function startApiServer(options: ApiServerOptions, signal: AbortSignal): Promise<ApiServer> {
  const pki = readPki(options.pkiDir);
  const store = openStore({
    dir: join(options.dataDir, 'store'),
    stamp: stampRevision,
    historyEvents: options.watchHistory?.events,
    historyBytes: options.watchHistory?.bytes,
  });
  try {
    const stopping = new AbortController();
    // One listener per open watch and stream.
    setMaxListeners(0, stopping.signal);
    const registry = new Registry(loadKinds(options, store), new CustomKinds(store));
    const server: Server = {
      ...{ options, store, registry, pki, metrics: createMetrics(), stopping: stopping.signal },
      authorizer: createAuthorizer(store),
      quotas: createQuotas(options.quotas),
    };
    return await serve(server, stopping, signal);
  } catch (error) {
    await store.close();
    throw error;
  }
}

function loadKinds(options: ApiServerOptions, store: Store): readonly KindDefinition[] {
  const allocator = createServiceAllocator({
    serviceClusterIPRanges: options.serviceClusterIPRange,
    nodePortRange: options.serviceNodePortRange,
  });
  const stored = <T extends KubeObject>(resource: Resource<T>): readonly Live<T>[] =>
    store.list(bucketOf(resource)).map((item) => item.value as Live<T>);
  allocator.rebuild({
    services: stored(resources.services),
    serviceCIDRs: stored(resources.serviceCIDRs),
    ipAddresses: stored(resources.ipAddresses),
  });
  return buildKinds({
    services: allocator,
    onServiceCidrWrite: (view, cidr, old) => allocator.onServiceCidrWrite(view, cidr, old),
    onIpAddressWrite: (view, address, old) => allocator.onIpAddressWrite(view, address, old),
  });
}

async function serve(server: Server, stopping: AbortController, signal: AbortSignal): Promise<ApiServer> {
  const { options, pki, store } = server;
  const ready = Promise.withResolvers<undefined>();
  // Who waits is told; that nobody waits yet is no unhandled rejection.
  ready.promise.catch(() => undefined);
  const listener = createListener({
    cert: pki.serverCert,
    key: pki.serverKey,
    ca: pki.ca,
    http2: options.http2 ?? true,
    ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
    onRequest: ({ request, response }) => {
      ready.promise.then(
        () => void handle(server, request, response),
        () => response.body.destroy(),
      );
    },
    onUpgrade: (request, socket, head) => {
      ready.promise.then(
        () => upgrade(server, request, socket, head),
        () => socket.destroy(),
      );
    },
  });
  try {
    const addresses = await Promise.all(options.listen.map((text) => listener.listen(...hostAndPort(text))));
    const address = addresses[0] ?? '';
    const port = hostAndPort(address)[1];
    const authorities = { clientCa: pki.ca.toString('utf8'), frontProxyCa: pki.frontProxy?.ca };
    await bootstrap({ store, registry: server.registry, options, ...authorities, port });
    keepDefinitions(server);
    keepAvailability(server);
    ready.resolve(undefined);
    log('apiserver').info({ addresses, revision: store.revision }, 'ready');
    // From here on the heap grows by two fifths of what lives, not to its double: what is held stays, what a request makes is gone soon.
    setFlagsFromString('--heap-growing-percent=40');
    // What runs for each request runs for as long as the server does: V8 would wait for three times as many calls before it optimises it.
    setFlagsFromString('--invocation-count-for-turbofan=1000');
    const close = closer(listener, store, stopping);
    if (signal.aborted) await close();
    else signal.addEventListener('abort', () => void close(), { once: true });
    return { addresses, address, close };
  } catch (error) {
    ready.reject(error);
    stopping.abort();
    await listener.close();
    throw error;
  }
}

function closer(listener: Listener, store: Store, stopping: AbortController): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return () => {
    closed ??= (async () => {
      stopping.abort();
      await listener.close();
      await store.close();
      log('apiserver').info({}, 'stopped');
    })();
    return closed;
  };
}

/** `host:port` or `[v6]:port`. */
function hostAndPort(text: string): [host: string, port: number] {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(text.slice(colon + 1));
  if (host === '' || !Number.isInteger(port) || port < 0 || port > 65535) {
    throw new Error(`listen: ${JSON.stringify(text)} is no host:port, such as 127.0.0.1:6443 or [::1]:6443`);
  }
  return [host, port];
}
