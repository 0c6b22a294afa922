/** A store transaction as the kinds see it: typed by Resource, values instead of versions. */
import type { WriteView } from '../api/kind.ts';
import type { KubeObject, Live } from '../api/object.ts';
import type { Resource } from '../api/resources.ts';
import type { Stored, Tx } from '../store/index.ts';
import { draftOf, fillForCreate, normalized } from './object-meta.ts';
import { bucketOf } from './registry.ts';

export function transactionView(tx: Tx, dryRun: boolean): WriteView {
  return {
    dryRun,
    get<U extends KubeObject>(resource: Resource<U>, key: { namespace: string; name: string }): Live<U> | undefined {
      const found = tx.get({ resource: bucketOf(resource), namespace: key.namespace, name: key.name });
      return found?.value as Live<U> | undefined;
    },
    list<U extends KubeObject>(
      resource: Pick<Resource<U>, 'group' | 'plural' | 'object'>,
      namespace?: string,
    ): Iterable<Live<U>> {
      const items = tx.list(bucketOf(resource), namespace);
      return items.length === 0 ? [] : valuesOf(items);
    },
    put<U extends KubeObject>(resource: Resource<U>, object: U): void {
      const draft = draftOf(object);
      const { namespace = '', name = '' } = draft.metadata;
      const slot = { resource: bucketOf(resource), namespace, name };
      if (tx.get(slot) === undefined) fillForCreate(draft.metadata, () => false);
      tx.put(slot, normalized(resource, draft));
    },
    remove(resource, key) {
      tx.delete({ resource: bucketOf(resource), namespace: key.namespace, name: key.name });
    },
    onRollback: (undo) => tx.onRollback(undo),
  };
}

function* valuesOf<U extends KubeObject>(items: readonly Stored[]): Generator<Live<U>> {
  for (const item of items) yield item.value as Live<U>;
}
