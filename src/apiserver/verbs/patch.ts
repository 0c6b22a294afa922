/**
 * PATCH: the patch is applied inside the write transaction to what is there then, so a patch without resourceVersion never conflicts
 * and one with it conflicts exactly when it should.
 *
 *   Content-Type ─┬─ JSON patch, merge patch, strategic merge patch: current object → patched object
 *                 └─ apply patch: who owns what decides (patch-apply.ts)
 */
import type { FieldValidation } from '../../api/decode.ts';
import { duplicateFields } from '../../api/duplicate-fields.ts';
import { ApiError } from '../../api/errors.ts';
import { invalidField } from '../../api/field-errors.ts';
import { goText, sortedJson } from '../../api/go-text.ts';
import type { KindDefinition } from '../../api/kind.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  unknownOperationFields,
} from '../../api/patch/index.ts';
import { withWebhooks } from '../admission/webhooks/index.ts';
import type { ResourceExchange } from '../context.ts';
import { decodeFor } from '../decode.ts';
import { badRequest, invalid, notFound, unroutedMediaType, unsupportedMediaType } from '../errors.ts';
import { negotiate } from '../http/negotiate.ts';
import { jsonProblem, mediaType, readBody, refuseTraps } from '../http/body.ts';
import { sendRendered } from '../http/respond.ts';
import { warning } from '../http/warnings.ts';
import { managerName } from '../ownership.ts';
import { renderObject } from '../render.ts';
import { parsePatchOptions } from '../write-options.ts';
import { updateObject } from '../write.ts';
import type { UpdateRequest } from '../write.ts';
import { applyPatchType, readApply } from './patch-apply.ts';

/** A patch as it was read. `strictErrors`: what the patch itself says twice or that nobody knows. */
export interface Patch {
  readonly apply: (current: object) => unknown;
  readonly strictErrors: readonly string[];
  /** The value that upstream shows where the result is no object of the kind. */
  readonly shown: (patched: unknown) => string;
}

export async function patch(exchange: ResourceExchange, subresource: UpdateRequest['subresource']): Promise<void> {
  const { server, user, kind, info, query, request } = exchange;
  const type = patchType(exchange);
  const form = negotiate(request, query, kind);
  const { dryRun, validation, force } = parsePatchOptions(query, type === applyPatchType);
  const warnings: string[] = [];
  const common = { by: exchange, dryRun, warnings, subresource };
  const write: UpdateRequest =
    type === applyPatchType
      ? { ...common, ...(await readApply(exchange, subresource, validation, force, warnings)) }
      : { ...common, ...(await readChange(exchange, validation, warnings)) };
  const written = await warning(exchange.response, warnings, () =>
    withWebhooks(server, kind, { user, dryRun, warnings }, (admission) =>
      updateObject(server.store, kind, info, { ...write, admission }),
    ),
  );
  const code = written.outcome === 'created' ? 201 : 200;
  await sendRendered(exchange, code, renderObject(kind, written.stored, form), form, warnings);
}

async function readChange(
  exchange: ResourceExchange,
  validation: FieldValidation,
  warnings: string[],
): Promise<Pick<UpdateRequest, 'ownership' | 'change'>> {
  const { kind, info, query, request } = exchange;
  const read = await readPatch(exchange, kind.resource.schema);
  return {
    ownership: { kind: 'update', manager: managerName(query, request) },
    change: (old) => {
      if (old === undefined) throw notFound(kind.resource, info.name);
      return patched(kind, old, read, validation, warnings);
    },
  };
}

/** What the patch makes must be an object of the kind; upstream says 422 for what is none, with the whole result as its value. */
function patched(
  kind: KindDefinition,
  old: Live<KubeObject>,
  { apply, strictErrors, shown }: Patch,
  validation: FieldValidation,
  warnings: string[],
): KubeObject {
  const value = apply(old);
  const decoded = decodePatched(kind, value, shown);
  if (validation === 'Ignore') return decoded.object;
  const errors = [...strictErrors, ...decoded.warnings];
  if (validation === 'Strict' && errors.length > 0) {
    throw badResult(shown(value), `strict decoding error: ${errors.join(', ')}`);
  }
  warnings.push(...errors);
  return decoded.object;
}

function decodePatched(kind: KindDefinition, value: unknown, shown: Patch['shown']): ReturnType<typeof decodeFor> {
  try {
    return decodeFor(kind, value, 'Warn');
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 400) throw error;
    throw badResult(shown(value), error.message.replace(/^\S+ in version "\S+" cannot be handled as a \S+: /, ''));
  }
}

function badResult(value: string, why: string): ApiError {
  return invalid({ group: '', kind: '' }, '', [invalidField('patch', value, why)]);
}

export function patchType({ request, kind }: ResourceExchange): string {
  const type = mediaType(request);
  // Strategic merge needs Go's struct tags, which a custom resource has not.
  const known = patchTypes.filter((name) => kind.merging === undefined || name !== strategicType);
  // Custom kinds have no routes of their own.
  if (!known.includes(type)) throw kind.merging === undefined ? unroutedMediaType() : unsupportedMediaType(known);
  return type;
}

const strategicType = 'application/strategic-merge-patch+json';
const jsonPatchType = 'application/json-patch+json';
const patchTypes = [jsonPatchType, 'application/merge-patch+json', strategicType, applyPatchType];

function parsePatch(bytes: Buffer): unknown {
  const text = bytes.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest(`error decoding patch: ${jsonProblem(text)}`);
  }
  refuseTraps(value, 0);
  return value;
}

/** `schema`: of the object that is patched. Not for apply. */
export async function readPatch(exchange: ResourceExchange, schema: string): Promise<Patch> {
  const type = patchType(exchange);
  const bytes = await readBody(exchange.request);
  const value = parsePatch(bytes);
  const twice = duplicateFields(bytes.toString('utf8')).map((path) => `duplicate field "${path}"`);
  if (type === jsonPatchType) {
    const strictErrors = [...unknownOperationFields(value), ...twice].map((error) => `json patch ${error}`);
    return { apply: (current) => applyJsonPatch(current, value), strictErrors, shown: sortedJson };
  }
  if (type === strategicType) {
    const apply = (current: object): unknown => applyStrategicMergePatch(schema, current, value);
    return { apply, strictErrors: twice, shown: () => goText(value) };
  }
  return { apply: (current) => applyMergePatch(current, value), strictErrors: twice, shown: sortedJson };
}
