/**
 * An API server of nothing but services, slices and namespaces in memory: lists and watches in plain HTTP, for servers
 * that read the API and are to be measured without a store behind it. A judge's client (client-go) reads it as well.
 *
 *   10,000 services × 10 endpoints:  svc-I.default  10.96.X.Y  ->  slice svc-I-abcde, pods 10.128.… up
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { clusterService, namespace, slice } from '../../src/dns/testing/objects.ts';
import type { KubeObject } from '../../src/api/object.ts';

export interface KubeObjects {
  readonly url: string;
  /** Gives the service this cluster IP; the watchers have been told when it returns. */
  change(index: number, address: string): void;
  close(): void;
}

interface Kind {
  readonly kind: string;
  readonly apiVersion: string;
  readonly items: KubeObject[];
  readonly watchers: Set<ServerResponse>;
}

export const serviceIP = (i: number): string => `10.96.${i >>> 8}.${(i & 255) + 1}`;

export async function startKubeObjects(services: number, endpointsPerService: number): Promise<KubeObjects> {
  let revision = 1;
  const live = <T extends KubeObject>(object: T): T => {
    revision += 1;
    const uid = `${String(revision).padStart(8, '0')}-0000-4000-8000-000000000000`;
    const created = { uid, resourceVersion: String(revision), creationTimestamp: '2026-01-01T00:00:00Z' };
    return { ...object, metadata: { ...object.metadata, ...created } };
  };
  const serviceAt = (i: number, address = serviceIP(i)): KubeObject =>
    live(clusterService(`default/svc-${i}`, address, 'http:80'));
  const podIP = (n: number): string => `10.${128 + (n >>> 16)}.${(n >>> 8) & 255}.${n & 255}`;
  const numbers = Array.from({ length: services }, (_, i) => i);
  const kind = (name: string, apiVersion: string, items: KubeObject[]): Kind => {
    return { kind: name, apiVersion, items, watchers: new Set() };
  };
  const kinds: Readonly<Record<string, Kind>> = {
    '/api/v1/namespaces': kind(
      'Namespace',
      'v1',
      ['default', 'kube-system'].map((name) => live(namespace(name))),
    ),
    '/api/v1/services': kind(
      'Service',
      'v1',
      numbers.map((i) => serviceAt(i)),
    ),
    '/api/v1/pods': kind('Pod', 'v1', []),
    '/apis/discovery.k8s.io/v1/endpointslices': kind(
      'EndpointSlice',
      'discovery.k8s.io/v1',
      numbers.map((i) =>
        live(
          sliceAt(
            i,
            Array.from({ length: endpointsPerService }, (_, e) => podIP(i * endpointsPerService + e)),
          ),
        ),
      ),
    ),
  };
  const server = createServer((request, response) => serve(kinds, () => revision, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  return {
    url: `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`,
    change(index, address) {
      const object = serviceAt(index, address);
      const line = `${JSON.stringify({ type: 'MODIFIED', object: { apiVersion: 'v1', kind: 'Service', ...object } })}\n`;
      for (const watcher of kinds['/api/v1/services']?.watchers ?? []) watcher.write(line);
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** With what a controller writes beside the addresses, for that is what a watcher has to read and drop. */
function sliceAt(i: number, addresses: readonly string[]): KubeObject {
  const object = slice(`default/svc-${i}-abcde`, `svc-${i}`, ['http:8080'], ...addresses);
  const endpoints = (object.endpoints ?? []).map((endpoint, e) => ({
    ...endpoint,
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${e % 3}`,
    targetRef: { kind: 'Pod', namespace: 'default', name: `svc-${i}-7d9f8c6b5d-${e}`, uid: `pod-${i}-${e}` },
  }));
  return { ...object, endpoints } as KubeObject;
}

function serve(
  kinds: Readonly<Record<string, Kind>>,
  revision: () => number,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const url = new URL(request.url ?? '/', 'http://server');
  const kind = kinds[url.pathname];
  const headers = { 'content-type': 'application/json' };
  if (kind === undefined) {
    const found = ['/readyz', '/version'].includes(url.pathname);
    response.writeHead(found ? 200 : 404, headers).end(found ? '{"major":"1","minor":"36"}' : '{}');
    return;
  }
  if (url.searchParams.get('watch') === null) {
    const limit = Number(url.searchParams.get('limit') ?? 0) || kind.items.length;
    const from = Number(url.searchParams.get('continue') ?? 0);
    const next = from + limit < kind.items.length ? { continue: String(from + limit) } : {};
    const { apiVersion } = kind;
    const metadata = { resourceVersion: String(revision()), ...next };
    response
      .writeHead(200, headers)
      .end(
        JSON.stringify({ kind: `${kind.kind}List`, apiVersion, metadata, items: kind.items.slice(from, from + limit) }),
      );
    return;
  }
  if (url.searchParams.get('sendInitialEvents') !== null) {
    const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Invalid', code: 422 };
    response.writeHead(422, headers).end(JSON.stringify(status));
    return;
  }
  response.writeHead(200, headers).flushHeaders();
  kind.watchers.add(response);
  response.on('close', () => kind.watchers.delete(response));
}
