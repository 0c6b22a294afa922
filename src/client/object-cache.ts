/**
 * What an informer holds: objects by namespace and name, and the one place where a change is judged to be one.
 *
 *   apply(event)      one watch event
 *   replace(objects)  a new list: the net difference
 *
 * An object deleted and made again under its name (another uid) is a delete and an add, never an update.
 */
import type { KubeObject, Live, ObjectKey } from '../api/object.ts';
import type { InformerHandler, WatchEvent } from './types.ts';

export interface ObjectCache<T extends KubeObject> {
  readonly get: (key: ObjectKey) => Live<T> | undefined;
  readonly list: (namespace?: string) => Iterable<Live<T>>;
  readonly apply: (event: Extract<WatchEvent<T>, { type: 'ADDED' | 'MODIFIED' | 'DELETED' }>) => void;
  /** What is kept of an object that came from the server. */
  readonly shrink: (received: Live<T>) => Live<T>;
  /** With objects that were shrunk. */
  readonly replace: (objects: readonly Live<T>[]) => void;
}

export function createObjectCache<T extends KubeObject>(
  transform: ((object: Live<T>) => Live<T>) | undefined,
  changed: InformerHandler<T>,
): ObjectCache<T> {
  const namespaces = new Map<string, Map<string, Live<T>>>();

  const shrink = (received: Live<T>): Live<T> => {
    if (received.metadata.managedFields !== undefined) delete received.metadata.managedFields;
    return transform === undefined ? received : transform(received);
  };

  const put = (object: Live<T>): void => {
    const { namespace = '', name, uid, resourceVersion } = object.metadata;
    let objects = namespaces.get(namespace);
    if (objects === undefined) namespaces.set(namespace, (objects = new Map<string, Live<T>>()));
    const old = objects.get(name);
    if (old?.metadata.uid === uid && old.metadata.resourceVersion === resourceVersion) return;
    objects.set(name, object);
    if (old !== undefined && old.metadata.uid !== uid) {
      changed(undefined, old);
      changed(object, undefined);
    } else changed(object, old);
  };

  const remove = (namespace: string, name: string, last?: Live<T>): void => {
    const objects = namespaces.get(namespace);
    const old = objects?.get(name);
    if (objects === undefined || old === undefined) return;
    objects.delete(name);
    if (objects.size === 0) namespaces.delete(namespace);
    // The event carries the state at deletion; after a gap there is only what we held.
    changed(undefined, last ?? old);
  };

  const removeAbsent = (objects: readonly Live<T>[]): void => {
    const present = new Set(objects.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`));
    for (const [namespace, held] of [...namespaces]) {
      for (const name of [...held.keys()]) if (!present.has(`${namespace}/${name}`)) remove(namespace, name);
    }
  };

  return {
    get: (key) => namespaces.get(key.namespace)?.get(key.name),
    *list(namespace) {
      if (namespace !== undefined) yield* namespaces.get(namespace)?.values() ?? [];
      else for (const objects of namespaces.values()) yield* objects.values();
    },
    apply(event) {
      if (event.type !== 'DELETED') {
        put(shrink(event.object));
        return;
      }
      const { namespace = '', name, uid } = event.object.metadata;
      const held = namespaces.get(namespace)?.get(name);
      if (held?.metadata.uid !== uid) return;
      remove(namespace, name, shrink(event.object));
    },
    shrink,
    replace(objects) {
      if (namespaces.size > 0) removeAbsent(objects);
      for (const object of objects) put(object);
    },
  };
}
