/**
 * Types, and when one may stand for another. Upstream: cel-go/common/types/types.go, checker/types.go, checker/format.go.
 *
 * A type that comes from a schema knows more: how many elements it may have, and its fields. Costs are estimated with that.
 */
import { asKeyword } from './values.ts';
import type { Value } from './values.ts';

export type TypeKind =
  | 'dyn'
  | 'error'
  | 'null'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'timestamp'
  | 'duration'
  | 'list'
  | 'map'
  | 'object'
  | 'opaque'
  | 'type'
  | 'param';

export interface Type {
  readonly kind: TypeKind;
  readonly name: string;
  readonly params: readonly Type[];
  /** Of an object. */
  readonly fields?: ReadonlyMap<string, Type>;
  /** Of an object of which nothing is known: it may have any field. */
  readonly open?: true;
  /** What a field that was not set is read as; without, reading it is an error. */
  readonly unset?: Value;
  /** From a schema: the most elements, characters or bytes; Infinity where it does not say. */
  readonly most?: number;
  /** From a schema: bytes as JSON, at least. */
  readonly least?: number;
}

function simple(kind: TypeKind, name: string): Type {
  return { kind, name, params: [] };
}

export const types = {
  dyn: simple('dyn', 'dyn'),
  error: simple('error', '!error!'),
  null: simple('null', 'null'),
  bool: simple('bool', 'bool'),
  int: simple('int', 'int'),
  uint: simple('uint', 'uint'),
  double: simple('double', 'double'),
  string: simple('string', 'string'),
  bytes: simple('bytes', 'bytes'),
  timestamp: simple('timestamp', 'google.protobuf.Timestamp'),
  duration: simple('duration', 'google.protobuf.Duration'),
} as const;

export function listOf(element: Type, most?: number): Type {
  return { kind: 'list', name: 'list', params: [element], ...(most === undefined ? {} : { most }) };
}

export function mapOf(key: Type, value: Type, most?: number): Type {
  return { kind: 'map', name: 'map', params: [key, value], ...(most === undefined ? {} : { most }) };
}

export function opaque(name: string, ...params: readonly Type[]): Type {
  return { kind: 'opaque', name, params };
}

export function optionalOf(type: Type): Type {
  return opaque('optional_type', type);
}

export function typeOf(type: Type): Type {
  return { kind: 'type', name: 'type', params: [type] };
}

export function isDyn({ kind }: Type): boolean {
  return kind === 'dyn' || kind === 'error';
}

export function isOptional({ name, kind }: Type): boolean {
  return kind === 'opaque' && name === 'optional_type';
}

export function fieldType({ fields, open }: Type, name: string): Type | undefined {
  if (open === true) return types.dyn;
  return fields?.get(name) ?? fields?.get(asKeyword(name));
}

/** As error messages have it. */
export function formatType(type: Type): string {
  if (type.kind === 'list') return `list(${formatParams(type)})`;
  if (type.kind === 'map') return `map(${formatParams(type)})`;
  if (type.kind === 'type') return type.params.length === 0 ? 'type' : `type(${formatParams(type)})`;
  if (type.kind === 'opaque' && type.params.length > 0) return `${type.name}(${formatParams(type)})`;
  return type.name;
}

function formatParams({ params }: Type): string {
  return params.map(formatType).join(', ');
}

export function sameType(a: Type, b: Type): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.name !== b.name || a.params.length !== b.params.length) return false;
  if (a.kind === 'object' && a.fields !== b.fields && a.name === 'object') return false;
  return a.params.every((param, index) => sameType(param, b.params[index] as Type));
}

/** Type parameters and what they turned out to be. */
export type Mapping = Map<string, Type>;

/** The type with what is known put in for its parameters; `free`: what is not known is dyn. */
export function substitute(mapping: Mapping, type: Type, free: boolean): Type {
  if (type.kind === 'param') {
    const known = mapping.get(type.name);
    if (known !== undefined) return substitute(mapping, known, free);
    return free ? types.dyn : type;
  }
  if (type.params.length === 0) return type;
  const params = type.params.map((param) => substitute(mapping, param, free));
  return params.every((param, index) => param === type.params[index]) ? type : { ...type, params };
}

/** May values of the first stand where the second are wanted? What parameters are is learnt, only if so. */
export function assignAll(mapping: Mapping, from: readonly Type[], to: readonly Type[]): boolean {
  const trial: Mapping = new Trial(mapping);
  if (!assignEach(trial, from, to)) return false;
  for (const [name, type] of trial) mapping.set(name, type);
  return true;
}

/** What is tried out, over what is known: most trials fail, and none needs a copy. */
class Trial extends Map<string, Type> {
  readonly #known: Mapping;
  constructor(known: Mapping) {
    super();
    this.#known = known;
  }
  override get(name: string): Type | undefined {
    return super.get(name) ?? this.#known.get(name);
  }
}

function assignEach(mapping: Mapping, from: readonly Type[], to: readonly Type[]): boolean {
  return from.length === to.length && from.every((type, index) => assign(mapping, type, to[index] as Type));
}

function assign(mapping: Mapping, a: Type, b: Type): boolean {
  if (b.kind === 'param') {
    const fits = bind(mapping, a, b);
    if (fits !== undefined) return fits;
  }
  if (a.kind === 'param') return bind(mapping, b, a) ?? false;
  if (isDyn(a) || isDyn(b)) return true;
  if (a.kind === 'null') return nullable(b);
  if (b.kind === 'null') return nullable(a);
  if (a.kind !== b.kind) return false;
  if (a.kind === 'type') return true;
  if (a.kind === 'object') return sameType(a, b);
  return a.name === b.name && assignEach(mapping, a.params, b.params);
}

/** undefined: the parameter cannot stand for it, and stands for nothing yet. */
function bind(mapping: Mapping, type: Type, param: Type): boolean | undefined {
  if (sameType(type, param)) return true;
  const known = mapping.get(param.name);
  if (known === undefined) {
    if (mentions(mapping, param, type)) return undefined;
    mapping.set(param.name, type);
    return true;
  }
  if (sameType(type, known)) return true;
  if (!assign(mapping, type, known)) return false;
  const general = mostGeneral(type, known);
  if (!mentions(mapping, param, general)) mapping.set(param.name, general);
  return true;
}

function mentions(mapping: Mapping, param: Type, within: Type): boolean {
  if (within.kind === 'param') {
    if (within.name === param.name) return true;
    const known = mapping.get(within.name);
    return known !== undefined && mentions(mapping, param, known);
  }
  return within.params.some((one) => mentions(mapping, param, one));
}

function nullable({ kind }: Type): boolean {
  return kind === 'null' || kind === 'object' || kind === 'opaque' || kind === 'timestamp' || kind === 'duration';
}

export function mostGeneral(a: Type, b: Type): Type {
  return isLessSpecific(a, b) ? a : b;
}

function isLessSpecific(a: Type, b: Type): boolean {
  if (a.kind === 'dyn' || a.kind === 'param') return true;
  if (b.kind === 'dyn' || b.kind === 'param' || a.kind !== b.kind) return false;
  if (a.kind === 'type') return true;
  if (a.params.length === 0 || a.params.length !== b.params.length || a.name !== b.name) return sameType(a, b);
  return a.params.every((one, index) => isLessSpecific(one, b.params[index] as Type));
}
