/** DELETE a collection: each object as DELETE would, in one transaction; answers with the list of them. */
import type { ResourceExchange } from '../context.ts';
import { negotiate } from '../http/negotiate.ts';
import { sendJson } from '../http/respond.ts';
import { parseListOptions } from '../list-options.ts';
import { bucketOf } from '../registry.ts';
import { renderList, valueOf } from '../render.ts';
import { parseSelection } from '../selection.ts';
import { deleteIn, readDeleteOptions } from './delete.ts';

export async function deleteCollection(exchange: ResourceExchange): Promise<void> {
  const { server, kind, info, query } = exchange;
  const form = negotiate(exchange.request, query);
  const selection = parseSelection(kind, info, query);
  const { limit } = parseListOptions(query);
  const options = await readDeleteOptions(exchange);
  const items = await server.store.transact(
    (tx) => {
      const chosen = tx
        .list(bucketOf(kind.resource), selection.namespace)
        .filter((item) => selection.matches(valueOf(item)));
      const page = limit > 0 ? chosen.slice(0, limit) : chosen;
      return page.map((item) => deleteIn(tx, kind, item, options).stored);
    },
    { dryRun: options.isDryRun },
  );
  const meta = { resourceVersion: String(server.store.revision) };
  await sendJson(exchange, 200, renderList(kind, items, meta, form));
}
