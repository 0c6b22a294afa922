/**
 * What a call cost, once it is made. Upstream: apiserver/pkg/cel/library/cost.go (CallCost), cel-go/interpreter/runtimecost.go,
 * cel-go/ext/lists.go and sets.go (trackers).
 */
import { FormatValue } from './library/index.ts';
import type { Value } from './values.ts';
import { CelMap, Opaque, sizeOf, Struct } from './values.ts';

/** Of walking a string, per character. */
export const traversal = 0.1;
/** Of a regular expression, per character. */
export const regexLength = 0.25;
export const listBase = 10;
export const mapBase = 30;
export const structBase = 40;
/** Only two of them fit into one expression. */
export const authorizationCheck = 350_000;

type Cost = (args: readonly Value[], result: Value, overload: string) => number;

const one: Cost = () => 1;
const walk =
  (factor: number, at = 0): Cost =>
  (args) =>
    Math.ceil(size(args, at) * factor * traversal);

function size(args: readonly Value[], at: number): number {
  return sizeOf(args[at] ?? null);
}

const regex: Cost = (args) => Math.ceil((1 + size(args, 0)) * traversal) * Math.ceil(size(args, 1) * regexLength);
const shorter: Cost = (args) => {
  if (args[0] instanceof Opaque) return 1;
  return Math.ceil(Math.min(size(args, 0), size(args, 1)) * traversal);
};
const bothWalked: Cost = (args) => Math.ceil((size(args, 0) + size(args, 1)) * traversal);

function walked(value: Value): number {
  if (typeof value === 'string') return Math.floor(Buffer.byteLength(value) * traversal);
  if (value instanceof Uint8Array) return Math.floor(value.length * traversal);
  if (Array.isArray(value)) return (value as readonly Value[]).reduce<number>((sum, item) => sum + walked(item), 0);
  if (value instanceof CelMap) {
    return [...value.entries()].reduce((sum, [key, item]) => sum + walked(key) + walked(item), 0);
  }
  if (value instanceof Struct) {
    return [...value.fields()].reduce((sum, field) => sum + walked(field) + walked(value.get(field) ?? null), 0);
  }
  return 1;
}

function made(factor: number, count: number): number {
  return Math.floor(count * factor) + 1 + listBase;
}

const selfCompared =
  (at: number): Cost =>
  (args) => {
    const list = (args[at] ?? []) as readonly Value[];
    const [first] = list;
    const factor = typeof first === 'string' || first instanceof Uint8Array ? 2 + traversal : 2;
    return made(factor, list.length * list.length);
  };

const contains =
  (extra: Cost): Cost =>
  (args, result, overload) =>
    Math.ceil(2 * size(args, 0) * traversal) + extra(args, result, overload);
const parsed = (args: readonly Value[], overload: string): number =>
  overload.endsWith('_string') ? Math.ceil(size(args, 1) * traversal) : 0;

const byOverload: Readonly<Record<string, Cost>> = {
  list_slice: (_args, result) => made(1, sizeOf(result)),
  lists_range: (_args, result) => made(1, sizeOf(result)),
  list_reverse: (_args, result) => made(1, sizeOf(result)),
  list_flatten: (args) => made(1, size(args, 0)),
  list_flatten_int: (args) => made(Number(args[1] ?? 1n), size(args, 0)),
  list_distinct: selfCompared(0),
  list_sets_contains_list: (args) => size(args, 0) * size(args, 1) + 1,
  list_sets_intersects_list: (args) => size(args, 0) * size(args, 1) + 1,
  list_sets_equivalent_list: (args) => 2 * size(args, 0) * size(args, 1) + 1,
  cidr_ip: one,
  starts_with_string: walk(1),
  ends_with_string: walk(1),
  string_to_bytes: walk(1),
  bytes_to_string: walk(1),
  strings_quote: walk(1),
  string_format: walk(1),
  in_list: (args) => size(args, 1),
  equals: shorter,
  not_equals: shorter,
  less_string: shorter,
  greater_string: shorter,
  less_equals_string: shorter,
  greater_equals_string: shorter,
  less_bytes: shorter,
  greater_bytes: shorter,
  less_equals_bytes: shorter,
  greater_equals_bytes: shorter,
  add_string: bothWalked,
  add_bytes: bothWalked,
  matches: regex,
  matches_string: regex,
  contains_string: (args) => Math.ceil(size(args, 0) * traversal) * Math.ceil(size(args, 1) * traversal),
};

const each = (names: string, cost: Cost): (readonly [string, Cost])[] => names.split(' ').map((name) => [name, cost]);

const byFunction: ReadonlyMap<string, Cost> = new Map<string, Cost>([
  ['check', () => authorizationCheck],
  ...each('fieldSelector labelSelector', (args) => selectorCost(size(args, 1))),
  ...each('isSorted sum max min indexOf lastIndexOf', (args) => walked(args[0] ?? null)),
  ...each('sort', selfCompared(0)),
  ...each('@sortByAssociatedKeys', selfCompared(1)),
  ...each('url lowerAscii upperAscii substring trim cidr isIP isCIDR ip quantity isQuantity semver isSemver', walk(1)),
  ...each('replace split ip.isCanonical', walk(2)),
  ['join', (_args, result) => Math.ceil(sizeOf(result) * 2 * traversal)],
  ...each('find findAll', regex),
  ['containsIP', contains((args, _result, overload) => parsed(args, overload))],
  [
    'containsCIDR',
    contains((args, _result, overload) => Math.ceil(size(args, 0) * traversal) + 1 + parsed(args, overload)),
  ],
  [
    'validate',
    (args) => {
      const [format] = args;
      const length = format instanceof FormatValue ? format.regexSize : 1;
      return Math.ceil((1 + size(args, 1)) * traversal) * Math.ceil(length * regexLength);
    },
  ],
]);

export function callCost(name: string, overload: string, args: readonly Value[], result: Value): number {
  return (byOverload[overload] ?? byFunction.get(name) ?? one)(args, result, overload);
}

/** A selector is at most one requirement per two characters. */
export function selectorCost(length: number): number {
  return listBase + Math.ceil(length * traversal) + Math.ceil(Math.ceil(length * 0.5) * (listBase + structBase));
}
