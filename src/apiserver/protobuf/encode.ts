/**
 * An object as its JSON has it → `application/vnd.kubernetes.protobuf`: the other direction of decode.ts, from the same table.
 *
 *   { kind: 'Pod', apiVersion: 'v1', … } ──> "k8s\0" Unknown{ typeMeta{v1, Pod}, raw }
 *   a list ──> the same, its items without their kinds           an event ──> length, WatchEvent{ type, RawExtension{ raw } }
 *
 * What an object does not have is not written; Go's zero values, which upstream writes, read the same.
 * Upstream: apimachinery/pkg/runtime/serializer/protobuf, and pkg/util/framer for the frames.
 */
import { fieldsOf, messageOf } from './messages.ts';
import type { Field, Json } from './messages.ts';
import { ProtobufWriter } from './writer.ts';

const magic = Buffer.from('k8s\0');

/** undefined: there is no message for it (a Table, a custom kind). */
export function encodeProtobuf(object: object): Buffer | undefined {
  const { apiVersion, kind } = object as { readonly apiVersion?: string; readonly kind?: string };
  if (kind === undefined) return undefined;
  // APIVersions and APIGroup lists carry no version in JSON; they are of the core group.
  const version = apiVersion ?? 'v1';
  const message = messageOf(version, kind);
  if (message === undefined) return undefined;
  return envelope(version, kind, (to) => writeMessage(to, message, object as Json));
}

/** A list: `raws` are its items, each from `encodeItem`. */
export function encodeList(apiVersion: string, kind: string, metadata: object, raws: readonly Buffer[]): Buffer {
  return envelope(apiVersion, kind, (to) => {
    to.message(1, (meta) => writeMessage(meta, 'meta.v1.ListMeta', metadata as Json));
    for (const raw of raws) to.bytesField(2, raw);
  });
}

/** The message alone, as a list holds it. */
export function encodeItem(apiVersion: string, kind: string, object: object): Buffer {
  const message = messageOf(apiVersion, kind);
  if (message === undefined) throw new Error(`no message for ${apiVersion} ${kind}`);
  const writer = new ProtobufWriter();
  writeMessage(writer, message, object as Json);
  return writer.bytes();
}

/** One frame of a watch: four bytes of length, then the event. `object`: from encodeProtobuf. */
export function watchFrame(type: string, object: Buffer): Buffer {
  const event = new ProtobufWriter()
    .text(1, type)
    .message(2, (raw) => raw.bytesField(1, object))
    .bytes();
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(event.length);
  return Buffer.concat([length, event]);
}

function envelope(apiVersion: string, kind: string, write: (to: ProtobufWriter) => void): Buffer {
  return (
    new ProtobufWriter(magic)
      .message(1, (meta) => meta.text(1, apiVersion).text(2, kind))
      .message(2, write)
      // contentEncoding and contentType are there and empty, as gogo writes what is no pointer.
      .text(3, '')
      .text(4, '')
      .bytes()
  );
}

function writeMessage(to: ProtobufWriter, message: string, value: Json): void {
  for (const field of fieldsOf(message)) {
    if (field.inline) {
      to.message(field.number, (inner) => writeMessage(inner, field.type, value));
      continue;
    }
    const item = value[field.name];
    if (item !== undefined && item !== null) writeField(to, field, item);
  }
}

function writeField(to: ProtobufWriter, { number, type, shape }: Field, value: unknown): void {
  switch (shape) {
    case 'one':
      writeValue(to, number, type, value);
      return;
    case 'list':
      for (const item of value as readonly unknown[]) writeValue(to, number, type, item);
      return;
    case 'map':
      for (const [key, item] of Object.entries(value as Json)) {
        to.message(number, (entry) => writeValue(entry.text(1, key), 2, type, item));
      }
  }
}

function writeValue(to: ProtobufWriter, number: number, type: string, value: unknown): void {
  switch (type) {
    case 'string':
      to.text(number, value as string);
      return;
    case 'bytes':
      to.bytesField(number, Buffer.from(value as string, 'base64'));
      return;
    case 'bool':
      to.flag(number, value as boolean);
      return;
    case 'int32':
    case 'int64':
    case 'uint32':
    case 'uint64':
      to.integer(number, value as number);
      return;
    case 'double':
      to.double(number, value as number);
      return;
    default: {
      const own = special[type];
      to.message(number, (inner) => {
        if (own === undefined) writeMessage(inner, type, value as Json);
        else own(inner, value);
      });
    }
  }
}

type Special = (to: ProtobufWriter, value: unknown) => void;

const items: Special = (to, value) => {
  for (const item of value as readonly string[]) to.text(1, item);
};

const rawJson: Special = (to, value) => {
  to.text(1, JSON.stringify(value));
};

/** Types whose JSON is not their message's. */
const special: Readonly<Record<string, Special | undefined>> = {
  'meta.v1.Time': writeTime,
  'meta.v1.MicroTime': writeTime,
  'api.resource.Quantity': (to, value) => {
    to.text(1, String(value));
  },
  'util.intstr.IntOrString': (to, value) => {
    if (typeof value === 'number') to.integer(1, 0).integer(2, value).text(3, '');
    else to.integer(1, 1).integer(2, 0).text(3, String(value));
  },
  'meta.v1.FieldsV1': rawJson,
  'runtime.RawExtension': rawJson,
  'apiextensions.v1.JSON': rawJson,
  'authorization.v1.ExtraValue': items,
  'authentication.v1.ExtraValue': items,
  'certificates.v1.ExtraValue': items,
  'meta.v1.Verbs': items,
  'apiextensions.v1.JSONSchemaPropsOrArray': (to, value) => {
    if (Array.isArray(value)) for (const schema of value) writeSchema(to, 2, schema);
    else writeSchema(to, 1, value);
  },
  'apiextensions.v1.JSONSchemaPropsOrBool': (to, value) => {
    to.flag(1, value !== false);
    if (typeof value === 'object') writeSchema(to, 2, value);
  },
  'apiextensions.v1.JSONSchemaPropsOrStringArray': (to, value) => {
    if (Array.isArray(value)) for (const name of value) to.text(2, String(name));
    else writeSchema(to, 1, value);
  },
};

function writeSchema(to: ProtobufWriter, number: number, schema: unknown): void {
  to.message(number, (inner) => writeMessage(inner, 'apiextensions.v1.JSONSchemaProps', schema as Json));
}

/** Seconds and nanoseconds; upstream cuts Time to seconds. */
function writeTime(to: ProtobufWriter, value: unknown): void {
  const text = String(value);
  const ms = Date.parse(text);
  const micros = /\.(\d{1,6})/.exec(text)?.[1] ?? '';
  to.integer(1, Math.floor(ms / 1000)).integer(2, Number(micros.padEnd(6, '0')) * 1000);
}
