/**
 * gen/schema.json and gen/descriptions.json → OpenAPI schemas under upstream's names (`io.k8s.api.core.v1.Service`), with what
 * kubectl reads besides types: x-kubernetes-group-version-kind, patch strategies, int-or-string.
 */
import { readFileSync } from 'node:fs';
import { mergeKey } from '../../api/merge-keys.ts';
import type { Resource } from '../../api/resources.ts';
import { typeSchema } from '../../api/schema.ts';
import type { FieldSchema } from '../../api/schema.ts';

export type Json = Record<string, unknown>;

/** How a document points at a schema: `#/components/schemas/` (v3) or `#/definitions/` (v2). */
export interface Dialect {
  readonly prefix: string;
  readonly three: boolean;
}

export const v3: Dialect = { prefix: '#/components/schemas/', three: true };
export const v2: Dialect = { prefix: '#/definitions/', three: false };

let descriptions: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
let names: ReadonlyMap<string, string> | undefined;

function describe(type: string, field: string): string | undefined {
  const file = new URL('../../api/gen/descriptions.json', import.meta.url);
  descriptions ??= JSON.parse(readFileSync(file, 'utf8')) as NonNullable<typeof descriptions>;
  const text = descriptions[type]?.[field];
  return text === '' ? undefined : text;
}

/** Packages as the protobuf messages have them; what has no message is taken for core. */
export function schemaName(type: string): string {
  names ??= loadNames();
  return names.get(type) ?? `io.k8s.api.core.v1.${type}`;
}

function loadNames(): ReadonlyMap<string, string> {
  const file = new URL('../protobuf/fields.json', import.meta.url);
  const messages = Object.keys(JSON.parse(readFileSync(file, 'utf8')) as object);
  const found = new Map<string, string>([['MicroTime', 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime']]);
  for (const message of messages) {
    const type = message.slice(message.lastIndexOf('.') + 1);
    const meta = message.startsWith('meta.');
    // Two packages may have a type of one name; the schema's plain name is the first one's.
    if (!found.has(type)) found.set(type, meta ? `io.k8s.apimachinery.pkg.apis.${message}` : `io.k8s.api.${message}`);
  }
  return found.set('Status', `${metaPackage}.Status`).set('ListMeta', `${metaPackage}.ListMeta`);
}

const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** The schemas of these types and of all that they refer to. */
export function collectSchemas(types: readonly string[], resources: readonly Resource[], dialect: Dialect): Json {
  const out: Json = {};
  const queue = [...types];
  for (let type = queue.shift(); type !== undefined; type = queue.shift()) {
    const name = schemaName(type);
    if (name in out) continue;
    const schema = typeToSchema(type, dialect, (ref) => queue.push(ref));
    const kinds = resources.filter((resource) => resource.schema === type).map(groupVersionKind);
    if (kinds.length > 0) schema['x-kubernetes-group-version-kind'] = kinds;
    out[name] = schema;
  }
  return out;
}

export function groupVersionKind({ group, version, kind }: Pick<Resource, 'group' | 'version' | 'kind'>): Json {
  return { group, kind, version };
}

function typeToSchema(type: string, dialect: Dialect, refer: (type: string) => void): Json {
  const properties: Json = {};
  const required: string[] = [];
  for (const [field, schema] of typeSchema(type) ?? []) {
    const property = fieldToSchema(schema, dialect, refer);
    const description = describe(type, field);
    if (description !== undefined) property['description'] = description;
    Object.assign(property, patchStrategy(type, field));
    properties[field] = property;
    if (schema.required === true) required.push(field);
  }
  const description = describe(type, '');
  return {
    ...(description === undefined ? {} : { description }),
    type: 'object',
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
  };
}

/** A list of plain values merges as a set and has no key. */
function patchStrategy(type: string, field: string): Json {
  const key = mergeKey(type, field);
  if (key === undefined) return {};
  return {
    'x-kubernetes-patch-strategy': 'merge',
    ...(key === '' ? {} : { 'x-kubernetes-patch-merge-key': key }),
  };
}

function fieldToSchema(schema: FieldSchema, dialect: Dialect, refer: (type: string) => void): Json {
  if (schema.ref !== undefined) {
    refer(schema.ref);
    const $ref = `${dialect.prefix}${schemaName(schema.ref)}`;
    // Beside $ref nothing else counts in v3.0, so it is wrapped to carry a description.
    return dialect.three ? { allOf: [{ $ref }], default: {} } : { $ref };
  }
  if (schema.items !== undefined) return { type: 'array', items: plain(schema.items, dialect, refer) };
  if (schema.values !== undefined)
    return { type: 'object', additionalProperties: plain(schema.values, dialect, refer) };
  switch (schema.type) {
    case 'int-or-string':
      return dialect.three
        ? { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] }
        : { format: 'int-or-string', type: 'string' };
    case 'any':
    case undefined:
      return { type: 'object' };
    default: {
      const format = schema.format === 'micro-time' ? 'date-time' : schema.format;
      return { type: schema.type, ...(format === undefined ? {} : { format }) };
    }
  }
}

function plain(schema: FieldSchema, dialect: Dialect, refer: (type: string) => void): Json {
  return fieldToSchema(schema, dialect, refer);
}
