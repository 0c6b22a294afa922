/**
 * Request body → object, as upstream's decoder does it: types checked, unknown fields pruned, nulls and Go's zero values
 * dropped, quantities and times canonical; unknown and duplicate fields reported by the `fieldValidation` asked for.
 *
 *   text ── JSON.parse ──> value ── decodeBody(resource, value, 'Strict', text) ──> { object, warnings } | 400 ApiError
 *
 * The result is a private deep copy. Upstream: sigs.k8s.io/json, apiserver pkg/endpoints/handlers/create.go.
 */
import type { Resource } from './resources.ts';
import type { KubeObject } from './object.ts';
import type { FieldSchema } from './schema.ts';
import { apiError } from './errors.ts';
import { DecodeError, goType, jsonKind, mismatch } from './decode-errors.ts';
import type { Holder, Path, Place } from './decode-errors.ts';
import { duplicateFields } from './duplicate-fields.ts';
import { canonicalQuantity, quantityError } from './quantity.ts';
import { groupVersionOf, resources } from './resources.ts';
import { goFields, typeSchema } from './schema.ts';
import { canonicalTime } from './time.ts';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface Decoded<T> {
  readonly object: T;
  /** `unknown field "spec.foo"`, `duplicate field "spec.type"`: for Warning headers (Warn) or the 400 (Strict). */
  readonly strictErrors: readonly string[];
}

export { DecodeError };

const deepest = 1000;

/** Whole body of a create or update. `validation` is the query parameter fieldValidation. */
export function decodeBody<T extends KubeObject>(
  resource: Resource<T>,
  value: unknown,
  validation: FieldValidation,
  text?: string,
): { readonly object: T; readonly warnings: readonly string[] } {
  checkKind(resource, value);
  let decoded: Decoded<T>;
  try {
    decoded = decodeObject(resource, value, validation === 'Ignore' ? undefined : text);
  } catch (error) {
    if (error instanceof DecodeError) throw badBody(resource, error.message);
    throw error;
  }
  if (validation === 'Strict' && decoded.strictErrors.length > 0) {
    throw badBody(resource, `strict decoding error: ${decoded.strictErrors.join(', ')}`);
  }
  return { object: decoded.object, warnings: validation === 'Warn' ? decoded.strictErrors : [] };
}

/** From parsed JSON or YAML. Throws DecodeError where a type is wrong. `text`: the JSON, to find duplicate fields. */
export function decodeObject<T extends KubeObject>(resource: Resource<T>, value: unknown, text?: string): Decoded<T> {
  const { object, strictErrors } = decodeType(resource.schema, value, text);
  // In the order in which the store keeps it.
  const kind = { kind: resource.kind, apiVersion: groupVersionOf(resource) };
  return { object: { ...kind, ...(object as object), ...kind } as unknown as T, strictErrors };
}

/** The same for any type of the schema: DeleteOptions, Scale, Binding, Eviction, … */
export function decodeType(schema: string, value: unknown, text?: string): Decoded<unknown> {
  const reader = new Reader(schema);
  const object = reader.struct(schema, value, undefined);
  const duplicates = text === undefined || isCanonical(text, value) ? [] : duplicateFields(text);
  return { object, strictErrors: [...reader.unknown, ...duplicates.map((path) => `duplicate field "${path}"`)] };
}

/** What is written as JSON.stringify writes it, as most clients do, has each key once. */
function isCanonical(text: string, value: unknown): boolean {
  return JSON.stringify(value) === text.trimEnd();
}

/** A field of a struct, with what would otherwise be looked up for each value of it. */
interface StructField {
  readonly schema: FieldSchema;
  readonly holder: Holder;
  /** `omitempty`: what Go's encoder would not write back. */
  readonly drops: { readonly text: boolean; readonly zero: boolean; readonly list: boolean; readonly map: boolean };
}

interface Struct {
  readonly fields: ReadonlyMap<string, StructField>;
  /** What Go's struct has also where nobody set it, and with which value. */
  readonly zeros: readonly (readonly [field: string, zero: unknown])[];
  /** The structs that it holds by value. */
  readonly held: readonly (readonly [field: string, type: string])[];
}

const structs = new Map<string, Struct>();

/** undefined: there is no such type. */
function structOf(type: string): Struct | undefined {
  const known = structs.get(type);
  if (known !== undefined) return known;
  const schemas = typeSchema(type);
  if (schemas === undefined) return undefined;
  const made = {
    fields: new Map([...schemas].map(([field, schema]) => [field, structField(type, field, schema)])),
    zeros: [...schemas].flatMap(([field, schema]) =>
      isFilled(type, field, schema) ? [[field, zero(schema)] as const] : [],
    ),
    held: [...schemas].flatMap(([field, { ref }]) =>
      ref !== undefined && goFields().structs.has(`${type}.${field}`) ? [[field, ref] as const] : [],
    ),
  };
  structs.set(type, made);
  return made;
}

/** As Go has it when nobody set anything. */
function emptyStruct(type: string): Record<string, unknown> {
  return filled({}, structOf(type));
}

function filled(object: Record<string, unknown>, struct: Struct | undefined): Record<string, unknown> {
  if (struct === undefined) return object;
  for (const [key, nothing] of struct.zeros) object[key] ??= nothing;
  for (const [key, type] of struct.held) object[key] ??= emptyStruct(type);
  return object;
}

function isFilled(type: string, field: string, { required, type: kind = '', format }: FieldSchema): boolean {
  if (required !== true || (kind === 'string' && format !== undefined)) return false;
  return ['string', 'integer', 'number', 'boolean'].includes(kind) && !goFields().unfilled.has(`${type}.${field}`);
}

function structField(type: string, field: string, schema: FieldSchema): StructField {
  const name = `${type}.${field}`;
  const go = goFields();
  const optional = schema.required !== true;
  const drops = {
    text: optional && schema.type === 'string' && !go.keptText.has(name),
    zero: optional && go.droppedZero.has(name),
    list: optional && schema.items !== undefined && !go.keptList.has(name),
    map: optional && schema.values !== undefined,
  };
  return { schema, holder: { type, field, quantity: go.quantities.has(name) }, drops };
}

class Reader {
  readonly unknown: string[] = [];
  /** Of the value being read. */
  readonly #path: (string | number)[] = [];
  readonly #place: Place;

  constructor(root: string) {
    this.#place = { root, path: this.#path };
  }

  struct(type: string, value: unknown, holder: Holder | undefined): Record<string, unknown> {
    const struct = structOf(type);
    if (struct === undefined) return this.any(value) as Record<string, unknown>;
    if (!isObject(value)) throw mismatch(value, `v1.${type}`, holder, this.#place);
    const out: Record<string, unknown> = {};
    // First, as Go's structs mostly have them: errors show values whole.
    for (const [key, nothing] of struct.zeros) out[key] = nothing;
    for (const key in value) {
      const item = value[key];
      const field = struct.fields.get(key);
      if (field === undefined) {
        refuseProto(key, this.#path);
        this.unknown.push(`unknown field "${textPath([...this.#path, key])}"`);
      } else if (item !== null && item !== undefined) {
        const read = this.#at(key, field.schema, item, field.holder);
        if (!isDropped(read, field)) out[key] = read;
      }
    }
    return filled(out, struct);
  }

  #at(part: string | number, schema: FieldSchema, value: unknown, holder: Holder): unknown {
    this.#path.push(part);
    const read = this.#value(schema, value, holder);
    this.#path.pop();
    return read;
  }

  #value(schema: FieldSchema, value: unknown, holder: Holder): unknown {
    if (schema.ref !== undefined) return this.struct(schema.ref, value, holder);
    if (schema.items !== undefined) return this.#list(schema, schema.items, value, holder);
    if (schema.values !== undefined) return this.#map(schema, schema.values, value, holder);
    switch (schema.type) {
      case 'string':
        return holder.quantity ? quantity(value) : text(schema, value, holder, this.#place);
      case 'integer':
        return integer(schema.format ?? 'int64', value, holder, this.#place);
      case 'boolean':
        if (typeof value !== 'boolean') throw mismatch(value, 'bool', holder, this.#place);
        return value;
      case 'number':
        if (typeof value !== 'number') throw mismatch(value, 'float64', holder, this.#place);
        return value;
      case 'int-or-string':
        return intOrString(value, holder, this.#place);
      default:
        return this.any(value);
    }
  }

  #list(schema: FieldSchema, items: FieldSchema, value: unknown, holder: Holder): unknown[] {
    if (!Array.isArray(value)) throw mismatch(value, goType(schema, holder), holder, this.#place);
    return value.map((item: unknown, index) => this.#at(index, items, item ?? zero(items), holder));
  }

  #map(schema: FieldSchema, values: FieldSchema, value: unknown, holder: Holder): Record<string, unknown> {
    if (!isObject(value)) throw mismatch(value, goType(schema, holder), holder, this.#place);
    const out: Record<string, unknown> = {};
    for (const key in value) {
      refuseProto(key, this.#path);
      // The key of a map is no part of Go's error path.
      out[key] = this.#value(values, value[key] ?? (holder.quantity ? '0' : zero(values)), holder);
    }
    return out;
  }

  any(value: unknown): unknown {
    if (this.#path.length > deepest) throw new DecodeError('json: exceeded max depth');
    if (Array.isArray(value)) return value.map((item: unknown, index) => this.#anyAt(index, item));
    if (!isObject(value)) return value;
    const out: Record<string, unknown> = {};
    for (const key in value) {
      refuseProto(key, this.#path);
      out[key] = this.#anyAt(key, value[key]);
    }
    return out;
  }

  #anyAt(part: string | number, value: unknown): unknown {
    this.#path.push(part);
    const read = this.any(value);
    this.#path.pop();
    return read;
  }
}

function text(schema: FieldSchema, value: unknown, holder: Holder, place: Place): string {
  if (typeof value !== 'string') throw mismatch(value, goType(schema, holder), holder, place);
  if (schema.format === 'date-time' || schema.format === 'micro-time') {
    const time = canonicalTime(value, schema.format === 'micro-time');
    if (time !== undefined) return time;
    const layout = schema.format === 'date-time' ? '2006-01-02T15:04:05Z07:00' : '2006-01-02T15:04:05.000000Z07:00';
    throw new DecodeError(
      `parsing time ${JSON.stringify(value)} as "${layout}": cannot parse ${JSON.stringify(value)} as "2006"`,
    );
  }
  if (schema.format === 'byte') {
    const bad = badBase64(value);
    if (bad >= 0) throw new DecodeError(`illegal base64 data at input byte ${bad}`);
  }
  return value;
}

function integer(format: string, value: unknown, holder: Holder, place: Place): number {
  if (typeof value !== 'number') throw mismatch(value, format, holder, place);
  const most = format === 'int32' ? 2 ** 31 : 2 ** 63;
  if (!Number.isInteger(value) || value >= most || value < -most) {
    throw mismatch(value, format, holder, place, `number ${value}`);
  }
  return value;
}

function intOrString(value: unknown, holder: Holder, place: Place): unknown {
  if (typeof value === 'string') return value;
  const fits = typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31;
  if (fits) return value;
  throw mismatch(value, 'int32', holder, place, typeof value === 'number' ? `number ${value}` : undefined);
}

function quantity(value: unknown): string {
  const canonical = typeof value === 'string' || typeof value === 'number' ? canonicalQuantity(value) : undefined;
  if (canonical === undefined) throw new DecodeError(quantityError);
  return canonical;
}

function isDropped(value: unknown, { schema, drops }: StructField): boolean {
  if (value === '') return drops.text;
  if (value === 0 || value === false) return drops.zero;
  if (schema.items !== undefined) return drops.list && (value as unknown[]).length === 0;
  return schema.values !== undefined && drops.map && isEmpty(value as object);
}

function isEmpty(map: object): boolean {
  for (const _key in map) return false;
  return true;
}

function zero(schema: FieldSchema): unknown {
  if (schema.ref !== undefined) return emptyStruct(schema.ref);
  if (schema.values !== undefined) return {};
  if (schema.items !== undefined) return [];
  return { integer: 0, number: 0, boolean: false, string: '', 'int-or-string': 0 }[schema.type ?? ''] ?? null;
}

function checkKind(resource: Resource, value: unknown): void {
  if (!isObject(value)) {
    const struct =
      'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
    const why = `json: cannot unmarshal ${jsonKind(value)} into Go value of type ${struct}`;
    throw apiError(400, 'BadRequest', `couldn't get version/kind; json parse error: ${why}`);
  }
  const want = groupVersionOf(resource);
  const { apiVersion, kind } = value;
  checkRegistered(resource, want, apiVersion, kind);
  if (typeof apiVersion === 'string' && apiVersion !== '' && apiVersion !== want) {
    const why = `the API version in the data (${apiVersion}) does not match the expected API version (${want})`;
    throw apiError(400, 'BadRequest', why);
  }
  if (typeof kind === 'string' && kind !== '' && kind !== resource.kind) {
    const why = `converting (v1.${kind}) to (v1.${resource.kind}): unknown conversion`;
    throw apiError(
      400,
      'BadRequest',
      `${kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${why}`,
    );
  }
}

/** What the body says of itself must be a kind of ours at all. Upstream: runtime.NewNotRegisteredErrForKind. */
function checkRegistered(resource: Resource, want: string, apiVersion: unknown, kind: unknown): void {
  const said = typeof apiVersion === 'string' && apiVersion !== '' ? apiVersion : want;
  const name = typeof kind === 'string' && kind !== '' ? kind : resource.kind;
  if (said === want && name === resource.kind) return;
  if (Object.values<Resource>(resources).some((one) => one.kind === name && groupVersionOf(one) === said)) return;
  const version = said.slice(said.indexOf('/') + 1);
  const why = `no kind "${name}" is registered for version "${said}" in scheme "pkg/api/legacyscheme/scheme.go:30"`;
  const message = `${name} in version "${version}" cannot be handled as a ${resource.kind}: ${why}`;
  throw apiError(400, 'BadRequest', message);
}

function badBody(resource: Resource, why: string): Error {
  const { kind, version } = resource;
  return apiError(400, 'BadRequest', `${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
}

function textPath(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}

/** A key that would change an object's prototype where it is assigned: never let in. */
function refuseProto(key: string, path: Path): void {
  if (key === '__proto__') throw new DecodeError(`field name "${textPath([...path, key])}" is not allowed`);
}

/** Position of the first bad character, -1 when the text is standard base64. */
function badBase64(value: string): number {
  const clean = value.replace(/[\r\n]/g, '');
  const valid = /^[A-Za-z0-9+/]*={0,2}/.exec(clean)?.[0].length ?? 0;
  if (valid < clean.length) return valid;
  // Go counts back to the first character of the group of four that is not whole.
  return clean.length % 4 === 0 ? -1 : clean.length - (clean.length % 4);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
