/**
 * For tests: an API server in memory, behind the Client contract. Conditional writes, merge patches, finalizers and watches as upstream;
 * no defaulting, no validation. And the two kinds of objects that the load balancer lives on.
 */
import { apiError } from '../api/errors.ts';
import type { Node, Service, ServiceSpec } from '../api/gen/types.ts';
import { keyOf, keyText } from '../api/object.ts';
import type { KubeObject, Live, ObjectKey } from '../api/object.ts';
import type { Resource } from '../api/resources.ts';
import type { Client, WatchEvent } from '../client/index.ts';

type Any = Live<KubeObject> & { spec?: unknown; status?: unknown };
type Listener = (event: WatchEvent<KubeObject>) => void;

export interface MemoryApi extends Client {
  /** Every write that came in, as `PATCH services/default/web status`. */
  readonly writes: string[];
}

export function createMemoryApi(): MemoryApi {
  const kinds = new Map<string, Map<string, Any>>();
  const listeners = new Map<string, Set<Listener>>();
  const history: { readonly plural: string; readonly event: WatchEvent<KubeObject>; readonly version: number }[] = [];
  const writes: string[] = [];
  let version = 1;

  const objectsOf = (resource: Resource): Map<string, Any> => {
    const found = kinds.get(resource.plural) ?? new Map<string, Any>();
    kinds.set(resource.plural, found);
    return found;
  };
  const find = (resource: Resource, key: ObjectKey): Any => {
    const found = objectsOf(resource).get(keyText(key));
    if (found === undefined) throw apiError(404, 'NotFound', `${resource.plural} "${key.name}" not found`);
    return found;
  };
  const emit = (resource: Resource, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: Any): void => {
    const event = { type, object: structuredClone(object) };
    history.push({ plural: resource.plural, event, version });
    for (const listener of listeners.get(resource.plural) ?? []) listener(event);
  };
  const store = (resource: Resource, object: Any, old: Any | undefined): Any => {
    const stored = structuredClone(object);
    stored.metadata.resourceVersion = String(++version);
    const key = keyText(keyOf(stored));
    const finalizers = stored.metadata.finalizers ?? [];
    if (stored.metadata.deletionTimestamp !== undefined && finalizers.length === 0) {
      objectsOf(resource).delete(key);
      emit(resource, 'DELETED', stored);
    } else {
      objectsOf(resource).set(key, stored);
      emit(resource, old === undefined ? 'ADDED' : 'MODIFIED', stored);
    }
    return structuredClone(stored);
  };
  const checkVersion = (wanted: string | undefined, old: Any): void => {
    if (wanted !== undefined && wanted !== old.metadata.resourceVersion) {
      throw apiError(409, 'Conflict', 'the object has been modified');
    }
  };
  const said = (verb: string, resource: Resource, key: ObjectKey, rest = ''): void => {
    writes.push(`${verb} ${resource.plural}/${keyText(key)}${rest === '' ? '' : ` ${rest}`}`);
  };

  const list: Client['list'] = async (resource) => ({
    metadata: { resourceVersion: String(version) },
    items: [...objectsOf(resource).values()].map((object) => structuredClone(object)) as never,
  });

  return {
    writes,
    get: async (resource, key) => structuredClone(find(resource, key)) as never,
    list,
    page: list,
    async create(resource, object) {
      const key = keyOf(object);
      said('POST', resource, key);
      if (objectsOf(resource).has(keyText(key))) throw apiError(409, 'AlreadyExists', `"${key.name}" already exists`);
      const metadata = {
        uid: `uid-${version}`,
        creationTimestamp: new Date(version * 1000).toISOString(),
        ...object.metadata,
      };
      const kind = { apiVersion: 'v1', kind: resource.kind };
      return store(resource, { ...structuredClone(object), ...kind, metadata } as Any, undefined) as never;
    },
    async update(resource, object) {
      const old = find(resource, keyOf(object));
      said('PUT', resource, keyOf(object));
      checkVersion(object.metadata?.resourceVersion, old);
      return store(resource, { ...object, metadata: { ...old.metadata, ...object.metadata } }, old) as never;
    },
    async patch(resource, key, _kind, patch, options) {
      const old = find(resource, key);
      said('PATCH', resource, key, options?.subresource);
      checkVersion((patch as KubeObject).metadata?.resourceVersion, old);
      return store(resource, merge(old, patch) as Any, old) as never;
    },
    async delete(resource, key) {
      const old = find(resource, key);
      said('DELETE', resource, key);
      const metadata = { ...old.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
      store(resource, { ...old, metadata }, old);
    },
    async *watch(resource, options, signal) {
      const from = Number(options.resourceVersion ?? 0);
      const queue: WatchEvent<KubeObject>[] = history
        .filter((entry) => entry.plural === resource.plural && entry.version > from)
        .map((entry) => entry.event);
      let wake: () => void = () => undefined;
      const listener: Listener = (event) => {
        queue.push(event);
        wake();
      };
      const set = listeners.get(resource.plural) ?? new Set<Listener>();
      listeners.set(resource.plural, set.add(listener));
      signal.addEventListener('abort', () => wake(), { once: true });
      while (!signal.aborted) {
        const next = queue.shift();
        if (next !== undefined) yield next as never;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
      set.delete(listener);
    },
    raw: () => Promise.reject(new Error('the memory API has no raw paths')),
  };
}

export function testService(name: string, spec: ServiceSpec = {}, metadata: Service['metadata'] = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', ...metadata },
    spec: {
      type: 'LoadBalancer',
      clusterIP: '10.96.0.77',
      clusterIPs: ['10.96.0.77'],
      ipFamilies: ['IPv4'],
      externalTrafficPolicy: 'Cluster',
      ports: [{ protocol: 'TCP', port: 80, nodePort: 30080, targetPort: 8080 }],
      ...spec,
    },
  };
}

export function testNode(name: string, address: string, ready = true): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    status: {
      addresses: [{ type: 'InternalIP', address }],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }],
    },
  };
}

function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete base[key];
    else base[key] = merge(base[key], value);
  }
  return base;
}
