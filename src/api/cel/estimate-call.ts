/** What one call may cost, without its arguments, and how large its result may be. See estimate.ts. */
import type { Node } from './ast.ts';
import { authorizationCheck, listBase, regexLength, selectorCost, traversal } from './call-cost.ts';
import { add, fixed, most, scaled, times, unknownSize } from './range.ts';
import type { Range } from './range.ts';
import type { Type } from './types.ts';

export interface Argument {
  readonly node: Node;
  readonly type: Type;
  readonly size: Range | undefined;
  /** Of a list: what its items are, and how large the schema says they are. */
  readonly element?: { readonly type: Type; readonly size: Range | undefined };
}

export interface CallEstimate {
  readonly cost: Range;
  readonly result: Range | undefined;
}

type Estimate = (given: {
  readonly target: Argument | undefined;
  readonly args: readonly Argument[];
}) => CallEstimate | undefined;

export function estimateCall(
  name: string,
  overload: string,
  target: Argument | undefined,
  args: readonly Argument[],
): CallEstimate {
  const estimate = byOverload.get(overload) ?? byFunction.get(name);
  return estimate?.({ target, args }) ?? { cost: fixed(1), result: undefined };
}

function sizeOf(argument: Argument | undefined): Range {
  return argument?.size ?? unknownSize;
}

function costs(cost: Range, result?: Range): CallEstimate {
  return { cost, result };
}

const walkArgument: Estimate = ({ args }) => costs(scaled(sizeOf(args[0]), traversal));

function regex(text: Range, pattern: Range): Range {
  return times(scaled(add(text, fixed(1)), traversal), scaled(pattern, regexLength));
}

const compared: Estimate = ({ args }) => {
  const [a, b] = args;
  const max = Math.min(sizeOf(a).max, sizeOf(b).max);
  if (a?.type.kind === 'opaque' && b?.type.name === a.type.name && a.type.name !== 'optional_type') {
    return costs(fixed(1));
  }
  return costs(scaled({ min: max > 0 ? 1 : 0, max }, traversal));
};

const joinedText: Estimate = ({ args }) => {
  const result = add(sizeOf(args[0]), sizeOf(args[1]));
  return costs(scaled(result, traversal), result);
};

const made = (factor: number, size: Range): CallEstimate => costs(add(scaled(size, factor), fixed(1 + listBase)), size);

function numberAt(argument: Argument | undefined, otherwise: number): number {
  if (argument?.node.kind !== 'literal' || typeof argument.node.value !== 'bigint') return otherwise;
  return Math.max(0, Number(argument.node.value));
}

const sets =
  (factor: number): Estimate =>
  ({ args }) =>
    costs(add(scaled(times(sizeOf(args[0]), sizeOf(args[1])), factor), fixed(1)));

const sorted = (list: Argument | undefined, type: string): CallEstimate =>
  made(type === 'string' || type === 'bytes' ? 2 + traversal : 2, times(sizeOf(list), sizeOf(list)));

const byOverload = new Map<string, Estimate>([
  ...[
    'equals',
    'not_equals',
    ...['less', 'greater', 'less_equals', 'greater_equals'].flatMap((word) => [`${word}_string`, `${word}_bytes`]),
  ].map((id): [string, Estimate] => [id, compared]),
  ['add_string', joinedText],
  ['add_bytes', joinedText],
  ['add_list', ({ args }) => costs(fixed(1), add(sizeOf(args[0]), sizeOf(args[1])))],
  ['starts_with_string', walkArgument],
  ['ends_with_string', walkArgument],
  ['in_list', ({ args }) => costs(sizeOf(args[1]))],
  ['string_format', ({ target }) => costs(scaled(sizeOf(target), traversal))],
  [
    'string_to_bytes',
    ({ args }) => {
      const size = sizeOf(args[0]);
      return costs(scaled(size, traversal), { min: size.min, max: Math.min(most, size.max * 4) });
    },
  ],
  [
    'bytes_to_string',
    ({ args }) => {
      const size = sizeOf(args[0]);
      return costs(scaled(size, traversal), { min: Math.floor(size.min / 4), max: size.max });
    },
  ],
  [
    'strings_quote',
    ({ args }) => {
      const size = sizeOf(args[0]);
      return costs(scaled(size, traversal), { min: size.min + 2, max: Math.min(most, size.max * 2 + 2) });
    },
  ],
  ['matches_string', ({ target, args }) => costs(regex(sizeOf(target), sizeOf(args[0])))],
  [
    'contains_string',
    ({ target, args }) => costs(times(scaled(sizeOf(target), traversal), scaled(sizeOf(args[0]), traversal))),
  ],
  ['cidr_ip', () => costs(fixed(1))],
  ['list_slice', ({ target, args }) => made(1, fixed(numberAt(args[1], sizeOf(target).max) - numberAt(args[0], 0)))],
  ['lists_range', ({ args }) => made(1, fixed(numberAt(args[0], most)))],
  ['list_reverse', ({ target }) => made(1, sizeOf(target))],
  ['list_flatten', ({ target }) => made(1, sizeOf(target))],
  ['list_flatten_int', ({ target, args }) => made(numberAt(args[0], most), sizeOf(target))],
  ['list_distinct', ({ target }) => made(2, times(sizeOf(target), sizeOf(target)))],
  ['list_sets_contains_list', sets(1)],
  ['list_sets_intersects_list', sets(1)],
  ['list_sets_equivalent_list', sets(2)],
  ...['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'].flatMap(
    (type): [string, Estimate][] => [
      [`list_${type}_sort`, ({ target }) => sorted(target, type)],
      [`list_${type}_sortByAssociatedKeys`, ({ args }) => sorted(args[0], type)],
    ],
  ),
]);

const walkList: Estimate = ({ target }) => {
  if (target === undefined) return undefined;
  const { element } = target;
  if (element === undefined) return costs(scaled(sizeOf(target), traversal));
  const texts = element.type.kind === 'string' || element.type.kind === 'bytes';
  const each = texts ? add(fixed(1), scaled(element.size ?? unknownSize, traversal)) : fixed(1);
  return costs(times(sizeOf(target), each));
};

const walkSame: Estimate = ({ target, args }) => {
  const size = sizeOf(target ?? args[0]);
  return costs(scaled(size, traversal), size);
};

const replace: Estimate = ({ target, args }) => {
  const [text, old, by] = [sizeOf(target), sizeOf(args[0]), sizeOf(args[1])];
  const count = { min: 0, max: 0 };
  const kept = { min: 0, max: 0 };
  if (old.min === 0) {
    count.max = Math.min(most, text.max + 1);
    kept.max = text.max;
  } else if (by.max <= old.min) kept.max = text.max;
  else count.max = Math.ceil(text.max / old.min);
  if (old.max === 0) {
    count.min = Math.min(most, text.min + 1);
    kept.min = text.min;
  } else if (old.max <= by.min) kept.min = text.min;
  else count.min = Math.ceil(text.min / old.max);
  return costs(scaled(text, 2 * traversal), add(times(count, by), kept));
};

const split: Estimate = ({ target, args }) => {
  const size = sizeOf(target);
  const max = args.length > 1 ? numberAt(args[1], size.max) : size.max;
  return costs(scaled(size, 2 * traversal), { min: 0, max });
};

const join: Estimate = ({ target, args }) => {
  const list = sizeOf(target);
  let size = target?.element === undefined ? fixed(0) : times(list, target.element.size ?? unknownSize);
  if (args.length > 0) {
    const between = { min: Math.max(0, list.min - 1), max: Math.max(0, list.max - 1) };
    size = add(size, times(sizeOf(args[0]), between));
  }
  return costs(scaled(size, traversal), size);
};

const find: Estimate = ({ target, args }) => {
  const size = sizeOf(target);
  return costs(regex(size, sizeOf(args[0])), { min: 0, max: size.max });
};

const addressBytes: Range = { min: 4, max: 16 };
const twoAddresses = scaled(add(addressBytes, addressBytes), traversal);

function parsed(argument: Argument | undefined): Range {
  return argument?.type.kind === 'string' ? scaled(sizeOf(argument), traversal) : fixed(0);
}

/** Of the longest name format. */
const longestFormat = 128;

const each = (names: string, estimate: Estimate): [string, Estimate][] =>
  names.split(' ').map((name) => [name, estimate]);

const byFunction = new Map<string, Estimate>([
  ['check', () => costs(fixed(authorizationCheck))],
  ...each('fieldSelector labelSelector', ({ args }) => {
    const { min, max } = sizeOf(args[0]);
    return costs({ min: selectorCost(min), max: Math.min(most, selectorCost(max)) });
  }),
  ...each('isSorted sum max min indexOf lastIndexOf', walkList),
  ...each('url lowerAscii upperAscii substring trim', walkSame),
  ['replace', replace],
  ['split', split],
  ['join', join],
  ...each('find findAll', find),
  ...each('cidr isIP isCIDR ip quantity isQuantity semver isSemver', walkArgument),
  ['ip.isCanonical', ({ args }) => costs(scaled(sizeOf(args[0]), 2 * traversal))],
  ['containsIP', ({ args }) => costs(add(twoAddresses, parsed(args[0])))],
  [
    'containsCIDR',
    ({ args }) => costs(add(add(add(twoAddresses, scaled(addressBytes, traversal)), fixed(1)), parsed(args[0]))),
  ],
  ['validate', ({ args }) => costs(scaled(scaled(sizeOf(args[0]), traversal), longestFormat * regexLength))],
]);
