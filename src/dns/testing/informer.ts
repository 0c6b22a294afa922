/** An informer whose server is the test: `set` and `delete` are the watch events. */
import type { KubeObject, Live, ObjectKey } from '../../api/object.ts';
import { keyOf, keyText } from '../../api/object.ts';
import type { Informer, InformerHandler } from '../../client/index.ts';

export interface TestInformer<T extends KubeObject> extends Informer<T> {
  set(object: T): void;
  delete(key: ObjectKey): void;
  finishSync(): void;
}

let revision = 0;

export function testInformer<T extends KubeObject>(objects: readonly T[] = [], syncedAtOnce = true): TestInformer<T> {
  const held = new Map<string, Live<T>>();
  const handlers: InformerHandler<T>[] = [];
  const { promise: synced, resolve } = Promise.withResolvers<void>();
  const informer = {
    get: (key: ObjectKey) => held.get(keyText(key)),
    *list(namespace?: string) {
      for (const object of held.values()) {
        if (namespace === undefined || object.metadata.namespace === namespace) yield object;
      }
    },
    onChange(handler: InformerHandler<T>) {
      handlers.push(handler);
      for (const object of held.values()) handler(object, undefined);
    },
    synced,
    hasSynced: false,
    set(object: T) {
      const key = keyText(keyOf(object));
      const old = held.get(key);
      const live = liveOf(object);
      held.set(key, live);
      for (const handler of handlers) handler(live, old);
    },
    delete(key: ObjectKey) {
      const old = held.get(keyText(key));
      if (old === undefined) throw new Error(`no object ${keyText(key)}`);
      held.delete(keyText(key));
      for (const handler of handlers) handler(undefined, old);
    },
    finishSync() {
      informer.hasSynced = true;
      resolve();
    },
  };
  for (const object of objects) informer.set(object);
  if (syncedAtOnce) informer.finishSync();
  return informer;
}

function liveOf<T extends KubeObject>(object: T): Live<T> {
  revision += 1;
  const metadata = {
    name: '',
    uid: `uid-${revision}`,
    resourceVersion: String(revision),
    creationTimestamp: '',
    ...object.metadata,
  };
  return { ...object, metadata };
}
