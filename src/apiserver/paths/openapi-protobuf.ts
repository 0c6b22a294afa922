/**
 * An OpenAPI v2 document → the bytes of gnostic's `openapi.v2.Document`, the form in which kubectl asks for it.
 *
 *   { swagger: '2.0', info, paths, definitions }  ──shapes──>  ProtobufWriter  ──>  bytes
 *
 * A shape says for each JSON key of a message its field number and how its value is written. Keys that begin with `x-` are
 * extensions, written as YAML text, which JSON is too. A key that no shape knows is a mistake of who made the document.
 * Field numbers: google/gnostic-models, openapiv2/OpenAPIv2.proto.
 */
import { ProtobufWriter } from '../protobuf/writer.ts';
import type { Json } from './openapi-schemas.ts';

export function encodeSwagger(document: Json): Buffer<ArrayBuffer> {
  const writer = new ProtobufWriter();
  writeShape(writer, shapes.document, document);
  return writer.bytes();
}

type Write = (to: ProtobufWriter, value: unknown) => void;

interface Shape {
  readonly fields: Readonly<Record<string, Write>>;
  /** Field number of `repeated NamedAny vendor_extension`. */
  readonly extensions?: number;
}

const text =
  (number: number): Write =>
  (to, value) =>
    to.text(number, String(value));
const flag =
  (number: number): Write =>
  (to, value) =>
    to.flag(number, value === true);
const integer =
  (number: number): Write =>
  (to, value) =>
    to.integer(number, Number(value));
const double =
  (number: number): Write =>
  (to, value) =>
    to.double(number, Number(value));
const wrapped =
  (number: number, inner: Write): Write =>
  (to, value) =>
    to.message(number, () => inner(to, value));
const each =
  (item: Write): Write =>
  (to, value) => {
    for (const one of value as readonly unknown[]) item(to, one);
  };
/** By name: a shape may hold itself. */
const message =
  (number: number, name: ShapeName): Write =>
  (to, value) =>
    to.message(number, () => writeShape(to, shapes[name], value as Json));
/** Maps are repeated pairs: `NamedSchema { name = 1, value = 2 }`. */
const named =
  (number: number, inner: Write): Write =>
  (to, value) => {
    for (const [name, one] of Object.entries(value as Json)) {
      to.message(number, () => inner(to.text(1, name), one));
    }
  };
const any = (number: number): Write => wrapped(number, (to, value) => to.text(2, JSON.stringify(value)));

const primitive = (type: number): Readonly<Record<string, Write>> => ({ type: text(type), format: text(type + 1) });

type ShapeName =
  'document' | 'info' | 'path' | 'operation' | 'response' | 'body' | 'query' | 'pathParameter' | 'schema' | 'docs';

const shapes: Readonly<Record<ShapeName, Shape>> = {
  document: {
    fields: {
      swagger: text(1),
      info: message(2, 'info'),
      paths: wrapped(8, named(2, message(2, 'path'))),
      definitions: wrapped(9, named(1, message(2, 'schema'))),
    },
    extensions: 16,
  },
  info: { fields: { title: text(1), version: text(2), description: text(3) }, extensions: 7 },
  path: {
    fields: {
      get: message(2, 'operation'),
      put: message(3, 'operation'),
      post: message(4, 'operation'),
      delete: message(5, 'operation'),
      options: message(6, 'operation'),
      head: message(7, 'operation'),
      patch: message(8, 'operation'),
      parameters: each(wrapped(9, parameter)),
    },
    extensions: 10,
  },
  operation: {
    fields: {
      tags: each(text(1)),
      description: text(3),
      operationId: text(5),
      produces: each(text(6)),
      consumes: each(text(7)),
      parameters: each(wrapped(8, parameter)),
      responses: wrapped(9, named(1, wrapped(2, message(1, 'response')))),
      schemes: each(text(10)),
    },
    extensions: 13,
  },
  response: { fields: { description: text(1), schema: wrapped(2, message(1, 'schema')) }, extensions: 5 },
  body: {
    fields: { description: text(1), name: text(2), in: text(3), required: flag(4), schema: message(5, 'schema') },
    extensions: 6,
  },
  query: {
    fields: {
      required: flag(1),
      in: text(2),
      description: text(3),
      name: text(4),
      ...primitive(6),
      uniqueItems: flag(20),
    },
    extensions: 23,
  },
  pathParameter: {
    fields: {
      required: flag(1),
      in: text(2),
      description: text(3),
      name: text(4),
      ...primitive(5),
      uniqueItems: flag(19),
    },
    extensions: 22,
  },
  docs: { fields: { description: text(1), url: text(2) }, extensions: 3 },
  schema: {
    fields: {
      $ref: text(1),
      format: text(2),
      title: text(3),
      description: text(4),
      default: any(5),
      multipleOf: double(6),
      maximum: double(7),
      exclusiveMaximum: flag(8),
      minimum: double(9),
      exclusiveMinimum: flag(10),
      maxLength: integer(11),
      minLength: integer(12),
      pattern: text(13),
      maxItems: integer(14),
      minItems: integer(15),
      uniqueItems: flag(16),
      maxProperties: integer(17),
      minProperties: integer(18),
      required: each(text(19)),
      enum: each(any(20)),
      additionalProperties: wrapped(21, (to, value) => {
        if (typeof value === 'boolean') to.flag(2, value);
        else message(1, 'schema')(to, value);
      }),
      type: wrapped(22, text(1)),
      items: wrapped(23, message(1, 'schema')),
      properties: wrapped(25, named(1, message(2, 'schema'))),
      externalDocs: message(29, 'docs'),
      example: any(30),
    },
    extensions: 31,
  },
};

function writeShape(to: ProtobufWriter, { fields, extensions }: Shape, value: Json): void {
  for (const [key, item] of Object.entries(value)) {
    const write = fields[key];
    if (write !== undefined) write(to, item);
    else if (key.startsWith('x-') && extensions !== undefined) named(extensions, any(2))(to, { [key]: item });
    else throw new Error(`no OpenAPI v2 field number for ${JSON.stringify(key)}; fix: add it to its shape`);
  }
}

/** ParametersItem › Parameter › one of its forms, told apart by `in`. */
function parameter(to: ProtobufWriter, value: unknown): void {
  const where = (value as Json)['in'];
  const form =
    where === 'body'
      ? message(1, 'body')
      : wrapped(2, where === 'query' ? message(3, 'query') : message(4, 'pathParameter'));
  wrapped(1, form)(to, value);
}
