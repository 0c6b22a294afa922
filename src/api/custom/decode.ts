/** The body of a custom object: metadata by its type, the rest pruned and defaulted by the schema; what went is told as upstream tells it. */
import { decodeType, DecodeError } from '../decode.ts';
import type { FieldValidation } from '../decode.ts';
import { duplicateFields } from '../duplicate-fields.ts';
import { apiError } from '../errors.ts';
import type { KubeObject } from '../object.ts';
import { groupVersionOf } from '../resources.ts';
import type { Resource } from '../resources.ts';
import { applySchemaDefaults } from './defaults.ts';
import { prune } from './prune.ts';
import { copyJson, isObject } from './schema.ts';
import type { Schema } from './schema.ts';

export function decodeCustom(
  resource: Resource,
  schema: Schema,
  value: unknown,
  validation: FieldValidation,
  text?: string,
): { readonly object: KubeObject; readonly warnings: readonly string[] } {
  const { kind, version } = resource;
  const bad = (why: string): Error =>
    apiError(400, 'BadRequest', `${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
  if (!isObject(value)) throw bad('json: cannot unmarshal non-object into Go value of type map[string]interface {}');
  checkKind(resource, value);
  const { metadata: meta, ...rest } = copyJson(value);
  const metadata = decodeMetadata(meta, bad);
  const object = { ...rest, apiVersion: groupVersionOf(resource), kind };
  const unknown = prune(object, schema).map((path) => `unknown field "${path}"`);
  applySchemaDefaults(object, schema);
  const duplicates = validation === 'Ignore' || text === undefined ? [] : duplicateFields(text);
  const strict = [...metadata.strictErrors, ...unknown, ...duplicates.map((path) => `duplicate field "${path}"`)];
  if (validation === 'Strict' && strict.length > 0) throw bad(`strict decoding error: ${strict.join(', ')}`);
  const { apiVersion, kind: _kind, ...fields } = object;
  return {
    object: { apiVersion, kind, metadata: metadata.object as NonNullable<KubeObject['metadata']>, ...fields },
    warnings: validation === 'Warn' ? strict : [],
  };
}

function decodeMetadata(
  value: unknown,
  bad: (why: string) => Error,
): { readonly object: unknown; readonly strictErrors: readonly string[] } {
  if (value === undefined || value === null) return { object: {}, strictErrors: [] };
  try {
    const { object, strictErrors } = decodeType('ObjectMeta', value);
    return { object, strictErrors: strictErrors.map((error) => error.replace('field "', 'field "metadata.')) };
  } catch (error) {
    if (error instanceof DecodeError) throw bad(error.message);
    throw error;
  }
}

/** Upstream: apiserver pkg/endpoints/handlers/create.go, and the customresource handler's negotiated decoder. */
function checkKind(
  resource: Resource,
  { apiVersion, kind }: { readonly apiVersion?: unknown; readonly kind?: unknown },
): void {
  const want = groupVersionOf(resource);
  if (typeof kind !== 'string' || kind === '' || typeof apiVersion !== 'string' || apiVersion === '') {
    const missing = typeof kind !== 'string' || kind === '' ? 'Kind' : 'apiVersion';
    throw apiError(400, 'BadRequest', `Object '${missing}' is missing in the body of a ${resource.kind}`);
  }
  if (apiVersion !== want) {
    const why = `the API version in the data (${apiVersion}) does not match the expected API version (${want})`;
    throw apiError(400, 'BadRequest', why);
  }
  if (kind !== resource.kind) {
    const why = `converting (${want}.${kind}) to (${want}.${resource.kind}): unknown conversion`;
    throw apiError(
      400,
      'BadRequest',
      `${kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${why}`,
    );
  }
}
