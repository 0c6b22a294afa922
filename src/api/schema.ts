/**
 * The compact schema of all types (gen/schema.json), loaded once on first use.
 *
 *   schemaField('ServiceSpec', 'ports') ──> { items: { ref: 'ServicePort' } }
 */
import { readFileSync } from 'node:fs';

export interface FieldSchema {
  /** `string` `integer` `number` `boolean` `int-or-string` `object` `any`. */
  readonly type?: string;
  readonly format?: string;
  /** Name of a type. */
  readonly ref?: string;
  /** A list. */
  readonly items?: FieldSchema;
  /** A map with string keys. */
  readonly values?: FieldSchema;
  readonly required?: boolean;
}

export type TypeSchema = ReadonlyMap<string, FieldSchema>;

let types: ReadonlyMap<string, TypeSchema> | undefined;

/** Fields of a type; undefined when there is no such type. */
export function typeSchema(name: string): TypeSchema | undefined {
  types ??= load();
  return types.get(name);
}

export function schemaField(type: string, field: string): FieldSchema | undefined {
  return typeSchema(type)?.get(field);
}

/** How Go holds fields, each named `Type.field`, where OpenAPI does not say (scripts/generate-go-fields.ts). */
export interface GoFields {
  /** Optional texts that '' is a value of: pointers, or without `omitempty`. All others are dropped when they are empty. */
  readonly keptText: ReadonlySet<string>;
  /** Optional numbers and booleans held by value: 0 and false are dropped. */
  readonly droppedZero: ReadonlySet<string>;
  /** Lists that are written even when they are empty. */
  readonly keptList: ReadonlySet<string>;
  /** Required texts, numbers and booleans that are not there when nobody set them; all others are '', 0 or false then. */
  readonly unfilled: ReadonlySet<string>;
  /** resource.Quantity: text or number on the wire, canonical text in the store. */
  readonly quantities: ReadonlySet<string>;
  /** Structs held by value: there whether anybody set them or not. */
  readonly structs: ReadonlySet<string>;
  /** The embedded structs that a field is of, which Go's errors name: `Probe.exec` of `ProbeHandler`. */
  readonly inlined: Readonly<Record<string, string>>;
  /** Named string types, for Go's error texts. */
  readonly texts: Readonly<Record<string, string>>;
}

type GoFieldsFile = Record<'texts' | 'inlined', Record<string, string>> & Record<string, string[]>;

let go: GoFields | undefined;

export function goFields(): GoFields {
  go ??= loadGoFields();
  return go;
}

function loadGoFields(): GoFields {
  const text = readFileSync(new URL('./gen/go-fields.json', import.meta.url), 'utf8');
  const { texts, inlined, ...lists } = JSON.parse(text) as GoFieldsFile;
  const setOf = (name: string): ReadonlySet<string> => new Set(lists[name]);
  return {
    keptText: setOf('keptText'),
    droppedZero: setOf('droppedZero'),
    keptList: setOf('keptList'),
    unfilled: setOf('unfilled'),
    quantities: setOf('quantities'),
    structs: setOf('structs'),
    inlined,
    texts,
  };
}

function load(): ReadonlyMap<string, TypeSchema> {
  const text = readFileSync(new URL('./gen/schema.json', import.meta.url), 'utf8');
  const raw = JSON.parse(text) as Record<string, Record<string, FieldSchema>>;
  return new Map(Object.entries(raw).map(([name, fields]) => [name, new Map(Object.entries(fields))]));
}
