/** A store transaction as the kinds see it: typed by Resource, values instead of versions. */
import type { WriteView } from '../api/kind.ts';
import type { KubeObject, Live } from '../api/object.ts';
import type { Resource } from '../api/resources.ts';
import type { Tx } from '../store/index.ts';
import { bucketOf } from './registry.ts';

export function transactionView(tx: Tx, dryRun: boolean): WriteView {
  return {
    dryRun,
    get<U extends KubeObject>(resource: Resource<U>, key: { namespace: string; name: string }): Live<U> | undefined {
      const found = tx.get({ resource: bucketOf(resource), namespace: key.namespace, name: key.name });
      return found?.value as Live<U> | undefined;
    },
    *list<U extends KubeObject>(resource: Resource<U>, namespace?: string): Iterable<Live<U>> {
      for (const item of tx.list(bucketOf(resource), namespace)) yield item.value as Live<U>;
    },
    onRollback: (undo) => tx.onRollback(undo),
  };
}
