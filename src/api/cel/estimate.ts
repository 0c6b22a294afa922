/**
 * What an expression may cost at most, before it has ever run; CustomResourceDefinitions whose rules may cost too much are refused.
 * Any change here changes which definitions are taken. Upstream: cel-go/checker/cost.go, apiserver/pkg/cel/library/cost.go
 * (EstimateCallCost), apiextensions-apiserver/pkg/apiserver/schema/cel/compilation.go (sizeEstimator).
 *
 *   size of a value: what the expression says, else what the schema says (`most`), else anything
 *   cost of a loop:  size of its range × (condition + step)
 */
import type { Call, Fold, Node } from './ast.ts';
import type { Checked } from './checker.ts';
import { estimateCall } from './estimate-call.ts';
import type { Argument, CallEstimate } from './estimate-call.ts';
import { listBase, mapBase, structBase } from './call-cost.ts';
import { add, fixed, times, union, unknownSize } from './range.ts';
import type { Range } from './range.ts';
import type { Type } from './types.ts';
import { fieldType, isOptional, types } from './types.ts';
import { characters } from './values.ts';

/** `root`: the type of self, where paths begin. */
export function estimateCost(checked: Checked, root?: Type): Range {
  return new Coster(checked, root).cost(checked.root);
}

/** Where in the schema a value comes from; `type` is undefined where the schema ends. */
interface Path {
  readonly type: Type | undefined;
}

interface Entry {
  readonly container: 'list' | 'map';
  readonly key: Range;
  readonly value: Range;
}

interface Local {
  readonly path: Path | undefined;
  readonly size: Range | undefined;
  readonly entry: Entry | undefined;
  readonly accumulator: boolean;
}

const variableCost = fixed(1);

class Coster {
  readonly #checked: Checked;
  readonly #root: Type | undefined;
  readonly #paths = new Map<Node, Path>();
  readonly #sizes = new Map<Node, Range>();
  readonly #entries = new Map<Node, Entry>();
  readonly #locals = new Map<string, Local[]>();

  constructor(checked: Checked, root: Type | undefined) {
    this.#checked = checked;
    this.#root = root;
  }

  cost(node: Node): Range {
    switch (node.kind) {
      case 'literal':
        return fixed(0);
      case 'ident':
        this.#paths.set(node, this.#local(node.name)?.path ?? { type: this.#root });
        return variableCost;
      case 'select':
        if (this.#checked.names.has(node)) return variableCost;
        if (node.test) return this.cost(node.operand);
        return this.#select(node, node.operand, node.field);
      case 'call':
        return this.#call(node);
      case 'list':
        return this.#list(node, node.elements);
      case 'map':
        return this.#map(node);
      case 'struct':
        return node.fields.reduce((sum, { value }) => add(sum, this.cost(value)), fixed(structBase));
      case 'fold':
        return this.#isBinding(node) ? this.#bind(node) : this.#fold(node);
    }
  }

  #typeOf(node: Node): Type {
    return this.#checked.types.get(node) ?? types.dyn;
  }

  #local(name: string): Local | undefined {
    return this.#locals.get(name)?.at(-1);
  }

  #push(name: string, local: Local): void {
    const stack = this.#locals.get(name);
    if (stack === undefined) this.#locals.set(name, [local]);
    else stack.push(local);
  }

  #pop(name: string): void {
    this.#locals.get(name)?.pop();
  }

  #pathOf(node: Node): Path | undefined {
    if (node.kind === 'ident') {
      const local = this.#local(node.name);
      if (local !== undefined) return local.path;
    }
    return this.#paths.get(node);
  }

  /** Upstream drops the first step of a path, `self`; so what begins nowhere begins at the root. */
  #step(path: Path | undefined, to: (type: Type) => Type | undefined): Path {
    if (path === undefined) return { type: this.#root };
    return { type: path.type === undefined ? undefined : to(path.type) };
  }

  #select(node: Node, operand: Node, field: string): Range {
    const cost = this.cost(operand);
    const { kind } = this.#typeOf(operand);
    this.#paths.set(
      node,
      this.#step(this.#pathOf(operand), (type) => fieldType(type, field)),
    );
    return kind === 'map' || kind === 'object' || kind === 'param' ? add(cost, variableCost) : cost;
  }

  #list(node: Node, elements: readonly Node[]): Range {
    const cost = elements.reduce((sum, element) => add(sum, this.cost(element)), fixed(listBase));
    const sizes = elements.map((element) => this.#size(element) ?? unknownSize);
    const value = sizes.length === 0 ? fixed(0) : sizes.reduce(union);
    this.#entries.set(node, { container: 'list', key: fixed(1), value });
    return cost;
  }

  #map(node: Extract<Node, { kind: 'map' }>): Range {
    let cost = fixed(mapBase);
    const keys: Range[] = [];
    const values: Range[] = [];
    for (const { key, value } of node.entries) {
      cost = add(add(cost, this.cost(key)), this.cost(value));
      keys.push(this.#size(key) ?? unknownSize);
      values.push(this.#size(value) ?? unknownSize);
    }
    const all = (sizes: readonly Range[]): Range => (sizes.length === 0 ? fixed(0) : sizes.reduce(union));
    this.#entries.set(node, { container: 'map', key: all(keys), value: all(values) });
    return cost;
  }

  #call(node: Call): Range {
    const { args, target } = node;
    const [first] = args;
    if (node.name === 'dyn' && first !== undefined) {
      const cost = add(fixed(1), this.cost(first));
      this.#copySizes(node, first);
      return cost;
    }
    const costs = args.map((arg) => this.cost(arg));
    const given = args.map((arg) => this.#argument(arg));
    const targetCost = target === undefined || this.#checked.names.has(node) ? fixed(0) : this.cost(target);
    const receiver = target === undefined || this.#checked.names.has(node) ? undefined : this.#argument(target);
    const { cost, result } = this.#overloads(node, receiver, given, costs);
    const size = result ?? this.#size(node);
    if (size !== undefined) this.#sizes.set(node, size);
    return add(targetCost, cost);
  }

  #overloads(
    node: Call,
    target: Argument | undefined,
    args: readonly Argument[],
    costs: readonly Range[],
  ): CallEstimate {
    const special = this.#special(node, args, costs);
    if (special !== undefined) return special;
    const sum = costs.reduce(add, fixed(0));
    const name = this.#checked.names.get(node) ?? node.name;
    const ids = (this.#checked.overloads.get(node) ?? []).map(({ id }) => id);
    let cost: Range | undefined;
    let result: Range | undefined;
    for (const id of ids.length === 0 ? [name] : ids) {
      const estimate = estimateCall(name, id, target, args);
      const whole = add(estimate.cost, sum);
      cost = cost === undefined ? whole : union(cost, whole);
      if (estimate.result !== undefined)
        result = result === undefined ? estimate.result : union(result, estimate.result);
      const [container] = node.args;
      if (container === undefined || (id !== 'index_list' && id !== 'index_map')) continue;
      result = this.#entryOf(container)?.value;
      this.#paths.set(node, this.#step(this.#pathOf(container), elementOf));
    }
    return { cost: cost ?? fixed(0), result };
  }

  #special(node: Call, args: readonly Argument[], costs: readonly Range[]): CallEstimate | undefined {
    const [a = fixed(0), b = fixed(0), c = fixed(0)] = costs;
    const [first, second, third] = node.args;
    if (node.name === '_&&_' || node.name === '_||_') {
      return { cost: { min: a.min, max: add(a, b).max }, result: undefined };
    }
    if (node.name === '_?_:_' && second !== undefined && third !== undefined) {
      const entry = unionEntries(this.#entryOf(second), this.#entryOf(third));
      if (entry !== undefined) this.#entries.set(node, entry);
      const result = union(args[1]?.size ?? unknownSize, args[2]?.size ?? unknownSize);
      return { cost: add(a, union(b, c)), result };
    }
    if (node.name === '_+_' && first !== undefined && second !== undefined) {
      const entry = unionEntries(this.#entryOf(first), this.#entryOf(second));
      if (entry !== undefined) this.#entries.set(node, entry);
    }
    return undefined;
  }

  #argument(node: Node): Argument {
    const accumulates = node.kind === 'ident' && this.#local(node.name)?.accumulator === true;
    const path = accumulates ? undefined : this.#pathOf(node);
    const type = this.#typeOf(node);
    const element = type.params[0];
    const elementPath = path === undefined ? undefined : this.#step(path, elementOf);
    return {
      node,
      type,
      size: this.#size(node),
      ...(element === undefined ? {} : { element: { type: element, size: schemaSize(elementPath) } }),
    };
  }

  #size(node: Node): Range | undefined {
    const known = this.#sizes.get(node) ?? literalSize(node);
    if (known !== undefined) return known;
    const size = schemaSize(this.#pathOf(node));
    if (size !== undefined) {
      this.#sizes.set(node, size);
      return size;
    }
    if (isScalar(this.#typeOf(node))) return fixed(1);
    return node.kind === 'ident' ? this.#local(node.name)?.size : undefined;
  }

  #entryOf(node: Node): Entry | undefined {
    const known = this.#entries.get(node);
    if (known !== undefined || node.kind !== 'ident') return known;
    return this.#local(node.name)?.entry;
  }

  #copySizes(to: Node, from: Node): void {
    const size = this.#size(from);
    if (size !== undefined) this.#sizes.set(to, size);
    const entry = this.#entryOf(from);
    if (entry !== undefined) this.#entries.set(to, entry);
  }

  #isBinding({ accu }: Fold): boolean {
    return accu !== '@result';
  }

  #bind(node: Fold): Range {
    let cost = add(this.cost(node.range), this.cost(node.init));
    this.#push(node.accu, this.#localOf(node.init, false));
    cost = add(cost, this.cost(node.result));
    this.#pop(node.accu);
    this.#copySizes(node, node.result);
    return cost;
  }

  #localOf(node: Node, accumulator: boolean): Local {
    return { path: this.#pathOf(node), size: this.#size(node), entry: this.#entryOf(node), accumulator };
  }

  #fold(node: Fold): Range {
    let cost = add(this.cost(node.range), this.cost(node.init));
    this.#push(node.accu, this.#localOf(node.init, true));
    const iterated = this.#iterated(node);
    for (const [name, local] of iterated) this.#push(name, local);
    const condition = this.cost(node.condition);
    const step = this.cost(node.step);
    for (const [name] of iterated) this.#pop(name);
    cost = add(cost, this.cost(node.result));
    this.#pop(node.accu);
    const count = this.#size(node.range) ?? unknownSize;
    this.#rememberResult(node, count);
    return add(cost, times(count, add(step, condition)));
  }

  #rememberResult(node: Fold, count: Range): void {
    if (node.init.kind === 'literal') {
      const size = this.#size(node.init);
      if (size !== undefined) this.#sizes.set(node, size);
      return;
    }
    this.#sizes.set(node, count);
    const entry = this.#entryOf(node.step);
    if (entry !== undefined) this.#entries.set(node, entry);
  }

  #iterated({ range, iter, iter2 }: Fold): readonly (readonly [string, Local])[] {
    const entry = this.#entryOf(range);
    const path = this.#pathOf(range);
    const isList = (entry?.container ?? this.#typeOf(range).kind) === 'list';
    const local = (size: Range | undefined, to: (type: Type) => Type | undefined): Local => ({
      path: this.#step(path, to),
      size,
      entry: undefined,
      accumulator: false,
    });
    const keyOf = (type: Type): Type | undefined => (type.kind === 'map' ? type.params[0] : undefined);
    const value = local(entry?.value, elementOf);
    // `@indices` is a step that no schema knows.
    const key = local(entry?.key, isList ? () => undefined : keyOf);
    if (iter2 === undefined) return [[iter, isList ? value : key]];
    return [
      [iter, key],
      [iter2, value],
    ];
  }
}

function elementOf(type: Type): Type | undefined {
  if (type.kind === 'list') return type.params[0];
  return type.kind === 'map' ? type.params[1] : undefined;
}

/** What the schema does not bound is 0 for all but lists, maps and texts: upstream's estimator says so. */
function schemaSize(path: Path | undefined): Range | undefined {
  return path?.type === undefined ? undefined : { min: 0, max: path.type.most ?? 0 };
}

function unionEntries(a: Entry | undefined, b: Entry | undefined): Entry | undefined {
  if (a === undefined || b === undefined) return undefined;
  return { container: a.container, key: union(a.key, b.key), value: union(a.value, b.value) };
}

function literalSize(node: Node): Range | undefined {
  if (node.kind === 'list') return fixed(node.elements.length);
  if (node.kind === 'map') return fixed(node.entries.length);
  if (node.kind !== 'literal') return undefined;
  if (typeof node.value === 'string') return fixed(characters(node.value));
  return fixed(node.value instanceof Uint8Array ? node.value.length : 1);
}

function isScalar(type: Type): boolean {
  if (isOptional(type)) return isScalar(type.params[0] ?? types.dyn);
  return ['bool', 'double', 'duration', 'int', 'timestamp', 'uint'].includes(type.kind);
}
