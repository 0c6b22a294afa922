/** Operators, conversions and what every CEL has. Upstream: cel-go/common/stdlib/standard.go and common/types. */
import { EvalError } from '../issues.ts';
import { goRegExp } from '../regexp.ts';
import type { Declaration } from '../signature.ts';
import { doubleText, durationText, parseDuration, parseTimestamp, timestampText } from '../time.ts';
import type { Value } from '../values.ts';
import {
  CelMap,
  characters,
  compareNumbers,
  Duration,
  equal,
  int,
  Optional,
  Struct,
  Timestamp,
  typeName,
  TypeValue,
  Uint,
  uint,
} from '../values.ts';

type Numeric = bigint | number | Uint;

function define(id: string, of: string, call: (...args: never[]) => Value): Declaration {
  return { id, of, call };
}

const numberTypes = ['int', 'uint', 'double'] as const;
const longNames = { int: 'int64', uint: 'uint64', double: 'double' } as const;

function orderings(): Declaration[] {
  const found: Declaration[] = [];
  const tests = [
    ['<', 'less', (order: number) => order < 0],
    ['<=', 'less_equals', (order: number) => order <= 0],
    ['>', 'greater', (order: number) => order > 0],
    ['>=', 'greater_equals', (order: number) => order >= 0],
  ] as const;
  for (const [op, word, test] of tests) {
    const add = (suffix: string, a: string, b: string, compare: (a: never, b: never) => number): void => {
      const call = (left: Value, right: Value): boolean => test(compare(left as never, right as never));
      found.push(define(`${word}_${suffix}`, `_${op}_(${a}, ${b}) bool`, call));
    };
    add('bool', 'bool', 'bool', (a: boolean, b: boolean) => Number(a) - Number(b));
    add('string', 'string', 'string', (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    add('bytes', 'bytes', 'bytes', (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b));
    add('timestamp', 'timestamp', 'timestamp', (a: Timestamp, b: Timestamp) => compareNumbers(a.nanos, b.nanos));
    add('duration', 'duration', 'duration', (a: Duration, b: Duration) => compareNumbers(a.nanos, b.nanos));
    for (const a of numberTypes) {
      for (const b of numberTypes) {
        const suffix = a === b ? longNames[a] : `${longNames[a]}_${longNames[b]}`;
        add(suffix, a, b, (left: Numeric, right: Numeric) => compareNumbers(left, right));
      }
    }
  }
  return found;
}

function divide(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new EvalError('division by zero');
  return a / b;
}

function modulo(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new EvalError('modulus by zero');
  return a % b;
}

const arithmetic: readonly Declaration[] = [
  define('add_int64', '_+_(int, int) int', (a: bigint, b: bigint) => int(a + b)),
  define('add_uint64', '_+_(uint, uint) uint', (a: Uint, b: Uint) => uint(a.value + b.value)),
  define('add_double', '_+_(double, double) double', (a: number, b: number) => a + b),
  define('add_string', '_+_(string, string) string', (a: string, b: string) => a + b),
  define('add_bytes', '_+_(bytes, bytes) bytes', (a: Uint8Array, b: Uint8Array) => Buffer.concat([a, b])),
  define('add_list', '_+_(list<A>, list<A>) list<A>', (a: readonly Value[], b: readonly Value[]) => [...a, ...b]),
  define('add_timestamp_duration', '_+_(timestamp, duration) timestamp', (a: Timestamp, b: Duration) =>
    shift(a, b.nanos),
  ),
  define('add_duration_timestamp', '_+_(duration, timestamp) timestamp', (a: Duration, b: Timestamp) =>
    shift(b, a.nanos),
  ),
  define('add_duration_duration', '_+_(duration, duration) duration', (a: Duration, b: Duration) =>
    span(a.nanos + b.nanos),
  ),
  define('subtract_int64', '_-_(int, int) int', (a: bigint, b: bigint) => int(a - b)),
  define('subtract_uint64', '_-_(uint, uint) uint', (a: Uint, b: Uint) => uint(a.value - b.value)),
  define('subtract_double', '_-_(double, double) double', (a: number, b: number) => a - b),
  define('subtract_timestamp_timestamp', '_-_(timestamp, timestamp) duration', (a: Timestamp, b: Timestamp) =>
    span(a.nanos - b.nanos),
  ),
  define('subtract_timestamp_duration', '_-_(timestamp, duration) timestamp', (a: Timestamp, b: Duration) =>
    shift(a, -b.nanos),
  ),
  define('subtract_duration_duration', '_-_(duration, duration) duration', (a: Duration, b: Duration) =>
    span(a.nanos - b.nanos),
  ),
  define('multiply_int64', '_*_(int, int) int', (a: bigint, b: bigint) => int(a * b)),
  define('multiply_uint64', '_*_(uint, uint) uint', (a: Uint, b: Uint) => uint(a.value * b.value)),
  define('multiply_double', '_*_(double, double) double', (a: number, b: number) => a * b),
  define('divide_int64', '_/_(int, int) int', (a: bigint, b: bigint) => int(divide(a, b))),
  define('divide_uint64', '_/_(uint, uint) uint', (a: Uint, b: Uint) => uint(divide(a.value, b.value))),
  define('divide_double', '_/_(double, double) double', (a: number, b: number) => a / b),
  define('modulo_int64', '_%_(int, int) int', (a: bigint, b: bigint) => modulo(a, b)),
  define('modulo_uint64', '_%_(uint, uint) uint', (a: Uint, b: Uint) => uint(modulo(a.value, b.value))),
  define('negate_int64', '-_(int) int', (a: bigint) => int(-a)),
  define('negate_double', '-_(double) double', (a: number) => -a),
  define('logical_not', '!_(bool) bool', (a: boolean) => !a),
];

function shift({ nanos }: Timestamp, by: bigint): Timestamp {
  return checkedTimestamp(nanos + by);
}

const firstInstant = -62135596800n * 1_000_000_000n;
const lastInstant = 253402300800n * 1_000_000_000n;

function checkedTimestamp(nanos: bigint): Timestamp {
  if (nanos < firstInstant || nanos >= lastInstant) throw new EvalError('timestamp overflow');
  return new Timestamp(nanos);
}

function span(nanos: bigint): Duration {
  return new Duration(int(nanos, 'duration overflow'));
}

function atIndex(list: readonly Value[], index: Value): Value {
  const place =
    index instanceof Uint ? index.value : typeof index === 'number' && Number.isInteger(index) ? BigInt(index) : index;
  if (typeof place !== 'bigint') throw new EvalError(`unsupported index type '${typeName(index)}' in list`);
  const found = place < 0n ? undefined : list[Number(place)];
  if (found === undefined) throw new EvalError(`index out of bounds: ${String(place)}`);
  return found;
}

export function keyShown(key: Value): string {
  return key instanceof Uint ? String(key.value) : typeof key === 'object' ? typeName(key) : String(key);
}

function atKey(map: CelMap | Struct, key: Value): Value {
  const found = map instanceof Struct ? (typeof key === 'string' ? map.get(key) : undefined) : map.get(key);
  if (found === undefined) throw new EvalError(`no such key: ${keyShown(key)}`);
  return found;
}

const containers: readonly Declaration[] = [
  define('equals', '_==_(A, A) bool', (a: Value, b: Value) => equal(a, b)),
  define('not_equals', '_!=_(A, A) bool', (a: Value, b: Value) => !equal(a, b)),
  define('in_list', '@in(A, list<A>) bool', (a: Value, list: readonly Value[]) => list.some((item) => equal(a, item))),
  define('in_map', '@in(A, map<A, B>) bool', (a: Value, map: CelMap | Struct) =>
    map instanceof Struct ? typeof a === 'string' && map.has(a) : map.has(a),
  ),
  define('index_list', '_[_](list<A>, int) A', (list: readonly Value[], index: Value) => atIndex(list, index)),
  define('index_map', '_[_](map<A, B>, A) B', (map: CelMap | Struct, key: Value) => atKey(map, key)),
  define('size_string', 'size(string) int', (text: string) => BigInt(characters(text))),
  define('string_size', 'string.size() int', (text: string) => BigInt(characters(text))),
  define('size_bytes', 'size(bytes) int', (bytes: Uint8Array) => BigInt(bytes.length)),
  define('bytes_size', 'bytes.size() int', (bytes: Uint8Array) => BigInt(bytes.length)),
  define('size_list', 'size(list<A>) int', (list: readonly Value[]) => BigInt(list.length)),
  define('list_size', 'list<A>.size() int', (list: readonly Value[]) => BigInt(list.length)),
  define('size_map', 'size(map<A, B>) int', (map: CelMap | Struct) => BigInt(map.size)),
  define('map_size', 'map<A, B>.size() int', (map: CelMap | Struct) => BigInt(map.size)),
  define('contains_string', 'string.contains(string) bool', (text: string, part: string) => text.includes(part)),
  define('starts_with_string', 'string.startsWith(string) bool', (text: string, part: string) => text.startsWith(part)),
  define('ends_with_string', 'string.endsWith(string) bool', (text: string, part: string) => text.endsWith(part)),
  define('matches', 'matches(string, string) bool', (text: string, pattern: string) => goRegExp(pattern).test(text)),
  define('matches_string', 'string.matches(string) bool', (text: string, pattern: string) =>
    goRegExp(pattern).test(text),
  ),
  define('map_insert_key_value', 'cel:@mapInsert(map<A, B>, A, B) map<A, B>', (map: CelMap, key: Value, value: Value) =>
    inserted(map, [[key, value]]),
  ),
  define('map_insert_map', 'cel:@mapInsert(map<A, B>, map<A, B>) map<A, B>', (map: CelMap, more: CelMap) =>
    inserted(map, more.entries()),
  ),
];

/** Changes the map: it is always the accumulator of a loop. */
function inserted(map: CelMap, more: Iterable<readonly [Value, Value]>): CelMap {
  for (const [key, value] of more) {
    if (map.has(key)) throw new EvalError(`insert failed: key ${keyShown(key)} already exists`);
    map.set(key, value);
  }
  return map;
}

const conversions: readonly Declaration[] = [
  define('bool_to_bool', 'bool(bool) bool', (a: boolean) => a),
  define('string_to_bool', 'bool(string) bool', (a: string) => {
    if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(a)) return true;
    if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(a)) return false;
    throw cannotConvert('string', 'bool');
  }),
  define('bytes_to_bytes', 'bytes(bytes) bytes', (a: Uint8Array) => a),
  define('string_to_bytes', 'bytes(string) bytes', (a: string) => new Uint8Array(Buffer.from(a))),
  define('double_to_double', 'double(double) double', (a: number) => a),
  define('int64_to_double', 'double(int) double', (a: bigint) => Number(a)),
  define('uint64_to_double', 'double(uint) double', (a: Uint) => Number(a.value)),
  define('string_to_double', 'double(string) double', (a: string) => {
    const number = /^[+-]?(?:inf|infinity)$/i.test(a)
      ? a.startsWith('-')
        ? -Infinity
        : Infinity
      : /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(a)
        ? Number(a)
        : NaN;
    if (Number.isNaN(number) && !/^nan$/i.test(a)) throw cannotConvert('string', 'double');
    return number;
  }),
  define('duration_to_duration', 'duration(duration) duration', (a: Duration) => a),
  define('string_to_duration', 'duration(string) duration', (a: string) => {
    const nanos = parseDuration(a);
    if (nanos === undefined) throw cannotConvert('string', 'google.protobuf.Duration');
    return new Duration(nanos);
  }),
  define('int64_to_duration', 'duration(int) duration', (a: bigint) => span(a * 1_000_000_000n)),
  define('int64_to_int64', 'int(int) int', (a: bigint) => a),
  define('uint64_to_int64', 'int(uint) int', (a: Uint) => int(a.value)),
  define('double_to_int64', 'int(double) int', (a: number) => int(truncated(a, 'integer overflow'))),
  define('string_to_int64', 'int(string) int', (a: string) => {
    if (!/^[+-]?\d+$/.test(a)) throw cannotConvert('string', 'int');
    const value = BigInt(a.replace(/^\+/, ''));
    if (BigInt.asIntN(64, value) !== value) throw cannotConvert('string', 'int');
    return value;
  }),
  define('timestamp_to_int64', 'int(timestamp) int', (a: Timestamp) => a.nanos / 1_000_000_000n),
  define('duration_to_int64', 'int(duration) int', (a: Duration) => a.nanos),
  define('string_to_string', 'string(string) string', (a: string) => a),
  define('bool_to_string', 'string(bool) string', (a: boolean) => String(a)),
  define('bytes_to_string', 'string(bytes) string', (a: Uint8Array) => {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(a);
    } catch {
      throw new EvalError('invalid UTF-8 in bytes, cannot convert to string');
    }
  }),
  define('double_to_string', 'string(double) string', (a: number) => doubleText(a)),
  define('int64_to_string', 'string(int) string', (a: bigint) => String(a)),
  define('uint64_to_string', 'string(uint) string', (a: Uint) => String(a.value)),
  define('timestamp_to_string', 'string(timestamp) string', (a: Timestamp) => timestampText(a.nanos)),
  define('duration_to_string', 'string(duration) string', (a: Duration) => durationText(a.nanos)),
  define('timestamp_to_timestamp', 'timestamp(timestamp) timestamp', (a: Timestamp) => a),
  define('int64_to_timestamp', 'timestamp(int) timestamp', (a: bigint) => checkedTimestamp(a * 1_000_000_000n)),
  define('string_to_timestamp', 'timestamp(string) timestamp', (a: string) => {
    const nanos = parseTimestamp(a);
    if (nanos === undefined) throw cannotConvert('string', 'google.protobuf.Timestamp');
    return checkedTimestamp(nanos);
  }),
  define('uint64_to_uint64', 'uint(uint) uint', (a: Uint) => a),
  define('int64_to_uint64', 'uint(int) uint', (a: bigint) => uint(a)),
  define('double_to_uint64', 'uint(double) uint', (a: number) => uint(truncated(a, 'unsigned integer overflow'))),
  define('string_to_uint64', 'uint(string) uint', (a: string) => {
    if (!/^\d+$/.test(a) || BigInt(a) >= 2n ** 64n) throw cannotConvert('string', 'uint');
    return new Uint(BigInt(a));
  }),
  define('to_dyn', 'dyn(A) dyn', (a: Value) => a),
  define('type', 'type(A) type<A>', (a: Value) => new TypeValue(typeName(a))),
];

function cannotConvert(from: string, to: string): EvalError {
  return new EvalError(`type conversion error from '${from}' to '${to}'`);
}

function truncated(value: number, why: string): bigint {
  if (!Number.isFinite(value)) throw new EvalError(why);
  return BigInt(Math.trunc(value));
}

const optionals: readonly Declaration[] = [
  define('optional_of', 'optional:of(A) optional<A>', (a: Value) => new Optional(a)),
  define('optional_none', 'optional:none() optional<A>', () => Optional.none),
  define('optional_ofNonZeroValue', 'optional:ofNonZeroValue(A) optional<A>', (a: Value) =>
    isZero(a) ? Optional.none : new Optional(a),
  ),
  define('optional_hasValue', 'optional<A>.hasValue() bool', (a: Optional) => a.value !== undefined),
  define('optional_value', 'optional<A>.value() A', (a: Optional) => {
    if (a.value === undefined) throw new EvalError('optional.none() dereference');
    return a.value;
  }),
  define('optional_or_optional', 'optional<A>.or(optional<A>) optional<A>', (a: Optional, b: Optional) =>
    a.value === undefined ? b : a,
  ),
  define('optional_orValue_value', 'optional<A>.orValue(A) A', (a: Optional, b: Value) => a.value ?? b),
  define(
    'optional_map_optindex_optional_value',
    '_[_](optional<map<A, B>>, A) optional<B>',
    (a: Optional, key: Value) => (a.value === undefined ? Optional.none : optionalAt(a.value, key)),
  ),
  define('optional_list_index_int', '_[_](optional<list<A>>, int) optional<A>', (a: Optional, key: Value) =>
    a.value === undefined ? Optional.none : optionalAt(a.value, key),
  ),
  define('list_optindex_optional_int', '_[?_](list<A>, int) optional<A>', (a: Value, key: Value) => optionalAt(a, key)),
  define('optional_list_optindex_optional_int', '_[?_](optional<list<A>>, int) optional<A>', (a: Value, key: Value) =>
    optionalAt(a, key),
  ),
  define('map_optindex_optional_value', '_[?_](map<A, B>, A) optional<B>', (a: Value, key: Value) =>
    optionalAt(a, key),
  ),
  define('optional_map_optindex_optional_value2', '_[?_](optional<map<A, B>>, A) optional<B>', (a: Value, key: Value) =>
    optionalAt(a, key),
  ),
];

/** What is there, or none. */
export function optionalAt(from: Value, key: Value): Optional {
  const value = from instanceof Optional ? from.value : from;
  if (value === undefined) return Optional.none;
  let found: Value | undefined;
  if (value instanceof Struct) found = typeof key === 'string' ? value.get(key) : undefined;
  else if (value instanceof CelMap) found = value.get(key);
  else if (Array.isArray(value) && typeof key === 'bigint')
    found = key < 0n ? undefined : (value as readonly Value[])[Number(key)];
  else throw new EvalError('no such overload');
  return found === undefined ? Optional.none : new Optional(found);
}

function isZero(value: Value): boolean {
  if (value === null || value === false || value === '' || value === 0n || value === 0) return true;
  if (value instanceof Uint) return value.value === 0n;
  if (Array.isArray(value) || value instanceof Uint8Array) return (value as Uint8Array).length === 0;
  if (value instanceof CelMap || value instanceof Struct) return value.size === 0;
  if (value instanceof Duration) return value.nanos === 0n;
  return value instanceof Optional && value.value === undefined;
}

export const standard = (): readonly Declaration[] => [
  ...orderings(),
  ...arithmetic,
  ...containers,
  ...conversions,
  ...optionals,
];
