/**
 * The macros of the language, of optional values, of two-variable comprehensions and of lists, as the loops that they stand for.
 * Upstream: cel-go/parser/macro.go, cel/library.go (optMap), ext/comprehensions.go, ext/lists.go (sortBy).
 */
import { callOf, identOf, literalOf } from './ast.ts';
import type { Node } from './ast.ts';

type Fail = (at: number, message: string) => Error;

interface Macro {
  readonly at: number;
  readonly target: Node;
  readonly args: readonly Node[];
  readonly fail: Fail;
}

/** undefined: a call like any other. */
export function expandMacro(
  at: number,
  name: string,
  target: Node | undefined,
  args: readonly Node[],
  fail: Fail,
): Node | undefined {
  if (target === undefined) {
    const [only] = args;
    if (name !== 'has' || args.length !== 1 || only === undefined) return undefined;
    if (only.kind !== 'select' || only.test) throw fail(only.at, 'invalid argument to has() macro');
    return { ...only, at, test: true };
  }
  return table.get(`${name}:${String(args.length)}`)?.({ at, target, args, fail });
}

const table = new Map<string, (macro: Macro) => Node>([
  ['all:2', all],
  ['all:3', all],
  ['exists:2', exists],
  ['exists:3', exists],
  ['exists_one:2', existsOne],
  ['existsOne:2', existsOne],
  ['existsOne:3', existsOne],
  ['map:2', (macro) => mapped(macro, macro.args[0], undefined, undefined, macro.args[1])],
  ['map:3', (macro) => mapped(macro, macro.args[0], undefined, macro.args[1], macro.args[2])],
  ['filter:2', (macro) => mapped(macro, macro.args[0], undefined, macro.args[1], macro.args[0])],
  ['transformList:3', (macro) => mapped(macro, macro.args[0], macro.args[1], undefined, macro.args[2])],
  ['transformList:4', (macro) => mapped(macro, macro.args[0], macro.args[1], macro.args[2], macro.args[3])],
  ['transformMap:3', (macro) => inserted(macro, false)],
  ['transformMap:4', (macro) => inserted(macro, false)],
  ['transformMapEntry:3', (macro) => inserted(macro, true)],
  ['transformMapEntry:4', (macro) => inserted(macro, true)],
  ['optMap:2', (macro) => optional(macro, (value) => callOf(macro.at, 'optional.of', [value]))],
  ['optFlatMap:2', (macro) => optional(macro, (value) => value)],
  ['sortBy:2', sortBy],
]);

const accu = '@result';

function loop(
  { at, target, fail }: Macro,
  variables: readonly (Node | undefined)[],
  parts: { readonly init: Node; readonly condition: Node; readonly step: Node; readonly result: Node },
): Node {
  const collects = parts.init.kind === 'list' && variables[1] === undefined;
  const why = collects ? 'argument is not an identifier' : undefined;
  const names = variables.filter((one) => one !== undefined).map((one) => variableName(one, fail, why));
  const [iter = '', iter2] = names;
  return { kind: 'fold', at, range: target, iter, iter2, accu, ...parts };
}

function variableName(node: Node, fail: Fail, why = 'argument must be a simple name'): string {
  if (node.kind !== 'ident') throw fail(node.at, why);
  if (node.name === accu || node.name === '__result__') {
    throw fail(node.at, 'iteration variable overwrites accumulator variable');
  }
  return node.name;
}

/** All but the last argument are variables. */
function split({ args }: Macro): { readonly variables: readonly Node[]; readonly last: Node } {
  return { variables: args.slice(0, -1), last: args.at(-1) as Node };
}

function all(macro: Macro): Node {
  const { at } = macro;
  const { variables, last } = split(macro);
  const result = identOf(at, accu);
  return loop(macro, variables, {
    init: literalOf(at, true),
    condition: callOf(at, '@not_strictly_false', [result]),
    step: callOf(at, '_&&_', [result, last]),
    result,
  });
}

function exists(macro: Macro): Node {
  const { at } = macro;
  const { variables, last } = split(macro);
  const result = identOf(at, accu);
  return loop(macro, variables, {
    init: literalOf(at, false),
    condition: callOf(at, '@not_strictly_false', [callOf(at, '!_', [result])]),
    step: callOf(at, '_||_', [result, last]),
    result,
  });
}

function existsOne(macro: Macro): Node {
  const { at } = macro;
  const { variables, last } = split(macro);
  const result = identOf(at, accu);
  const one = literalOf(at, 1n);
  return loop(macro, variables, {
    init: literalOf(at, 0n),
    condition: literalOf(at, true),
    step: callOf(at, '_?_:_', [last, callOf(at, '_+_', [result, one]), result]),
    result: callOf(at, '_==_', [result, one]),
  });
}

function listOf(at: number, ...elements: readonly Node[]): Node {
  return { kind: 'list', at, elements, optional: new Set() };
}

function mapped(
  macro: Macro,
  first: Node | undefined,
  second: Node | undefined,
  filter: Node | undefined,
  value: Node | undefined,
): Node {
  const { at } = macro;
  const result = identOf(at, accu);
  const added = callOf(at, '_+_', [result, listOf(at, value as Node)]);
  return loop(macro, [first, second], {
    init: listOf(at),
    condition: literalOf(at, true),
    step: filter === undefined ? added : callOf(at, '_?_:_', [filter, added, result]),
    result,
  });
}

function inserted(macro: Macro, entry: boolean): Node {
  const { at, args } = macro;
  const [key, value] = args;
  const filter = args.length === 4 ? args[2] : undefined;
  const result = identOf(at, accu);
  const what = args.at(-1) as Node;
  const added = callOf(at, 'cel.@mapInsert', entry ? [result, what] : [result, key as Node, what]);
  return loop(macro, [key, value], {
    init: { kind: 'map', at, entries: [] },
    condition: literalOf(at, true),
    step: filter === undefined ? added : callOf(at, '_?_:_', [filter, added, result]),
    result,
  });
}

/** target.hasValue() ? wrap(bind(name, target.value(), expression)) : optional.none() */
function optional({ at, target, args, fail }: Macro, wrap: (value: Node) => Node): Node {
  const [variable, expression] = args as readonly [Node, Node];
  const bound: Node = {
    kind: 'fold',
    at,
    range: listOf(at),
    iter: '#unused',
    iter2: undefined,
    accu: variableName(variable, fail),
    init: callOf(at, 'value', [], target),
    condition: literalOf(at, false),
    step: variable,
    result: expression,
  };
  return callOf(at, '_?_:_', [callOf(at, 'hasValue', [], target), wrap(bound), callOf(at, 'optional.none', [])]);
}

function sortBy(macro: Macro): Node {
  const { at, target, args } = macro;
  return callOf(at, '@sortByAssociatedKeys', [mapped(macro, args[0], undefined, undefined, args[1])], target);
}
