/**
 * `application/vnd.kubernetes.protobuf` → the object as its JSON would be. kubectl and client-go write built-in kinds so.
 *
 *   "k8s\0" Unknown{ typeMeta{apiVersion, kind}, raw }      raw: the message of that kind
 *
 * Field numbers: fields.json (see scripts/generate-protobuf-fields.ts). Upstream: apimachinery/pkg/runtime/serializer/protobuf.
 */
import { readFileSync } from 'node:fs';
import { wireFields, WireError } from './wire.ts';

export { WireError } from './wire.ts';

const magic = Buffer.from('k8s\0');
const deepest = 100;

interface Field {
  readonly name: string;
  readonly type: string;
  readonly flags: readonly string[];
}

type Message = ReadonlyMap<number, Field>;
type Json = Record<string, unknown>;

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

let table: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
const parsed = new Map<string, Message>();

/** `apps/v1`, `Deployment` → apps.v1.Deployment. Options have the version of what they are for. */
function messageOf(apiVersion: string, kind: string): string | undefined {
  if (kind === 'DeleteOptions') return 'meta.v1.DeleteOptions';
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? 'core' : (apiVersion.slice(0, slash).split('.')[0] ?? '');
  const name = `${group}.${apiVersion.slice(slash + 1)}.${kind}`;
  return Object.hasOwn(load(), name) ? name : undefined;
}

function load(): NonNullable<typeof table> {
  table ??= JSON.parse(readFileSync(new URL('fields.json', import.meta.url), 'utf8')) as NonNullable<typeof table>;
  return table;
}

function fieldsOf(name: string): Message {
  let message = parsed.get(name);
  if (message === undefined) {
    const entries = Object.entries(load()[name] ?? {}).map(([number, text]): [number, Field] => {
      const [fieldName = '', type = '', ...flags] = text.split(' ');
      return [Number(number), { name: fieldName, type, flags }];
    });
    parsed.set(name, (message = new Map(entries)));
  }
  return message;
}

function readMessage(name: string, bytes: Buffer, depth: number): Json {
  if (depth > deepest) throw new WireError('message nested too deeply');
  const out: Json = {};
  const fields = fieldsOf(name);
  for (const { number, value } of wireFields(bytes)) {
    const field = fields.get(number);
    if (field !== undefined) readField(out, field, value, depth);
  }
  return out;
}

function readField(out: Json, field: Field, value: bigint | number | Buffer, depth: number): void {
  const { name, type, flags } = field;
  if (flags.includes('map')) {
    const [key, item] = readEntry(type, asBytes(value), depth);
    // A map of the wire may have any key; this one is not data in JavaScript.
    if (key === '__proto__') throw new WireError('the key "__proto__" is not allowed in an object');
    const map = (out[name] ??= {}) as Json;
    map[key] = item;
    return;
  }
  const item = readValue(type, value, depth);
  if (flags.includes('inline')) Object.assign(out, item);
  else if (flags.includes('list')) ((out[name] ??= []) as unknown[]).push(item);
  else if (item !== undefined && !(flags.includes('omit') && isZero(item))) out[name] = item;
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
    case 'meta.v1.FieldsV1':
      return rawJson(readMessage(type, asBytes(value), depth)['Raw']);
    case 'authorization.v1.ExtraValue':
    case 'authentication.v1.ExtraValue':
      return readMessage(type, asBytes(value), depth)['items'] ?? [];
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

function rawJson(base64: unknown): unknown {
  try {
    return JSON.parse(Buffer.from(typeof base64 === 'string' ? base64 : '', 'base64').toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

function asBytes(value: bigint | number | Buffer): Buffer {
  if (Buffer.isBuffer(value)) return value;
  throw new WireError('wrong wireType');
}

function asBigint(value: bigint | number | Buffer): bigint {
  if (Buffer.isBuffer(value)) throw new WireError('wrong wireType');
  return BigInt(value);
}
