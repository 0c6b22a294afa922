/**
 * PATCH: the patch is applied inside the write transaction to what is there then, so a patch without resourceVersion never conflicts
 * and one with it conflicts exactly when it should.
 */
import { decodeBody } from '../../api/decode.ts';
import type { FieldValidation } from '../../api/decode.ts';
import type { KindDefinition } from '../../api/kind.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import { applyJsonPatch, applyMergePatch, applyStrategicMergePatch } from '../../api/patch/index.ts';
import type { ResourceExchange } from '../context.ts';
import { notFound, unsupportedMediaType } from '../errors.ts';
import { negotiate } from '../http/negotiate.ts';
import { mediaType, parseBody, readBody } from '../http/body.ts';
import { sendJson } from '../http/respond.ts';
import { renderObject } from '../render.ts';
import { parseDryRun, parseFieldValidation } from '../write-options.ts';
import { updateObject } from '../write.ts';
import type { UpdateRequest } from '../write.ts';

export type Patcher = (current: Live<KubeObject>) => unknown;

export async function patch(exchange: ResourceExchange, subresource: UpdateRequest['subresource']): Promise<void> {
  const { server, kind, info, query } = exchange;
  const form = negotiate(exchange.request, query);
  const dryRun = parseDryRun(query.getAll('dryRun'), 'PatchOptions');
  const validation = parseFieldValidation(query.get('fieldValidation'), 'PatchOptions');
  const patcher = await readPatch(exchange, kind.resource.schema);
  const warnings: string[] = [];
  const written = await updateObject(server.store, kind, info, {
    by: exchange,
    dryRun,
    warnings,
    subresource,
    change: (old) => {
      if (old === undefined) throw notFound(kind.resource, info.name);
      return patched(kind, old, patcher, validation, warnings);
    },
  });
  await sendJson(exchange, 200, renderObject(kind, written.stored, form), [...new Set(warnings)]);
}

function patched(
  kind: KindDefinition,
  old: Live<KubeObject>,
  patcher: Patcher,
  validation: FieldValidation,
  warnings: string[],
): KubeObject {
  const decoded = decodeBody(kind.resource, patcher(old), validation);
  warnings.push(...decoded.warnings);
  return decoded.object;
}

/** Reads the body and picks the engine by Content-Type. `schema`: of the object that is patched. */
export async function readPatch(exchange: ResourceExchange, schema: string): Promise<Patcher> {
  const type = mediaType(exchange.request);
  const engine = engines[type];
  if (engine === undefined) throw unsupportedMediaType(Object.keys(engines));
  const value = await parseBody(await readBody(exchange.request), 'json', exchange.kind.resource.kind);
  return (current) => engine(schema, current, value);
}

const engines: Readonly<Record<string, (schema: string, current: unknown, patch: unknown) => unknown>> = {
  'application/json-patch+json': (_schema, current, value) => applyJsonPatch(current, value),
  'application/merge-patch+json': (_schema, current, value) => applyMergePatch(current, value),
  'application/strategic-merge-patch+json': applyStrategicMergePatch,
};
