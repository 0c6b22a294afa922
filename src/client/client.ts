/**
 * `createClient(kubeconfig)`: typed calls to any conformant API server. The contract is types.ts.
 *
 *   const client = createClient(await loadKubeconfig(path));
 *   await client.patch(resources.services, key, 'merge', { metadata: { labels: { a: 'b' } } });
 */
import { keyOf } from '../api/object.ts';
import type { KubeObject, Live } from '../api/object.ts';
import { groupVersionOf } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import type { Kubeconfig } from './kubeconfig.ts';
import { collectionPath, listQuery, objectPath, watchQuery, writeQuery } from './paths.ts';
import { createTransport } from './transport.ts';
import type { CallBody } from './transport.ts';
import type { Client, List, PatchKind } from './types.ts';
import { watchStream } from './watch.ts';

export interface ClientOptions {
  /** `portolan-proxy`: names the part in the server's audit and in managedFields. */
  readonly userAgent?: string;
}

export interface ClosableClient extends Client {
  /** Drops kept connections, so that a process may end or a test server may close. */
  close(): void;
}

const patchTypes: Readonly<Record<PatchKind, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  // JSON is YAML.
  apply: 'application/apply-patch+yaml',
};

export function createClient(kubeconfig: Kubeconfig, options: ClientOptions = {}): ClosableClient {
  const transport = createTransport(kubeconfig, options.userAgent ?? 'portolan');
  return {
    async get(resource, key) {
      return live(await transport.call('GET', objectPath(resource, key)));
    },
    async list(resource, listOptions = {}) {
      const path = collectionPath(resource, listOptions.namespace) + listQuery(listOptions);
      return listed(resource, path, await transport.call('GET', path));
    },
    async page(resource, listOptions, read) {
      return read(await transport.read(collectionPath(resource, listOptions.namespace) + listQuery(listOptions)));
    },
    async create(resource, object, write) {
      const key = keyOf(object);
      const path =
        write?.subresource === undefined
          ? collectionPath(resource, requireNamespace(resource, object))
          : objectPath(resource, key, write.subresource);
      return live(await transport.call('POST', path + writeQuery(write), json(typed(resource, object, write))));
    },
    async update(resource, object, write) {
      const path = objectPath(resource, keyOf(object), write?.subresource) + writeQuery(write);
      return live(await transport.call('PUT', path, json(typed(resource, object, write))));
    },
    async patch(resource, key, kind, patch, write) {
      const path =
        objectPath(resource, key, write?.subresource) + writeQuery(write, kind === 'apply' ? true : undefined);
      return live(await transport.call('PATCH', path, json(patch, patchTypes[kind])));
    },
    async delete(resource, key, deleteOptions) {
      const body =
        deleteOptions === undefined ? undefined : json({ kind: 'DeleteOptions', apiVersion: 'v1', ...deleteOptions });
      await transport.call('DELETE', objectPath(resource, key), body);
    },
    watch(resource, watchOptions, signal) {
      const path = collectionPath(resource, watchOptions.namespace) + watchQuery(watchOptions);
      return watchStream(transport, path, signal);
    },
    raw(method, path, body) {
      return transport.call(method, path, body === undefined ? undefined : json(body));
    },
    close() {
      transport.close();
    },
  };
}

function json(value: unknown, contentType = 'application/json'): CallBody {
  return { contentType, text: JSON.stringify(value) };
}

/** The server wants apiVersion and kind in a body; a subresource's body (Binding, Eviction, Scale) brings its own. */
function typed<T extends KubeObject>(
  resource: Resource<T>,
  object: T,
  write: { readonly subresource?: string } | undefined,
): KubeObject {
  if (object.kind !== undefined && object.apiVersion !== undefined) return object;
  if (write?.subresource !== undefined && write.subresource !== 'status') return object;
  return { ...object, apiVersion: groupVersionOf(resource), kind: resource.kind };
}

function requireNamespace<T extends KubeObject>(resource: Resource<T>, object: T): string | undefined {
  const namespace = object.metadata?.namespace;
  if (resource.namespaced && (namespace === undefined || namespace === '')) {
    throw new Error(`${resource.plural} "${object.metadata?.name ?? ''}": metadata.namespace is not set`);
  }
  return namespace;
}

/** Items of a list carry no apiVersion and kind on the wire (upstream): here they do, so that an item can be written back. */
function listed<T extends KubeObject>(resource: Resource<T>, path: string, answer: unknown): List<T> {
  // Something between us and the server answers with a page of its own: that is no empty list.
  if (typeof answer !== 'object' || answer === null || !('items' in answer)) {
    throw new Error(`GET ${path}: the answer is no list`);
  }
  const list = answer as { metadata?: List<T>['metadata']; items?: Live<T>[] | null };
  const apiVersion = groupVersionOf(resource);
  const items = list.items ?? [];
  for (const item of items as { apiVersion?: string; kind?: string }[]) {
    item.apiVersion ??= apiVersion;
    item.kind ??= resource.kind;
  }
  return { metadata: list.metadata ?? {}, items };
}

function live<T extends KubeObject>(answer: unknown): Live<T> {
  return answer as Live<T>;
}
