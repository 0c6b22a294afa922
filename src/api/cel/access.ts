/** Fields, keys and indices of values of which nobody knows what they are. */
import { EvalError } from './issues.ts';
import { keyShown } from './library/standard.ts';
import type { Value } from './values.ts';
import { CelMap, Optional, Struct, Uint } from './values.ts';

export function hasField(value: Value, field: string): boolean {
  if (value instanceof Optional) return value.value !== undefined && hasField(value.value, field);
  if (value instanceof Struct) return value.has(field);
  if (value instanceof CelMap) return value.has(field);
  throw new EvalError(`no such key: ${field}`);
}

export function fieldOf(value: Value, field: string): Value {
  const found = value instanceof Struct || value instanceof CelMap ? value.get(field) : undefined;
  if (found !== undefined) return found;
  if (value instanceof Struct && value.unset !== undefined) return value.unset;
  if (value instanceof Struct || value instanceof CelMap) throw new EvalError(`no such key: ${field}`);
  throw new EvalError('no such overload');
}

export function elementOf(value: Value, index: Value): Value {
  if (value instanceof CelMap || value instanceof Struct) {
    const found = value instanceof CelMap ? value.get(index) : typeof index === 'string' ? value.get(index) : undefined;
    if (found !== undefined) return found;
    throw new EvalError(`no such key: ${keyShown(index)}`);
  }
  if (!Array.isArray(value)) throw new EvalError('no such overload');
  const place = index instanceof Uint ? index.value : index;
  const whole = typeof place === 'number' && Number.isInteger(place) ? BigInt(place) : place;
  if (typeof whole !== 'bigint') throw new EvalError('no such overload');
  const found = whole < 0n ? undefined : (value as readonly Value[])[Number(whole)];
  if (found === undefined) throw new EvalError(`index out of bounds: ${String(whole)}`);
  return found;
}

export function* iterated(over: Value, two: boolean): Iterable<readonly [Value, Value]> {
  if (Array.isArray(over)) {
    for (const [index, item] of (over as readonly Value[]).entries()) yield two ? [BigInt(index), item] : [item, item];
  } else if (over instanceof CelMap) yield* over.entries();
  else if (over instanceof Struct) for (const field of over.fields()) yield [field, over.get(field) ?? null];
  else throw new EvalError('no such overload');
}

export function unwrapped(value: Value): Value | undefined {
  if (value instanceof Optional) return value.value;
  throw new EvalError('cannot initialize optional entry from non-optional value');
}
