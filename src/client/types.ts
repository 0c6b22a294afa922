/**
 * How every part talks to the API server: typed calls, watches, and informers. The only way in or out of a part.
 *
 *   part ── Client ── HTTPS ── any conformant Kubernetes API server
 *     └── Informer (list + watch, kept up to date, indexed by namespace/name)
 */
import type { KubeObject, Live, ObjectKey } from '../api/object.ts';
import type { Resource } from '../api/resources.ts';
import type { DeleteOptions, ListMeta, Status } from '../api/gen/types.ts';

export interface ListOptions {
  /** Unset: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly limit?: number;
  readonly continue?: string;
}

export interface WatchOptions extends ListOptions {
  readonly allowWatchBookmarks?: boolean;
  readonly timeoutSeconds?: number;
}

export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Live<T> }
  | { readonly type: 'BOOKMARK'; readonly object: { readonly metadata: { readonly resourceVersion: string } } }
  | { readonly type: 'ERROR'; readonly object: Status };

export interface List<T extends KubeObject> {
  readonly metadata: ListMeta;
  readonly items: readonly Live<T>[];
}

/** A list of which the items are read when they are asked for, once. */
export interface Page<T extends KubeObject> {
  readonly metadata: ListMeta;
  readonly items: Iterable<Live<T>>;
}

/** Reads a list's JSON for who keeps only parts of it. Throws where it is none. */
export type PageReader<T extends KubeObject> = (answer: Buffer) => Page<T>;

export type PatchKind = 'json' | 'merge' | 'strategic' | 'apply';

export interface WriteOptions {
  /** `status`, `scale`, `binding`, `token`, … */
  readonly subresource?: string;
  readonly fieldManager?: string;
}

/** All calls reject with ApiError (the server's Status) or a network error; none is retried here. */
export interface Client {
  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey): Promise<Live<T>>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<List<T>>;
  /** A list that is read by `read`. */
  page<T extends KubeObject>(resource: Resource<T>, options: ListOptions, read: PageReader<T>): Promise<Page<T>>;
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<Live<T>>;
  /** PUT; metadata.resourceVersion in the object makes it conditional (409 Conflict). */
  update<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<Live<T>>;
  patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    kind: PatchKind,
    patch: unknown,
    options?: WriteOptions,
  ): Promise<Live<T>>;
  delete<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options?: DeleteOptions): Promise<void>;
  /** Ends without an error when the server closes the stream or the signal aborts. */
  watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>>;
  /** For what is not a kind: `/readyz`, `/api/v1/namespaces/ns/serviceaccounts/x/token`. JSON in, JSON out. */
  raw(method: string, path: string, body?: unknown): Promise<unknown>;
}

export interface InformerHandler<T extends KubeObject> {
  /** old undefined: added; new undefined: deleted. Called in the order of the server's events. */
  (current: Live<T> | undefined, old: Live<T> | undefined): void;
}

/** A local, read-only copy that follows the server. Objects are shared: never change them. */
export interface Informer<T extends KubeObject> {
  get(key: ObjectKey): Live<T> | undefined;
  list(namespace?: string): Iterable<Live<T>>;
  onChange(handler: InformerHandler<T>): void;
  /** Resolves after the first complete list. A broken connection is retried with back-off until the signal aborts. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
}
