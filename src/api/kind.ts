/**
 * One entry per kind: everything the API server must know to serve it. A new kind is one file in `kinds/` with one
 * `KindDefinition`, listed in `kinds/index.ts`; verbs, watch, tables, discovery and OpenAPI follow from the entry.
 *
 *   body ─ decode ─ applyDefaults ─ admission ─ prepareForCreate/Update ─ validate/validateUpdate ─ onWrite (in the
 *   transaction: allocate addresses and ports) ─ store
 *
 * All functions work on a private deep copy that they may change; `old` is shared and frozen.
 */
import type { Resource } from './resources.ts';
import type { KubeObject, Live } from './object.ts';
import type { FieldError } from './field-errors.ts';
import type { MergeType } from './managed-fields/index.ts';
import type { FieldValidation } from './decode.ts';
import type { JSONSchemaProps } from './gen/types.ts';

/** A cell is what JSON carries: the server sends it, kubectl pads it. */
export type Cell = string | number | boolean | null;

export interface Column<T extends KubeObject> {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date' | 'boolean' | 'number';
  readonly format?: string;
  readonly description: string;
  /** 0: always shown; 1: with `-o wide`. */
  readonly priority: number;
  /** `now` in ms, for ages. */
  readonly cell: (object: Live<T>, now: number) => Cell;
}

/** What a subresource such as /status lets through and checks. */
export interface StatusStrategy<T extends KubeObject> {
  readonly prepareForUpdate?: (object: T, old: Live<T>) => void;
  readonly validateUpdate?: (object: T, old: Live<T>) => readonly FieldError[];
}

/** The subresources that are the object itself, of which a part may be written. */
export const partNames = ['status', 'approval', 'ephemeralcontainers', 'resize'] as const;
export type PartName = (typeof partNames)[number];

export function isPart(subresource: string): subresource is PartName {
  return (partNames as readonly string[]).includes(subresource);
}

/** The write transaction as a kind sees it: what is read here cannot change before the write. */
export interface WriteView {
  get<U extends KubeObject>(
    resource: Resource<U>,
    key: { readonly namespace: string; readonly name: string },
  ): Live<U> | undefined;
  list<U extends KubeObject>(
    resource: Pick<Resource<U>, 'group' | 'plural' | 'object'>,
    namespace?: string,
  ): Iterable<Live<U>>;
  /** Writes an object of another kind along: one commit for both. No admission, no validation: it is the server's own. */
  put<U extends KubeObject>(resource: Resource<U>, object: U): void;
  /** Removes one along; nothing happens when it is not there. */
  remove(resource: Resource, key: { readonly namespace: string; readonly name: string }): void;
  /** Runs when the transaction is thrown away after this point (an error, a full disk): give back what was taken. */
  onRollback(undo: () => void): void;
  readonly dryRun: boolean;
}

/** What a kind that others installed needs besides: its body is read by its schema. */
export interface CustomKind {
  readonly schema: Readonly<JSONSchemaProps>;
  readonly decode: (
    value: unknown,
    validation: FieldValidation,
    text?: string,
  ) => { readonly object: KubeObject; readonly warnings: readonly string[] };
  /** Present: versions are converted by a webhook. Asks it, beforehand and all at once, about what is stored in others. */
  readonly prepare?: () => Promise<void>;
}

/** How objects are kept that are not stored as this kind shows them: in another version, or another group. */
export interface Kept {
  readonly resource: Resource;
  /** A stored object as this kind shows it; the same object where nothing is to be done. Frozen in, shared out. Throws NotLoaded. */
  readonly read: (object: Live<KubeObject>) => Live<KubeObject>;
  /** And back; without: it is only renamed. */
  readonly write?: (object: KubeObject) => KubeObject;
}

/** One of several forms of the same objects: pure functions from what is stored and back. */
export interface KindForm {
  readonly resource: Resource;
  readonly read: (stored: KubeObject) => KubeObject;
  readonly write: (shown: KubeObject) => KubeObject;
}

export interface KindDefinition<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>;
  readonly applyDefaults?: (object: T) => void;
  /** Drops what a client may not set on create (status, …); may add to the warnings. */
  readonly prepareForCreate?: (object: T, warnings?: string[]) => void;
  /** Keeps what this verb may not change (status, …), raises metadata.generation where spec changed. */
  readonly prepareForUpdate?: (object: T, old: Live<T>) => void;
  readonly validate: (object: T) => readonly FieldError[];
  readonly validateUpdate?: (object: T, old: Live<T>) => readonly FieldError[];
  /** Sent as a `Warning: 299` header with every answer about the kind, reads and watches too. */
  readonly deprecation?: string;
  /** Sent as `Warning: 299` headers with what a write answers. */
  readonly warnings?: (object: T, old: Live<T> | undefined) => readonly string[];
  /** Present: the kind has /status. */
  readonly status?: StatusStrategy<T>;
  /** Present: the kind has /approval. */
  readonly approval?: StatusStrategy<T>;
  /** Present: the kind has /ephemeralcontainers. */
  readonly ephemeralcontainers?: StatusStrategy<T>;
  /** Present: the kind has /resize. */
  readonly resize?: StatusStrategy<T>;
  /** Present: the kind has /scale (autoscaling/v1 Scale). */
  readonly scale?: {
    readonly get: (object: Live<T>) => {
      readonly replicas: number;
      readonly statusReplicas: number;
      readonly selector: string;
    };
    readonly set: (object: T, replicas: number) => void;
    /** Where `set` writes, for field ownership; without: spec.replicas. */
    readonly replicasPath?: readonly string[];
  };
  /** After the NAME column and before what the server adds; NAME and AGE are listed here too, in upstream's order. */
  readonly columns: readonly Column<T>[];
  /** Field selectors beyond metadata.name and metadata.namespace, e.g. `spec.nodeName`. */
  readonly fieldSelectors?: Readonly<Record<string, (object: T) => string>>;
  /** Deletion waits for the node agent: seconds of grace asked for when the client names none; undefined: none. */
  readonly graceSeconds?: (object: Live<T>) => number | undefined;
  /** A DELETE that does not say leaves what it owns (upstream's DefaultGarbageCollectionPolicy, for old clients). */
  readonly orphansDependents?: true;
  /** Inside the transaction, last before the write. `object` undefined: deleted. Throws ApiError to refuse. */
  readonly onWrite?: (view: WriteView, object: T | undefined, old: Live<T> | undefined) => void;
  /** How server-side apply merges it, where its schema is not among ours; `versions`: all served apiVersions. */
  readonly merging?: { readonly type: MergeType; readonly versions: readonly string[] };
  /** On the first DELETE, before it is known whether anything holds the object. */
  readonly prepareForDelete?: (object: T) => void;
  /** Present: objects are stored otherwise than shown. */
  readonly kept?: Kept;
  /** Present: all forms of the objects, this one too, for the fields that others own in theirs (views.ts). */
  readonly forms?: readonly KindForm[];
  /** Present: nothing of it is stored; the verbs that it has instead of all. */
  readonly unstored?: readonly string[];
  /** The version that upstream's store has it in, where discovery's hash tells of another than the only one. */
  readonly storageVersion?: string;
  /** Present: made by a CustomResourceDefinition. */
  readonly custom?: CustomKind;
  /** DELETE answers with the object, not a Status, also when it is gone (upstream's ReturnDeletedObject). */
  readonly returnsDeleted?: true;
  /** PUT may create (upstream's AllowCreateOnUpdate). */
  readonly createOnUpdate?: boolean;
  /** PUT without resourceVersion is allowed (upstream's AllowUnconditionalUpdate). */
  readonly unconditionalUpdate?: boolean;
}

/** For the one list of kinds: the server works on KubeObject, each entry on its own T. */
export function defineKind<T extends KubeObject>(definition: KindDefinition<T>): KindDefinition {
  return definition as unknown as KindDefinition;
}
