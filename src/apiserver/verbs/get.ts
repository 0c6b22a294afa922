/** GET one object. */
import type { ResourceExchange } from '../context.ts';
import { badRequest, notFound, tooLargeResourceVersion } from '../errors.ts';
import { negotiate } from '../http/negotiate.ts';
import { sendRendered } from '../http/respond.ts';
import { parseResourceVersion } from '../list-options.ts';
import { storedAs } from '../registry.ts';
import { renderObject } from '../render.ts';
import { slotOf } from '../write.ts';

export async function getObject(exchange: ResourceExchange): Promise<void> {
  const { server, kind, info } = exchange;
  const form = negotiate(exchange.request, exchange.query, kind);
  const minimum = parseResourceVersion(exchange.query.get('resourceVersion'), badRequest);
  if (minimum > server.store.revision) throw tooLargeResourceVersion(minimum, server.store.revision);
  const found = server.store.get(slotOf(storedAs(kind), info));
  if (found === undefined) throw notFound(kind.resource, info.name);
  await sendRendered(exchange, 200, renderObject(kind, found, form), form);
}
