/**
 * `application/vnd.kubernetes.protobuf` → the object as its JSON would be. kubectl and client-go write built-in kinds so.
 *
 *   "k8s\0" Unknown{ typeMeta{apiVersion, kind}, raw }      raw: the message of that kind
 *
 * Field numbers: messages.ts. Upstream: apimachinery/pkg/runtime/serializer/protobuf.
 */
import { fieldsOf, messageOf } from './messages.ts';
import type { Field, Json } from './messages.ts';
import { wireFields, WireError } from './wire.ts';

export { WireError } from './wire.ts';

const magic = Buffer.from('k8s\0');
const deepest = 100;

/** Throws WireError. */
export function decodeProtobuf(bytes: Buffer): Json {
  if (!bytes.subarray(0, 4).equals(magic)) {
    throw new WireError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  let apiVersion = '';
  let kind = '';
  let raw: Buffer = Buffer.alloc(0);
  for (const { number, value } of wireFields(bytes.subarray(4))) {
    if (number === 1) [apiVersion, kind] = typeMeta(asBytes(value));
    if (number === 2) raw = asBytes(value);
  }
  const message = messageOf(apiVersion, kind);
  // A kind that is not served: its name is enough for the refusal.
  if (message === undefined) return { apiVersion, kind };
  return { apiVersion, kind, ...readMessage(message, raw, 0) };
}

function typeMeta(bytes: Buffer): [apiVersion: string, kind: string] {
  const texts = ['', ''];
  for (const { number, value } of wireFields(bytes)) texts[number - 1] = asBytes(value).toString('utf8');
  return [texts[0] ?? '', texts[1] ?? ''];
}

function readMessage(name: string, bytes: Buffer, depth: number): Json {
  if (depth > deepest) throw new WireError('message nested too deeply');
  const out: Json = {};
  const fields = fieldsOf(name);
  for (const { number, value } of wireFields(bytes)) {
    const field = fields.find((known) => known.number === number);
    if (field !== undefined) readField(out, field, value, depth);
  }
  return out;
}

function readField(out: Json, field: Field, value: bigint | number | Buffer, depth: number): void {
  const { name, type } = field;
  if (field.shape === 'map') {
    const [key, item] = readEntry(type, asBytes(value), depth);
    // A map of the wire may have any key; this one is not data in JavaScript.
    if (key === '__proto__') throw new WireError('the key "__proto__" is not allowed in an object');
    const map = (out[name] ??= {}) as Json;
    map[key] = item;
    return;
  }
  const item = readValue(type, value, depth);
  if (field.inline) Object.assign(out, item);
  else if (field.shape === 'list') ((out[name] ??= []) as unknown[]).push(item);
  else if (item !== undefined && !(field.omit && isScalar(type) && isZero(item))) out[name] = item;
}

function readEntry(type: string, bytes: Buffer, depth: number): [key: string, value: unknown] {
  let key = '';
  let item: unknown;
  for (const { number, value } of wireFields(bytes)) {
    if (number === 1) key = asBytes(value).toString('utf8');
    if (number === 2) item = readValue(type, value, depth);
  }
  return [key, item ?? (type === 'string' || type === 'bytes' ? '' : {})];
}

function isScalar(type: string): boolean {
  return !type.includes('.');
}

function isZero(item: unknown): boolean {
  return item === '' || item === 0 || item === false;
}

function readValue(type: string, value: bigint | number | Buffer, depth: number): unknown {
  switch (type) {
    case 'string':
      return asBytes(value).toString('utf8');
    case 'bytes':
      return asBytes(value).toString('base64');
    case 'bool':
      return asBigint(value) !== 0n;
    case 'int32':
    case 'int64':
      return Number(BigInt.asIntN(64, asBigint(value)));
    case 'uint32':
    case 'uint64':
      return Number(asBigint(value));
    case 'meta.v1.Time':
      return readTime(asBytes(value), 0);
    case 'meta.v1.MicroTime':
      return readTime(asBytes(value), 6);
    case 'api.resource.Quantity':
      return readMessage(type, asBytes(value), depth)['string'] ?? '0';
    case 'util.intstr.IntOrString': {
      const { type: which, intVal, strVal } = readMessage(type, asBytes(value), depth);
      return which === 1 ? (strVal ?? '') : (intVal ?? 0);
    }
    case 'double':
      return asDouble(asBigint(value));
    case 'meta.v1.FieldsV1':
    case 'runtime.RawExtension':
    case 'apiextensions.v1.JSON':
      return rawJson(asBytes(value));
    case 'authorization.v1.ExtraValue':
    case 'authentication.v1.ExtraValue':
    case 'certificates.v1.ExtraValue':
    case 'meta.v1.Verbs':
      return readMessage(type, asBytes(value), depth)['items'] ?? [];
    case 'apiextensions.v1.JSONSchemaPropsOrArray':
    case 'apiextensions.v1.JSONSchemaPropsOrBool':
    case 'apiextensions.v1.JSONSchemaPropsOrStringArray': {
      const { schema, jSONSchemas, property, allows } = readMessage(type, asBytes(value), depth + 1);
      return schema ?? jSONSchemas ?? property ?? allows ?? false;
    }
    default:
      return readMessage(type, asBytes(value), depth + 1);
  }
}

/** The zero time is no time. */
function readTime(bytes: Buffer, digits: 0 | 6): string | undefined {
  if (bytes.length === 0) return undefined;
  let seconds = 0;
  let nanos = 0;
  for (const { number, value } of wireFields(bytes)) {
    if (number === 1) seconds = Number(BigInt.asIntN(64, asBigint(value)));
    if (number === 2) nanos = Number(asBigint(value));
  }
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) throw new WireError('time out of range');
  const text = date.toISOString().slice(0, 19);
  return digits === 0 ? `${text}Z` : `${text}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`;
}

/** A message of one field, which holds the text of JSON. */
function rawJson(bytes: Buffer): unknown {
  try {
    for (const { number, value } of wireFields(bytes)) {
      if (number === 1) return JSON.parse(asBytes(value).toString('utf8')) as unknown;
    }
  } catch (error) {
    if (error instanceof WireError) throw error;
  }
  return undefined;
}

function asDouble(bits: bigint): number {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64LE(bits);
  return bytes.readDoubleLE();
}

function asBytes(value: bigint | number | Buffer): Buffer {
  if (Buffer.isBuffer(value)) return value;
  throw new WireError('wrong wireType');
}

function asBigint(value: bigint | number | Buffer): bigint {
  if (Buffer.isBuffer(value)) throw new WireError('wrong wireType');
  return BigInt(value);
}
