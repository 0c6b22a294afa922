/** Lists and sets. Upstream: apiserver/pkg/cel/library/lists.go, cel-go/ext/lists.go (version 3), ext/sets.go. */
import { CostExceeded, EvalError } from '../issues.ts';
import type { Declaration } from '../signature.ts';
import type { Value } from '../values.ts';
import { compareNumbers, Duration, equal, int, isNumeric, Timestamp, Uint, uint } from '../values.ts';

type List = readonly Value[];

/** Of values of one type that has an order. */
export function compare(a: Value, b: Value): number {
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(a, b);
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  const timed = (a instanceof Timestamp && b instanceof Timestamp) || (a instanceof Duration && b instanceof Duration);
  if (timed) return compareNumbers(a.nanos, b.nanos);
  throw new EvalError('no such overload');
}

function isSorted(list: List): boolean {
  return list.every((item, index) => index === 0 || compare(list[index - 1] ?? null, item) <= 0);
}

function extreme(list: List, word: string, sign: number): Value {
  const [first] = list;
  if (first === undefined) throw new EvalError(`${word} called on empty list`);
  return list.reduce((best, item) => (compare(item, best) * sign > 0 ? item : best), first);
}

function sum(zero: Value): (list: List) => Value {
  return (list) =>
    list.reduce((total, item) => {
      if (typeof total === 'bigint' && typeof item === 'bigint') return int(total + item);
      if (typeof total === 'number' && typeof item === 'number') return total + item;
      if (total instanceof Uint && item instanceof Uint) return uint(total.value + item.value);
      if (total instanceof Duration && item instanceof Duration) return new Duration(int(total.nanos + item.nanos));
      throw new EvalError('no such overload');
    }, zero);
}

function contains(list: List, item: Value): boolean {
  return list.some((one) => equal(one, item));
}

function flatten(list: List, depth: bigint): List {
  if (depth < 0n) throw new EvalError('level must be non-negative');
  return list.flatMap((item) => (Array.isArray(item) && depth > 0n ? flatten(item as List, depth - 1n) : [item]));
}

function slice(list: List, start: bigint, end: bigint): List {
  const length = BigInt(list.length);
  const range = `(${String(start)}, ${String(end)})`;
  if (start < 0n || end < 0n) throw new EvalError(`cannot slice${range}, negative indexes not supported`);
  if (start > end) throw new EvalError(`cannot slice${range}, start index must be less than or equal to end index`);
  if (length < end) throw new EvalError(`cannot slice${range}, list is length ${String(length)}`);
  return list.slice(Number(start), Number(end));
}

/** A list that costs more than any expression may is not made first and charged after. */
function range(count: bigint): List {
  if (count > 10_000_000n) throw new CostExceeded();
  return Array.from({ length: Number(count < 0n ? 0n : count) }, (_, index) => BigInt(index));
}

function sortBy(list: List, keys: List): List {
  return list
    .map((item, index) => [keys[index] ?? null, item] as const)
    .sort(([a], [b]) => compare(a, b))
    .map(([, item]) => item);
}

const comparable = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'] as const;
const summed = { int: 0n, uint: new Uint(0n), double: 0, duration: new Duration(0n) } as const;

export const lists = (): readonly Declaration[] => [
  ...comparable.flatMap((type) => [
    { id: `list_${type}_is_sorted_bool`, of: `list<${type}>.isSorted() bool`, call: isSorted },
    {
      id: `list_${type}_max_${type}`,
      of: `list<${type}>.max() ${type}`,
      call: (list: List) => extreme(list, 'max', 1),
    },
    {
      id: `list_${type}_min_${type}`,
      of: `list<${type}>.min() ${type}`,
      call: (list: List) => extreme(list, 'min', -1),
    },
    {
      id: `list_${type}_sort`,
      of: `list<${type}>.sort() list<${type}>`,
      call: (list: List) => [...list].sort(compare),
    },
    {
      id: `list_${type}_sortByAssociatedKeys`,
      of: `list<A>.@sortByAssociatedKeys(list<${type}>) list<A>`,
      call: sortBy,
    },
  ]),
  ...Object.entries(summed).map(([type, zero]) => ({
    id: `list_${type}_sum_${type}`,
    of: `list<${type}>.sum() ${type}`,
    call: sum(zero),
  })),
  {
    id: 'list_a_index_of_int',
    of: 'list<A>.indexOf(A) int',
    call: (list: List, item: Value) => BigInt(list.findIndex((one) => equal(one, item))),
  },
  {
    id: 'list_a_last_index_of_int',
    of: 'list<A>.lastIndexOf(A) int',
    call: (list: List, item: Value) => BigInt(list.findLastIndex((one) => equal(one, item))),
  },
  { id: 'list_slice', of: 'list<A>.slice(int, int) list<A>', call: slice },
  { id: 'list_flatten', of: 'list<list<A>>.flatten() list<A>', call: (list: List) => flatten(list, 1n) },
  { id: 'list_flatten_int', of: 'list<dyn>.flatten(int) list<dyn>', call: flatten },
  { id: 'list_reverse', of: 'list<A>.reverse() list<A>', call: (list: List) => list.toReversed() },
  {
    id: 'list_distinct',
    of: 'list<A>.distinct() list<A>',
    call: (list: List) => list.filter((item, index) => list.findIndex((one) => equal(one, item)) === index),
  },
  {
    id: 'lists_range',
    of: 'lists:range(int) list<int>',
    call: range,
  },
  {
    id: 'list_sets_contains_list',
    of: 'sets:contains(list<A>, list<A>) bool',
    call: (list: List, part: List) => part.every((item) => contains(list, item)),
  },
  {
    id: 'list_sets_equivalent_list',
    of: 'sets:equivalent(list<A>, list<A>) bool',
    call: (a: List, b: List) => a.every((item) => contains(b, item)) && b.every((item) => contains(a, item)),
  },
  {
    id: 'list_sets_intersects_list',
    of: 'sets:intersects(list<A>, list<A>) bool',
    call: (a: List, b: List) => a.some((item) => contains(b, item)),
  },
];
