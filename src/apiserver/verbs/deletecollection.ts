/** DELETE a collection: each object as DELETE would, in one transaction; answers with the list of them. */
import { isReason } from '../../api/errors.ts';
import type { Reader, Stored } from '../../store/index.ts';
import { noPolicies } from '../admission/policies/index.ts';
import { noWebhooks, withWebhooks } from '../admission/webhooks/index.ts';
import type { ResourceExchange } from '../context.ts';
import { negotiate } from '../http/negotiate.ts';
import { sendRendered } from '../http/respond.ts';
import { addWarnings } from '../http/warnings.ts';
import { parseListOptions } from '../list-options.ts';
import { bucketOf, storedAs } from '../registry.ts';
import { renderList } from '../render.ts';
import { parseSelection } from '../selection.ts';
import type { Written } from '../write.ts';
import { deleteIn, deleteObject, readDeleteOptions } from './delete.ts';

export async function deleteCollection(exchange: ResourceExchange): Promise<void> {
  const { server, kind, info, query } = exchange;
  const form = negotiate(exchange.request, query, kind);
  const selection = parseSelection(kind, info, query);
  const { limit } = parseListOptions(query);
  const options = await readDeleteOptions(exchange);
  const warnings: string[] = [];
  const asking = { user: exchange.user, dryRun: options.isDryRun, warnings };
  const chosen = (tx: Reader): readonly Stored[] => {
    const all = tx.list(bucketOf(storedAs(kind)), selection.namespace).filter((item) => selection.matches(item));
    return limit > 0 ? all.slice(0, limit) : all;
  };
  const items =
    noWebhooks(server.store) && noPolicies(server.store)
      ? await server.store.transact((tx) => chosen(tx).map((item) => deleteIn(tx, kind, item, options).stored), {
          dryRun: options.isDryRun,
        })
      : await deleteEach(chosen(server.store), (item) =>
          withWebhooks(server, kind, asking, (admission) =>
            deleteObject(server.store, kind, item, { ...options, admission }),
          ),
        );
  addWarnings(exchange.response, warnings);
  const meta = { resourceVersion: String(server.store.revision) };
  await sendRendered(exchange, 200, renderList(kind, items, meta, form), form);
}

/** One by one: each may be refused by somebody. What is gone already is fine. */
async function deleteEach(items: readonly Stored[], remove: (item: Stored) => Promise<Written>): Promise<Stored[]> {
  const removed: Stored[] = [];
  for (const item of items) {
    try {
      removed.push((await remove(item)).stored);
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
  return removed;
}
