/**
 * GET a collection: from a snapshot, in pages that all show the same revision, as objects, Table or metadata.
 */
import type { ListMeta } from '../../api/gen/types.ts';
import type { Stored } from '../../store/index.ts';
import { CompactedError } from '../../store/index.ts';
import { apiError, ApiError } from '../../api/errors.ts';
import type { ResourceExchange, Server } from '../context.ts';
import { expired, tooLargeResourceVersion } from '../errors.ts';
import { negotiate } from '../http/negotiate.ts';
import { sendRendered } from '../http/respond.ts';
import { encodeToken, parseListOptions } from '../list-options.ts';
import type { ListOptions } from '../list-options.ts';
import { bucketOf, storedAs } from '../registry.ts';
import { renderList } from '../render.ts';
import { parseSelection } from '../selection.ts';
import type { Selection } from '../selection.ts';

export async function listObjects(exchange: ResourceExchange): Promise<void> {
  const { server, kind, info, query } = exchange;
  const form = negotiate(exchange.request, query, kind, 'list');
  const selection = parseSelection(kind, info, query);
  const options = parseListOptions(query);
  const page = readPage(server, bucketOf(storedAs(kind)), selection, options);
  await sendRendered(exchange, 200, renderList(kind, page.items, page.meta, form), form);
}

function readPage(
  server: Server,
  bucket: string,
  selection: Selection,
  options: ListOptions,
): { readonly items: readonly Stored[]; readonly meta: ListMeta } {
  const { revision, items: all } = snapshotFor(server, bucket, selection, options);
  const meta: ListMeta = { resourceVersion: String(revision) };
  const items: Stored[] = [];
  for (let index = firstFrom(all, options.continueFrom?.start ?? ''); index < all.length; index++) {
    const item = all[index];
    if (item === undefined) break;
    if (selection.filtered && !selection.matches(item)) continue;
    if (options.limit > 0 && items.length === options.limit) {
      meta.continue = encodeToken({ revision, start: keyOf(item) });
      // Upstream does not count what a selector would leave out.
      if (!selection.filtered) meta.remainingItemCount = all.length - index;
      break;
    }
    items.push(item);
  }
  return { items, meta };
}

function snapshotFor(
  server: Server,
  bucket: string,
  selection: Selection,
  options: ListOptions,
): { readonly revision: number; readonly items: readonly Stored[] } {
  const { store } = server;
  const { namespace } = selection;
  const token = options.continueFrom;
  const asked = token === undefined ? options.resourceVersion : Math.max(0, token.revision);
  if (asked > store.revision) throw tooLargeResourceVersion(asked, store.revision);
  // Before resourceVersionMatch there was: a limit with a revision means exactly that revision.
  const exact = token !== undefined || options.match === 'Exact' || (options.limit > 0 && options.match === '');
  const within = namespace === undefined ? {} : { namespace };
  if (!exact || asked === 0) return store.snapshot(bucket, within);
  try {
    return store.snapshot(bucket, { ...within, revision: asked });
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
    throw token === undefined
      ? expired('The resourceVersion for the provided list is too old.')
      : expiredToken(token.start);
  }
}

/** Index of the first item that is not before `start`; they are in the order of their keys. */
function firstFrom(items: readonly Stored[], start: string): number {
  let low = 0;
  let high = start === '' ? 0 : items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && keyOf(item) < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

function keyOf(item: Stored): string {
  return `${item.namespace}/${item.name}`;
}

/** The Status carries a token that goes on in the present, for those who prefer that to starting again. */
function expiredToken(start: string): ApiError {
  const text =
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';
  const { status } = apiError(410, 'Expired', text);
  return new ApiError({ ...status, metadata: { continue: encodeToken({ revision: -1, start }) } });
}
