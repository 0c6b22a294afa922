/** PUT an object, or its status. */
import type { KubeObject, Live } from '../../api/object.ts';
import { withWebhooks } from '../admission/webhooks/index.ts';
import type { ResourceExchange } from '../context.ts';
import { negotiate } from '../http/negotiate.ts';
import { bodyFormat, parseBody, readBody } from '../http/body.ts';
import { sendRendered } from '../http/respond.ts';
import { warning } from '../http/warnings.ts';
import { checkName, checkNamespace, draftOf } from '../object-meta.ts';
import { renderObject } from '../render.ts';
import { decodeFor } from '../decode.ts';
import { managerName } from '../ownership.ts';
import { parseWriteOptions } from '../write-options.ts';
import { updateObject } from '../write.ts';
import type { UpdateRequest } from '../write.ts';

export async function update(exchange: ResourceExchange, subresource: UpdateRequest['subresource']): Promise<void> {
  const { server, kind, info, query, request } = exchange;
  const form = negotiate(request, query, kind);
  const { dryRun, validation } = parseWriteOptions(query, 'UpdateOptions');
  const format = bodyFormat(request);
  const bytes = await readBody(request);
  const value = await parseBody(bytes, format, kind.resource.kind);
  const decoded = decodeFor(kind, value, validation, format === 'json' ? bytes.toString('utf8') : undefined);
  const { metadata } = draftOf(decoded.object);
  checkNamespace(kind.resource, metadata, info.namespace);
  checkName(metadata, info.name);
  const warnings = [...decoded.warnings];
  const asking = { user: exchange.user, dryRun, warnings };
  const written = await warning(exchange.response, warnings, () =>
    withWebhooks(server, kind, asking, (admission) =>
      updateObject(server.store, kind, info, {
        by: exchange,
        dryRun,
        admission,
        warnings,
        ownership: { kind: 'update', manager: managerName(query, request) },
        subresource,
        uid: metadata.uid,
        change: (old) =>
          subresource === 'finalize' && old !== undefined ? finalized(old, decoded.object) : decoded.object,
      }),
    ),
  );
  const code = written.outcome === 'created' ? 201 : 200;
  await sendRendered(exchange, code, renderObject(kind, written.stored, form), form, warnings);
}

/** /finalize carries a whole object and changes nothing but its spec (where a namespace's finalizers are). */
function finalized(old: Live<KubeObject>, body: KubeObject): KubeObject {
  const { spec } = body as { readonly spec?: unknown };
  const resourceVersion = body.metadata?.resourceVersion ?? old.metadata.resourceVersion;
  return { ...old, metadata: { ...old.metadata, resourceVersion }, spec } as KubeObject;
}
