/**
 * How functions are declared: one line of CEL's own words each, read when a name is first asked for.
 *
 *   { id: 'string_char_at_int', of: 'string.charAt(int) string', call: (text, index) => … }
 *   { id: 'list_a_index_of_int', of: 'list<A>.indexOf(A) int', … }          A, B: any type, the same wherever it stands
 */
import type { Type } from './types.ts';
import { listOf, mapOf, opaque, optionalOf, typeOf, types } from './types.ts';
import type { Value } from './values.ts';
import { CelMap, Duration, Opaque, Optional, Struct, Timestamp, TypeValue, Uint } from './values.ts';

export interface Declaration {
  readonly id: string;
  readonly of: string;
  readonly call: (...args: never[]) => Value;
}

export interface Overload {
  readonly id: string;
  readonly member: boolean;
  /** The receiver first. */
  readonly args: readonly Type[];
  readonly result: Type;
  readonly call: (...args: readonly Value[]) => Value;
  /** May these values be its arguments? For dyn, which nobody checked before. */
  readonly takes: (args: readonly Value[]) => boolean;
}

export type Functions = ReadonlyMap<string, readonly Overload[]>;

export function declare(declarations: readonly Declaration[]): Map<string, Overload[]> {
  const found = new Map<string, Overload[]>();
  for (const declaration of declarations) {
    const [name, overload] = read(declaration);
    const known = found.get(name);
    if (known === undefined) found.set(name, [overload]);
    else known.push(overload);
  }
  return found;
}

const form = /^(?:(.+?)\.)?([@_a-zA-Z][\w@]*|[^(\s]+)\((.*)\) (.+)$/;

function read({ id, of, call }: Declaration): readonly [string, Overload] {
  // A namespace is not a receiver: `sets.contains(…)`, `ip.isCanonical(…)` are written with a colon.
  const [, receiver, plain = '', list = '', result = ''] = form.exec(of) ?? [];
  const name = plain.replaceAll(':', '.');
  const own = splitTypes(list).map(readType);
  const args = receiver === undefined ? own : [readType(receiver), ...own];
  const takers = args.map(takerOf);
  const overload: Overload = {
    id,
    member: receiver !== undefined,
    args,
    result: readType(result),
    call: call as Overload['call'],
    takes: (values) => values.length === takers.length && takers.every((take, index) => take(values[index] as Value)),
  };
  return [name, overload];
}

function splitTypes(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index <= text.length; index++) {
    const character = text[index];
    if (character === '<') depth++;
    else if (character === '>') depth--;
    else if ((character === ',' && depth === 0) || character === undefined) {
      const part = text.slice(start, index).trim();
      if (part !== '') parts.push(part);
      start = index + 1;
    }
  }
  return parts;
}

function readType(text: string): Type {
  const [, name = text, inner] = /^([\w.:]+)<(.*)>$/.exec(text) ?? [];
  const params = inner === undefined ? [] : splitTypes(inner).map(readType);
  const [first = types.dyn, second = types.dyn] = params;
  if (name === 'list') return listOf(first);
  if (name === 'map') return mapOf(first, second);
  if (name === 'optional') return optionalOf(first);
  if (name === 'type') return params.length === 0 ? { kind: 'type', name: 'type', params: [] } : typeOf(first);
  if (/^[A-Z]$/.test(name)) return { kind: 'param', name, params: [] };
  if (Object.hasOwn(types, name)) return types[name as keyof typeof types];
  return opaque(name.replaceAll(':', '.'));
}

function takerOf({ kind, name }: Type): (value: Value) => boolean {
  switch (kind) {
    case 'bool':
      return (value) => typeof value === 'boolean';
    case 'int':
      return (value) => typeof value === 'bigint';
    case 'uint':
      return (value) => value instanceof Uint;
    case 'double':
      return (value) => typeof value === 'number';
    case 'string':
      return (value) => typeof value === 'string';
    case 'bytes':
      return (value) => value instanceof Uint8Array;
    case 'timestamp':
      return (value) => value instanceof Timestamp;
    case 'duration':
      return (value) => value instanceof Duration;
    case 'list':
      return (value) => Array.isArray(value);
    case 'map':
      return (value) => value instanceof CelMap || value instanceof Struct;
    case 'type':
      return (value) => value instanceof TypeValue;
    case 'opaque':
      if (name === 'optional_type') return (value) => value instanceof Optional;
      return (value) => value instanceof Opaque && value.typeName === name;
    default:
      return () => true;
  }
}
