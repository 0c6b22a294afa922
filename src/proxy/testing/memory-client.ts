/**
 * An API server in memory, as far as a proxy needs one: lists, watches, and events that are written down. For tests that want
 * the proxy alone in its namespace.
 */
import { ApiError } from '../../api/errors.ts';
import { keyOf, keyText } from '../../api/object.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import type { Resource } from '../../api/resources.ts';
import type { Client, List, ListOptions, WatchEvent, WatchOptions } from '../../client/index.ts';

export interface MemoryServer {
  readonly client: Client;
  set(plural: string, object: KubeObject): void;
  remove(plural: string, object: KubeObject): void;
  /** Lists of a kind are answered so from now on. */
  refuse(plural: string, code: number): void;
  /** Every call fails from now on, and every watch breaks. */
  goAway(): void;
  comeBack(): void;
  readonly written: readonly KubeObject[];
}

type Change = WatchEvent<KubeObject> & { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' };

export function memoryServer(): MemoryServer {
  const stores = new Map<string, Map<string, Live<KubeObject>>>();
  const history: { readonly plural: string; readonly version: number; readonly change: Change }[] = [];
  const written: KubeObject[] = [];
  const refused = new Map<string, number>();
  let version = 1;
  let away = false;
  let wake: (() => void)[] = [];

  const storeOf = (plural: string): Map<string, Live<KubeObject>> => {
    let store = stores.get(plural);
    if (store === undefined) stores.set(plural, (store = new Map<string, Live<KubeObject>>()));
    return store;
  };
  const told = (): void => {
    const waiting = wake;
    wake = [];
    for (const resolve of waiting) resolve();
  };
  const record = (plural: string, type: Change['type'], object: Live<KubeObject>): void => {
    history.push({ plural, version, change: { type, object } });
    told();
  };
  const check = (): void => {
    if (away) throw new Error('connection refused');
  };
  const matches = (options: ListOptions, object: KubeObject): boolean =>
    options.fieldSelector === undefined || options.fieldSelector === `metadata.name=${object.metadata?.name ?? ''}`;
  const refuse = (): never => {
    throw new ApiError({ code: 405, reason: 'MethodNotAllowed', message: 'not here' });
  };

  const client: Client = {
    get: async () => refuse(),
    async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<List<T>> {
      check();
      const code = refused.get(resource.plural);
      if (code !== undefined) throw new ApiError({ code, reason: 'NotFound', message: 'not here' });
      const items = [...storeOf(resource.plural).values()].filter((object) => matches(options, object));
      return { metadata: { resourceVersion: String(version) }, items: items as Live<T>[] };
    },
    page: (resource, options) => client.list(resource, options),
    async create(_resource, object) {
      check();
      written.push(object);
      return object as never;
    },
    update: async () => refuse(),
    async patch(_resource, _key, _kind, patch) {
      written.push(patch as KubeObject);
      return patch as never;
    },
    delete: async () => refuse(),
    async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions, signal: AbortSignal) {
      check();
      let seen = Number(options.resourceVersion ?? 0);
      signal.addEventListener('abort', told, { once: true });
      while (!signal.aborted && !away) {
        for (const { plural, version: at, change } of [...history]) {
          if (at <= seen || plural !== resource.plural) continue;
          if (matches(options, change.object)) yield change as WatchEvent<T>;
          seen = at;
        }
        if (!history.some((entry) => entry.version > seen && entry.plural === resource.plural)) {
          await new Promise<void>((resolve) => wake.push(resolve));
        }
      }
    },
    raw: async () => refuse(),
  };
  return {
    client,
    written,
    set(plural, object) {
      const store = storeOf(plural);
      const key = keyText(keyOf(object));
      const old = store.get(key);
      version += 1;
      const live = {
        ...object,
        metadata: {
          uid: key,
          creationTimestamp: '2026-01-01T00:00:00Z',
          ...object.metadata,
          resourceVersion: String(version),
        },
      } as Live<KubeObject>;
      store.set(key, live);
      record(plural, old === undefined ? 'ADDED' : 'MODIFIED', live);
    },
    remove(plural, object) {
      const store = storeOf(plural);
      const old = store.get(keyText(keyOf(object)));
      if (old === undefined) return;
      version += 1;
      store.delete(keyText(keyOf(object)));
      record(plural, 'DELETED', old);
    },
    refuse: (plural, code) => void refused.set(plural, code),
    goAway() {
      away = true;
      told();
    },
    comeBack() {
      away = false;
    },
  };
}
