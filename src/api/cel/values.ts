/**
 * What expressions compute with.
 *
 *   bool, string, null, Uint8Array     themselves
 *   int                                bigint; an int never leaves 64 bits
 *   uint                               Uint
 *   double                             number
 *   list                               array
 *   map                                CelMap; an object with a schema is a Struct
 *   timestamp, duration                nanoseconds
 *   optional, type                     Optional, TypeValue
 *   what libraries add                 Opaque: ip, quantity, authorizer …
 */
import { EvalError } from './issues.ts';

export type Value =
  | null
  | boolean
  | string
  | bigint
  | number
  | Uint8Array
  | Uint
  | readonly Value[]
  | CelMap
  | Struct
  | Timestamp
  | Duration
  | Optional
  | TypeValue
  | Opaque;

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** Since 1970. */
export class Timestamp {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export class Optional {
  static readonly none = new Optional(undefined);
  readonly value: Value | undefined;
  constructor(value: Value | undefined) {
    this.value = value;
  }
}

export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** A value of a library. Its equality is its own. */
export abstract class Opaque {
  abstract readonly typeName: string;
  abstract equals(other: Opaque): boolean;
}

/** Keys that are equal are one: 1 is 1u is 1.0. */
export class CelMap {
  readonly #entries = new Map<string, readonly [Value, Value]>();

  static of(entries: Iterable<readonly [Value, Value]>): CelMap {
    const map = new CelMap();
    for (const [key, value] of entries) map.#entries.set(keyText(key), [key, value]);
    return map;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(keyText(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#entries.has(keyText(key));
  }

  *keys(): Iterable<Value> {
    for (const [key] of this.#entries.values()) yield key;
  }

  entries(): Iterable<readonly [Value, Value]> {
    return this.#entries.values();
  }

  /** For a map that is being made. */
  set(key: Value, value: Value): void {
    this.#entries.set(keyText(key), [key, value]);
  }
}

/** Lets a field be made when it is asked for. */
export class Struct {
  readonly typeName: string;
  readonly #fields: ReadonlyMap<string, () => Value>;
  /** What a field that is not set is read as; undefined: it cannot be. */
  readonly unset: Value | undefined;
  readonly #known = new Map<string, Value>();
  constructor(typeName: string, fields: ReadonlyMap<string, () => Value>, unset?: Value) {
    this.typeName = typeName;
    this.#fields = fields;
    this.unset = unset;
  }

  get size(): number {
    return this.#fields.size;
  }

  has(field: string): boolean {
    return this.#fields.has(field) || this.#fields.has(asKeyword(field));
  }

  get(field: string): Value | undefined {
    const known = this.#known.get(field);
    if (known !== undefined) return known;
    const value = (this.#fields.get(field) ?? this.#fields.get(asKeyword(field)))?.();
    if (value !== undefined) this.#known.set(field, value);
    return value;
  }

  fields(): Iterable<string> {
    return this.#fields.keys();
  }
}

/** A field called `namespace` is kept as `__namespace__`, and may be called by both names. */
export function asKeyword(field: string): string {
  return `__${field}__`;
}

function keyText(key: Value): string {
  switch (typeof key) {
    case 'string':
      return `s${key}`;
    case 'boolean':
      return key ? 't' : 'f';
    case 'bigint':
      return `n${String(key)}`;
    case 'number':
      return Number.isInteger(key) ? `n${String(BigInt(key))}` : `d${String(key)}`;
    default:
      if (key instanceof Uint) return `n${String(key.value)}`;
      throw new EvalError(`unsupported key type: ${typeName(key)}`);
  }
}

/** As `type(value)` says it. */
export function typeName(value: Value): string {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    default:
      break;
  }
  if (value === null) return 'null_type';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Uint) return 'uint';
  if (value instanceof CelMap) return 'map';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp';
  if (value instanceof Duration) return 'google.protobuf.Duration';
  if (value instanceof Optional) return 'optional_type';
  if (value instanceof TypeValue) return 'type';
  return (value as Struct | Opaque).typeName;
}

/** Lists whose order does not count, and how their items are told apart (x-kubernetes-list-type). */
export const listTypes = new WeakMap<
  readonly Value[],
  { readonly type: 'set' | 'map'; readonly keys: readonly string[] }
>();

/** Heterogeneous equality: what cannot be equal is not, without an error. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(a, b) === 0;
  if (Array.isArray(a) && Array.isArray(b)) return equalLists(a as readonly Value[], b as readonly Value[]);
  if (a instanceof CelMap && b instanceof CelMap) {
    if (a.size !== b.size) return false;
    for (const [key, value] of a.entries()) {
      const other = b.get(key);
      if (other === undefined || !equal(value, other)) return false;
    }
    return true;
  }
  if (a instanceof Struct && b instanceof Struct) return equalStructs(a, b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  if (a instanceof Timestamp && b instanceof Timestamp) return a.nanos === b.nanos;
  if (a instanceof Duration && b instanceof Duration) return a.nanos === b.nanos;
  if (a instanceof TypeValue && b instanceof TypeValue) return a.name === b.name;
  if (a instanceof Optional && b instanceof Optional) {
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return equal(a.value, b.value);
  }
  return a instanceof Opaque && b instanceof Opaque && a.typeName === b.typeName && a.equals(b);
}

function equalStructs(a: Struct, b: Struct): boolean {
  if (a.size !== b.size) return false;
  for (const field of a.fields()) {
    const other = b.get(field);
    if (other === undefined || !equal(a.get(field) ?? null, other)) return false;
  }
  return true;
}

function equalLists(a: readonly Value[], b: readonly Value[]): boolean {
  if (a.length !== b.length) return false;
  const order = listTypes.get(a) ?? listTypes.get(b);
  if (order === undefined) return a.every((item, index) => equal(item, b[index] ?? null));
  if (order.type === 'set') return a.every((item) => b.some((other) => equal(item, other)));
  return a.every((item) => {
    const key = itemKey(item, order.keys);
    return b.some((other) => itemKey(other, order.keys) === key && equal(item, other));
  });
}

/** What tells an item of a list of type map from others. */
function itemKey(item: Value, keys: readonly string[]): string {
  return JSON.stringify(keys.map((key) => (item instanceof Struct ? textOf(item.get(key)) : null)));
}

function textOf(value: Value | undefined): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? `s${value}` : typeof value === 'object' ? typeName(value) : String(value);
}

export function isNumeric(value: Value): value is bigint | number | Uint {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint;
}

/** NaN is neither. */
export function compareNumbers(a: bigint | number | Uint, b: bigint | number | Uint): number {
  const left = a instanceof Uint ? a.value : a;
  const right = b instanceof Uint ? b.value : b;
  return left < right ? -1 : left > right ? 1 : left >= right ? 0 : NaN;
}

/** What costs count: characters, bytes, elements; 1 for anything else. */
export function sizeOf(value: Value): number {
  if (typeof value === 'string') return characters(value);
  if (Array.isArray(value) || value instanceof Uint8Array) return (value as Uint8Array).length;
  if (value instanceof CelMap || value instanceof Struct) return value.size;
  if (value instanceof Optional) return value.value === undefined ? 1 : sizeOf(value.value);
  if (value instanceof Opaque) return (value as Opaque & { readonly size?: number }).size ?? 1;
  return 1;
}

export function characters(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length - 1; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0xd800 && code < 0xdc00) count--;
  }
  return count;
}

const leastInt = -(2n ** 63n);
const mostInt = 2n ** 63n - 1n;

export function int(value: bigint, what = 'integer overflow'): bigint {
  if (value < leastInt || value > mostInt) throw new EvalError(what);
  return value;
}

export function uint(value: bigint): Uint {
  if (value < 0n || value >= 2n ** 64n) throw new EvalError('unsigned integer overflow');
  return new Uint(value);
}
