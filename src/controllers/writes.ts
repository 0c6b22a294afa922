/**
 * What a planning function answers: the calls to make, as data. `applyWrites` makes them, in order.
 *
 *   plan(objects) ─> Write[] ─> applyWrites ─> API server, and the view of the kind remembers the result
 */
import { ApiError, isReason } from '../api/errors.ts';
import { keyOf } from '../api/object.ts';
import type { KubeObject, Live, ObjectKey } from '../api/object.ts';
import type { DeleteOptions } from '../api/gen/types.ts';
import type { Resource } from '../api/resources.ts';
import type { Client, EventRecorder, EventType, PatchKind } from '../client/index.ts';
import type { Views } from './views.ts';

export type Write =
  | { readonly verb: 'create'; readonly resource: Resource; readonly object: KubeObject; readonly subresource?: string }
  | { readonly verb: 'update'; readonly resource: Resource; readonly object: KubeObject; readonly subresource?: string }
  | {
      readonly verb: 'patch';
      readonly resource: Resource;
      readonly key: ObjectKey;
      readonly kind: PatchKind;
      readonly patch: unknown;
      readonly subresource?: string;
    }
  | {
      readonly verb: 'delete';
      readonly resource: Resource;
      readonly key: ObjectKey;
      readonly options?: DeleteOptions;
    }
  | {
      readonly verb: 'event';
      readonly about: KubeObject;
      readonly type: EventType;
      readonly reason: string;
      readonly message: string;
    };

export function create<T extends KubeObject>(resource: Resource<T>, object: T): Write {
  return { verb: 'create', resource, object };
}

export function update<T extends KubeObject>(resource: Resource<T>, object: T, subresource?: string): Write {
  return { verb: 'update', resource, object, ...(subresource === undefined ? {} : { subresource }) };
}

export function mergePatch<T extends KubeObject>(
  resource: Resource<T>,
  key: ObjectKey,
  patch: unknown,
  subresource?: string,
): Write {
  return { verb: 'patch', resource, key, kind: 'merge', patch, ...(subresource === undefined ? {} : { subresource }) };
}

export function strategicPatch<T extends KubeObject>(
  resource: Resource<T>,
  key: ObjectKey,
  patch: unknown,
  subresource?: string,
): Write {
  const more = subresource === undefined ? {} : { subresource };
  return { verb: 'patch', resource, key, kind: 'strategic', patch, ...more };
}

/** Deletes this very object, not one that was made again under its name. */
export function remove<T extends KubeObject>(resource: Resource<T>, object: Live<T>, options?: DeleteOptions): Write {
  const preconditions = { uid: object.metadata.uid, ...options?.preconditions };
  return { verb: 'delete', resource, key: keyOf(object), options: { ...options, preconditions } };
}

export function event(about: KubeObject, type: EventType, reason: string, message: string): Write {
  return { verb: 'event', about, type, reason, message };
}

export interface Writer {
  readonly client: Client;
  readonly views: Views;
  readonly recorder: EventRecorder;
}

/** Stops at the first error, which the work queue answers with a new plan. */
export async function applyWrites(writer: Writer, writes: readonly Write[]): Promise<void> {
  for (const write of writes) await applyWrite(writer, write);
}

/** The object as the server has it now; undefined: deleted, gone already, or refused because its namespace is going. */
export async function applyWrite(writer: Writer, write: Write): Promise<Live<KubeObject> | undefined> {
  const { client, views } = writer;
  switch (write.verb) {
    case 'event':
      writer.recorder.event(write.about, write.type, write.reason, write.message);
      return undefined;
    case 'delete':
      try {
        await client.delete(write.resource, write.key, write.options);
        views.of(write.resource).removed(write.key);
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
      return undefined;
    case 'create':
      try {
        return noted(writer, write, await client.create(write.resource, write.object, subresourceOf(write)));
      } catch (error) {
        if (isNamespaceTerminating(error)) return undefined;
        throw error;
      }
    case 'update':
      return noted(writer, write, await client.update(write.resource, write.object, subresourceOf(write)));
    case 'patch': {
      const { resource, key, kind, patch } = write;
      return noted(writer, write, await client.patch(resource, key, kind, patch, subresourceOf(write)));
    }
  }
}

/** Nothing new may be made in a namespace that is being deleted: an end, not an error. */
export function isNamespaceTerminating(error: unknown): boolean {
  if (!(error instanceof ApiError) || error.code !== 403) return false;
  return error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') === true;
}

function noted(
  { views }: Writer,
  write: { readonly resource: Resource; readonly subresource?: string },
  object: Live<KubeObject>,
): Live<KubeObject> {
  // A binding or a scale answers with something else than the object.
  if (write.subresource === undefined || write.subresource === 'status') views.of(write.resource).wrote(object);
  return object;
}

function subresourceOf(write: { readonly subresource?: string }): { readonly subresource?: string } {
  return write.subresource === undefined ? {} : { subresource: write.subresource };
}
