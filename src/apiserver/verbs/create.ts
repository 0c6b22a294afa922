/** POST to a collection. */
import { withWebhooks } from '../admission/webhooks/index.ts';
import type { ResourceExchange } from '../context.ts';
import { negotiate } from '../http/negotiate.ts';
import { bodyFormat, parseBody, readBody } from '../http/body.ts';
import { sendRendered } from '../http/respond.ts';
import { warning } from '../http/warnings.ts';
import { renderObject } from '../render.ts';
import { decodeFor } from '../decode.ts';
import { managerName } from '../ownership.ts';
import { parseWriteOptions } from '../write-options.ts';
import { createObject } from '../write.ts';

export async function create(exchange: ResourceExchange): Promise<void> {
  const { server, kind, info, query, request } = exchange;
  const form = negotiate(request, query, kind);
  const { dryRun, validation } = parseWriteOptions(query, 'CreateOptions');
  const format = bodyFormat(request);
  const bytes = await readBody(request);
  const value = await parseBody(bytes, format, kind.resource.kind);
  const decoded = decodeFor(kind, value, validation, format === 'json' ? bytes.toString('utf8') : undefined);
  const warnings = [...decoded.warnings];
  const ownership = { kind: 'update', manager: managerName(query, request) } as const;
  const options = { by: exchange, dryRun, warnings, ownership };
  const written = await warning(exchange.response, warnings, () =>
    withWebhooks(server, kind, { user: exchange.user, dryRun, warnings }, (admission) =>
      createObject(server.store, kind, info.namespace, decoded.object, { ...options, admission }),
    ),
  );
  await sendRendered(exchange, 201, renderObject(kind, written.stored, form), form, warnings);
}
