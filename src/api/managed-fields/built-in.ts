/** The merge types of the kinds that we have schemas of: gen/schema.json and, for how they merge, gen/merge-types.json. */
import { readFileSync } from 'node:fs';
import type { FieldSchema } from '../schema.ts';
import { goFields, typeSchema } from '../schema.ts';
import { fieldElement } from './element.ts';
import type { MapField, MergeType } from './merge-type.ts';
import { deducedValue, mapOf, recursive, scalarType } from './merge-type.ts';

interface MergeFacts {
  readonly lists: Readonly<Record<string, readonly string[]>>;
  readonly atomic: ReadonlySet<string>;
  readonly structs: ReadonlySet<string>;
  readonly defaults: Readonly<Record<string, unknown>>;
}

/** What is written though nobody set it, as kinds/event.ts fills it. */
const nullTimes: ReadonlySet<string> = new Set([
  ...['firstTimestamp', 'lastTimestamp', 'eventTime'].map((field) => `Event.${field}`),
  ...['deprecatedFirstTimestamp', 'deprecatedLastTimestamp', 'eventTime'].map((field) => `EventsEvent.${field}`),
]);
const emptyTexts: ReadonlySet<string> = new Set(['Event.reportingComponent', 'Event.reportingInstance']);

let facts: MergeFacts | undefined;
const known = new Map<string, MergeType>();

/** `name`: Resource.schema. A type that is not known merges by what its values look like. */
export function builtInType(name: string): MergeType {
  const found = known.get(name);
  if (found !== undefined) return found;
  const fields = typeSchema(name);
  if (fields === undefined) return deducedValue;
  return recursive((self) => {
    // Before its fields: they may refer to it.
    known.set(name, self);
    const members = [...fields].map(([field, schema]) => [field, memberOf(name, field, schema)] as const);
    return { map: { atomic: load().atomic.has(name), fields: new Map(members), element: undefined } };
  });
}

/** How a type or a field merges, for those who are told (x-kubernetes-list-type and its kin): of fields `Type.field`. */
export function mergeNotes(path: string): Readonly<Record<string, unknown>> {
  const { lists, atomic } = load();
  const keys = lists[path];
  if (keys === undefined) return atomic.has(path) ? { 'x-kubernetes-map-type': 'atomic' } : {};
  if (keys.length === 0) return { 'x-kubernetes-list-type': 'set' };
  return { 'x-kubernetes-list-map-keys': keys, 'x-kubernetes-list-type': 'map' };
}

function memberOf(struct: string, field: string, schema: FieldSchema): MapField {
  const path = `${struct}.${field}`;
  const type = typeOf(path, schema);
  const { structs, defaults } = load();
  const listed = schema.required === true && (schema.items !== undefined || schema.values !== undefined);
  return {
    step: fieldElement(field),
    type,
    ...(path in defaults ? { default: defaults[path] } : {}),
    ...(structs.has(path) ? { zero: {} } : listed || nullTimes.has(path) ? { zero: null } : {}),
    ...(emptyTexts.has(path) ? { zero: '' } : {}),
  };
}

function typeOf(path: string, schema: FieldSchema): MergeType {
  if (goFields().quantities.has(path)) return quantityType(schema);
  if (schema.ref !== undefined) return builtInType(schema.ref);
  if (schema.items !== undefined) {
    const keys = load().lists[path];
    return { list: { atomic: keys === undefined, keys: keys ?? [], element: typeOf('', schema.items) } };
  }
  if (schema.values !== undefined) return mapOf(typeOf('', schema.values), load().atomic.has(path));
  switch (schema.type) {
    case 'string':
      return scalarType(schema.format === 'date-time' || schema.format === 'micro-time' ? 'untyped' : 'string');
    case 'integer':
    case 'number':
      return scalarType('numeric');
    case 'boolean':
      return scalarType('boolean');
    case 'int-or-string':
      return scalarType('untyped');
    default:
      return deducedValue;
  }
}

function quantityType(schema: FieldSchema): MergeType {
  return schema.values === undefined ? scalarType('untyped') : mapOf(scalarType('untyped'));
}

function load(): MergeFacts {
  if (facts !== undefined) return facts;
  const text = readFileSync(new URL('../gen/merge-types.json', import.meta.url), 'utf8');
  const raw = JSON.parse(text) as Pick<MergeFacts, 'lists' | 'defaults'> & { atomic: string[]; structs: string[] };
  facts = { lists: raw.lists, defaults: raw.defaults, atomic: new Set(raw.atomic), structs: new Set(raw.structs) };
  return facts;
}
