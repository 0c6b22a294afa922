/**
 * What happens to definitions without anyone asking: a deleted one takes its objects with it, and frees names that others wait for.
 *
 *   definition changed ─> kinds compiled again (watches of the old form end)
 *                      ─> deleted: its objects are deleted; none left: the finalizer goes
 *                      ─> gone: others of its group may have their names now
 *
 * Upstream: apiextensions-apiserver pkg/controller/finalizer/crd_finalizer.go and pkg/controller/status/naming_controller.go.
 */
import type { CustomResourceDefinition } from '../../api/gen/types.ts';
import { acceptNames, cleanupFinalizer, hasCondition, setCondition } from '../../api/custom/index.ts';
import type { KindDefinition } from '../../api/kind.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import type { Tx } from '../../store/index.ts';
import { log } from '../../util/log.ts';
import { ensureApiServices } from '../api-services.ts';
import type { Server } from '../context.ts';
import { clone } from '../../api/clone.ts';
import { bucketOf } from '../registry.ts';
import { deleteIn } from '../verbs/delete.ts';
import { updateIn } from '../write.ts';
import { bucketOfDefinition } from './kinds.ts';

type Definition = Live<CustomResourceDefinition>;
const definitions = resources.customResourceDefinitions;

/** Until the server stops. */
export function keepDefinitions(server: Server): void {
  const { store, stopping } = server;
  const bucket = bucketOf(definitions);
  let wake = Promise.withResolvers<undefined>();
  const rouse = (): void => wake.resolve(undefined);
  const cursor = store.watch(bucket, store.revision, rouse);
  const waits = new Map<string, { close(): void }>();
  stopping.addEventListener('abort', () => {
    cursor.close();
    for (const wait of waits.values()) wait.close();
    rouse();
  });
  const run = async (): Promise<void> => {
    for (;;) {
      await step(server, waits, rouse);
      while (cursor.read(100).length > 0);
      await wake.promise;
      if (stopping.aborted) return;
      wake = Promise.withResolvers<undefined>();
      while (cursor.read(100).length > 0);
    }
  };
  run().catch((error: unknown) => {
    if (!stopping.aborted) log('apiserver').error({ error: String(error) }, 'definitions are no longer kept');
  });
}

async function step(server: Server, waits: Map<string, { close(): void }>, rouse: () => void): Promise<void> {
  const { store, registry } = server;
  registry.custom?.all();
  const kind = registry.find(definitions.group, definitions.version, definitions.plural);
  if (kind === undefined) return;
  await store.transact((tx) => ensureApiServices(tx, registry));
  for (const item of store.list(bucketOf(definitions))) {
    const definition = item.value as Definition;
    if (definition.metadata.deletionTimestamp !== undefined) {
      const left = await removeObjects(server, kind, definition);
      if (left === 0) {
        waits.get(item.name)?.close();
        waits.delete(item.name);
      } else if (!waits.has(item.name))
        waits.set(item.name, store.watch(bucketOfDefinition(definition), store.revision, rouse));
    } else if (!hasCondition(definition, 'NamesAccepted')) {
      await store.transact((tx) => touch(tx, kind, item.name, (draft) => rename(tx, draft)));
    }
  }
}

/** How many are held back by finalizers of their own. */
function removeObjects(server: Server, kind: KindDefinition, definition: Definition): Promise<number> {
  const { store, registry } = server;
  const { group, names, versions } = definition.spec;
  return store.transact((tx) => {
    const own = versions.map(({ name }) => registry.find(group, name, names.plural)).find((one) => one !== undefined);
    const bucket = bucketOfDefinition(definition);
    for (const item of tx.list(bucket)) {
      if (own === undefined) tx.delete({ resource: bucket, namespace: item.namespace, name: item.name });
      else deleteIn(tx, own, item, { isDryRun: false });
    }
    const left = tx.list(bucket).length;
    touch(tx, kind, definition.metadata.name, (draft) => {
      if (left === 0) {
        const rest = (draft.metadata.finalizers ?? []).filter((name) => name !== cleanupFinalizer);
        if (rest.length > 0) draft.metadata.finalizers = rest;
        else delete draft.metadata.finalizers;
      }
      setCondition(
        draft,
        left === 0
          ? {
              type: 'Terminating',
              status: 'False',
              reason: 'InstanceDeletionCompleted',
              message: 'removed all instances',
            }
          : {
              type: 'Terminating',
              status: 'True',
              reason: 'InstanceDeletionInProgress',
              message: 'CustomResource deletion is in progress',
            },
      );
      return draft;
    });
    return left;
  });
}

function rename(tx: Tx, draft: Definition): Definition {
  const others = tx
    .list(bucketOf(definitions))
    .map((item) => item.value as Definition)
    .filter(({ spec, metadata }) => spec.group === draft.spec.group && metadata.name !== draft.metadata.name);
  acceptNames(draft, others);
  return draft;
}

function touch(tx: Tx, kind: KindDefinition, name: string, change: (draft: Definition) => Definition): void {
  updateIn(
    tx,
    kind,
    { namespace: '', name },
    {
      dryRun: false,
      warnings: [],
      ownership: { kind: 'kept' },
      subresource: 'finalize',
      change: (old) => change(clone(old) as unknown as Definition),
    },
  );
}
