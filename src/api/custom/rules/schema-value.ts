/** JSON of a schema → what expressions compute with. Upstream: apiserver/pkg/cel/common/valuesunstructured.go. */
import { CelMap, Duration, EvalError, listTypes, Struct, Timestamp } from '../../cel/index.ts';
import type { Value } from '../../cel/index.ts';
import { parseDuration, parseTimestamp } from '../../cel/time.ts';
import { isEmbedded, isObject, itemsOf, valuesOf } from '../schema.ts';
import type { Json, Schema } from '../schema.ts';
import { escapeField } from './escape.ts';
import { withObjectMeta } from './schema-type.ts';

export function schemaValue(json: unknown, schema: Schema, root: boolean): Value {
  if (json === null || json === undefined) return null;
  if (schema['x-kubernetes-int-or-string'] === true) return intOrString(json);
  const whole = root ? withObjectMeta(schema) : schema;
  if (whole.type === 'array' && Array.isArray(json)) return listValue(json, whole);
  if (whole.type === 'object' && isObject(json)) return objectValue(json, whole);
  if (typeof json === 'string') return textValue(json, whole.format);
  if (typeof json === 'number') return whole.type === 'integer' && Number.isInteger(json) ? BigInt(json) : json;
  if (typeof json === 'boolean') return json;
  throw new EvalError(`invalid data, got null for schema with nullable=false`);
}

function intOrString(json: unknown): Value {
  if (typeof json === 'number' && Number.isInteger(json)) return BigInt(json);
  if (typeof json === 'string') return json;
  throw new EvalError('invalid data, expected XIntOrString value to be either a string or integer');
}

function listValue(json: readonly unknown[], schema: Schema): readonly Value[] {
  const items = itemsOf(schema);
  if (items === undefined) return [];
  const list = json.map((item) => schemaValue(item, items, isEmbedded(items)));
  const type = schema['x-kubernetes-list-type'];
  if (type === 'set' || type === 'map') {
    const keys = (schema['x-kubernetes-list-map-keys'] ?? []).map((key) => escapeField(key) ?? key);
    listTypes.set(list, { type, keys });
  }
  return list;
}

function objectValue(json: Json, schema: Schema): Value {
  const values = valuesOf(schema);
  if (values !== undefined) {
    return CelMap.of(Object.entries(json).map(([key, item]) => [key, schemaValue(item, values, isEmbedded(values))]));
  }
  const fields = new Map<string, () => Value>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const escaped = Object.hasOwn(json, name) ? escapeField(name) : undefined;
    if (escaped !== undefined) fields.set(escaped, () => schemaValue(json[name], property, isEmbedded(property)));
  }
  return new Struct('object', fields);
}

function textValue(text: string, format: string | undefined): Value {
  switch (format) {
    case 'byte':
      return new Uint8Array(Buffer.from(text, 'base64'));
    case 'duration': {
      const nanos = parseDuration(text);
      if (nanos === undefined) throw new EvalError(`invalid duration ${JSON.stringify(text)}`);
      return new Duration(nanos);
    }
    case 'date':
    case 'date-time': {
      const nanos = parseTimestamp(format === 'date' ? `${text}T00:00:00Z` : text);
      if (nanos === undefined) throw new EvalError(`parsing time ${JSON.stringify(text)}`);
      return new Timestamp(nanos);
    }
    default:
      return text;
  }
}
