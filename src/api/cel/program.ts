/**
 * A checked expression as one closure per node, counting what it costs while it runs. Costs are upstream's, so that a rule that stays
 * within its budget there stays within it here: cel-go/interpreter (planner.go, attributes.go, runtimecost.go).
 *
 *   variable, field, index     1 each; has(a.b) does not count its last step
 *   literal, && || ?:          nothing
 *   [..] {..} T{..}            10, 30, 40; nothing if all in it is literal
 *   call                       call-cost.ts
 */
import type { Call, Fold, Node, Select } from './ast.ts';
import { callCost, listBase, mapBase, structBase } from './call-cost.ts';
import { typeConstants } from './constants.ts';
import type { Checked } from './checker.ts';
import { elementOf, fieldOf, hasField, unwrapped } from './access.ts';
import { evaluateAll, logical, loop, notStrictlyFalse, spend } from './evaluate.ts';
import type { Evaluate, Frame, Run } from './evaluate.ts';
import { CostExceeded, EvalError, InstantiationError } from './issues.ts';
import { keyShown, optionalAt } from './library/standard.ts';
import type { Value } from './values.ts';
import { CelMap, equal, Optional, Struct, TypeValue } from './values.ts';

export interface Outcome {
  readonly cost: number;
  /** Or what went wrong. */
  readonly value: Value | EvalError | CostExceeded;
}

export interface Program {
  /** Reads variables when they are asked for; `limit`: the most that it may cost. */
  run(variables: (name: string) => Value | undefined, limit: number): Outcome;
}

/** Throws InstantiationError where a conversion of a literal fails. */
export function compile(checked: Checked): Program {
  const evaluate = new Compiler(checked).compile(checked.root);
  return {
    run(variables, limit) {
      const run: Run = { variables, limit, cost: 0 };
      try {
        return { value: evaluate({ run, names: undefined }), cost: run.cost };
      } catch (error) {
        if (error instanceof EvalError || error instanceof CostExceeded) return { value: error, cost: run.cost };
        // Deeper than the stack is nobody's value.
        if (error instanceof RangeError) return { value: new EvalError(error.message), cost: run.cost };
        throw error;
      }
    },
  };
}

class Compiler {
  readonly #checked: Checked;

  constructor(checked: Checked) {
    this.#checked = checked;
  }

  compile(node: Node): Evaluate {
    switch (node.kind) {
      case 'literal': {
        const { value } = node;
        return () => value;
      }
      case 'ident':
        return this.#variable(node.name);
      case 'select': {
        const name = this.#checked.names.get(node);
        return name === undefined ? this.#select(node) : this.#variable(name);
      }
      case 'call':
        return this.#call(node);
      case 'list':
        return this.#list(node);
      case 'map':
        return this.#map(node);
      case 'struct':
        return this.#struct(node);
      case 'fold':
        return this.#fold(node);
    }
  }

  #variable(text: string): Evaluate {
    const name = text.replace(/^\./, '');
    const constant = this.#checked.uses.has(name) ? undefined : typeConstants.get(name);
    const type = constant === undefined ? undefined : new TypeValue(constant.name);
    return ({ run, names }) => {
      for (let at = names; at !== undefined; at = at.outer) {
        if (at.name !== name) continue;
        spend(run, 1);
        return at.value;
      }
      if (type !== undefined) return type;
      spend(run, 1);
      const value = run.variables(name);
      if (value === undefined) throw new EvalError(`no such attribute(s): ${name}`);
      return value;
    };
  }

  /** A variable, and what is reached from it without a call: upstream counts these in one go. */
  #isAttribute(node: Node): boolean {
    if (node.kind === 'ident' || node.kind === 'select') return true;
    return node.kind === 'call' && ['_[_]', '_?._', '_[?_]', '_?_:_'].includes(node.name);
  }

  #operand(node: Node): Evaluate {
    const evaluate = this.compile(node);
    if (this.#isAttribute(node)) return evaluate;
    return (frame) => {
      const value = evaluate(frame);
      spend(frame.run, 1);
      return value;
    };
  }

  #select({ operand, field, test }: Select): Evaluate {
    const evaluate = this.#operand(operand);
    if (test) {
      return (frame) => {
        const value = evaluate(frame);
        return hasField(value, field);
      };
    }
    return (frame) => {
      const value = evaluate(frame);
      spend(frame.run, 1);
      return value instanceof Optional ? optionalAt(value, field) : fieldOf(value, field);
    };
  }

  #call(node: Call): Evaluate {
    const { name, args } = node;
    const [first, second, third] = args as readonly [Node, Node, Node];
    switch (name) {
      case '_&&_':
        return logical(this.compile(first), this.compile(second), false);
      case '_||_':
        return logical(this.compile(first), this.compile(second), true);
      case '_?_:_':
        return this.#ternary(first, second, third);
      case '@not_strictly_false':
        return notStrictlyFalse(this.compile(first));
      case '_[_]':
        return this.#index(first, second, false);
      case '_[?_]':
        return this.#index(first, second, true);
      case '_?._':
        return this.#index(first, second, true);
      case '_+_':
        return this.#appends(node) ?? this.#function(node);
      case '@in':
        return this.#inConstants(node) ?? this.#function(node);
      case 'or':
      case 'orValue':
        return node.target === undefined ? this.#function(node) : this.#orElse(node.target, first, name === 'or');
      default:
        return this.#function(node);
    }
  }

  /** Costs nothing, and looks at the other only if it must. */
  #orElse(target: Node, other: Node, whole: boolean): Evaluate {
    const [left, right] = [this.compile(target), this.compile(other)];
    return (frame) => {
      const value = left(frame);
      if (!(value instanceof Optional)) throw new EvalError('no such overload');
      if (value.value === undefined) return right(frame);
      return whole ? value : value.value;
    };
  }

  #ternary(condition: Node, yes: Node, no: Node): Evaluate {
    const test = this.compile(condition);
    const branch = (node: Node): Evaluate => {
      const evaluate = this.compile(node);
      const isTest = node.kind === 'select' && node.test;
      if (isTest || !this.#isAttribute(node) || (node.kind === 'call' && node.name === '_?_:_')) return evaluate;
      return (frame) => {
        frame.run.cost--;
        return evaluate(frame);
      };
    };
    const [then, otherwise] = [branch(yes), branch(no)];
    return (frame) => {
      const value = test(frame);
      if (typeof value !== 'boolean') throw new EvalError('no such overload');
      return value ? then(frame) : otherwise(frame);
    };
  }

  #index(container: Node, key: Node, optional: boolean): Evaluate {
    const from = this.#operand(container);
    const at = this.compile(key);
    const extra = this.#isAttribute(key) ? 0 : 1;
    return (frame) => {
      const value = from(frame);
      const index = at(frame);
      if (optional || value instanceof Optional) {
        const found = optionalAt(value, index);
        if (found.value !== undefined) spend(frame.run, extra);
        return found;
      }
      spend(frame.run, extra);
      return elementOf(value, index);
    };
  }

  /** `result + [x]` of a loop: in place, or a loop over n would cost n². */
  #appends({ args }: Call): Evaluate | undefined {
    const [list, more] = args;
    if (list?.kind !== 'ident' || list.name !== '@result' || more?.kind !== 'list') return undefined;
    const [left, right] = [this.compile(list), this.compile(more)];
    return (frame) => {
      const found = left(frame) as Value[];
      const added = right(frame) as readonly Value[];
      spend(frame.run, 1);
      found.push(...added);
      return found;
    };
  }

  /** Upstream makes a set of it beforehand, and asks nothing for looking into that. */
  #inConstants({ args }: Call): Evaluate | undefined {
    const [item, list] = args;
    if (item === undefined || list?.kind !== 'list' || list.elements.length === 0) return undefined;
    const values = list.elements.flatMap((one) => (one.kind === 'literal' ? [one.value] : []));
    if (values.length !== list.elements.length || list.optional.size > 0) return undefined;
    const evaluate = this.compile(item);
    return (frame) => {
      const value = evaluate(frame);
      return values.some((one) => equal(one, value));
    };
  }

  /** Upstream works these out when it plans, and asks nothing for them. */
  #isConstant(node: Node): boolean {
    const all = (nodes: readonly Node[]): boolean => nodes.every((one) => this.#isConstant(one));
    switch (node.kind) {
      case 'literal':
        return true;
      case 'list':
        return node.optional.size === 0 && all(node.elements);
      case 'map':
        return node.entries.every(({ key, value, optional }) => !optional && all([key, value]));
      case 'call':
        return node.target === undefined && node.args.length === 1 && conversions.has(node.name) && all(node.args);
      default:
        return false;
    }
  }

  #function(node: Call): Evaluate {
    const { args, target } = node;
    const qualified = this.#checked.names.get(node);
    const name = qualified ?? node.name.replace(/^\./, '');
    const given = [...(target === undefined || qualified !== undefined ? [] : [target]), ...args];
    const evaluates = given.map((arg) => this.compile(arg));
    const overloads = this.#checked.overloads.get(node) ?? [];
    const call = (frame: Frame): Value => {
      const values = evaluateAll(evaluates, frame, (given) =>
        spend(frame.run, callCost(name, overloads[0]?.id ?? '', given, null)),
      );
      const overload = overloads.find((one) => one.takes(values));
      if (overload === undefined) {
        spend(frame.run, 1);
        throw new EvalError('no such overload');
      }
      try {
        const result = overload.call(...values);
        spend(frame.run, callCost(name, overload.id, values, result));
        return result;
      } catch (error) {
        if (error instanceof EvalError) spend(frame.run, callCost(name, overload.id, values, null));
        throw error;
      }
    };
    return this.#isConstant(node) ? constant(call) : call;
  }

  #list(node: Extract<Node, { kind: 'list' }>): Evaluate {
    const { elements, optional } = node;
    const evaluates = elements.map((element) => this.compile(element));
    const cost = this.#isConstant(node) ? 0 : listBase;
    return (frame) => {
      const list: Value[] = [];
      for (const [index, evaluate] of evaluates.entries()) {
        const value = evaluate(frame);
        if (!optional.has(index)) list.push(value);
        else if (unwrapped(value) !== undefined) list.push(unwrapped(value) as Value);
      }
      spend(frame.run, cost);
      return list;
    };
  }

  #map(node: Extract<Node, { kind: 'map' }>): Evaluate {
    const { entries } = node;
    const evaluates = entries.map(
      ({ key, value, optional }) => [this.compile(key), this.compile(value), optional] as const,
    );
    const cost = this.#isConstant(node) ? 0 : mapBase;
    return (frame) => {
      const map = CelMap.of([]);
      for (const [key, value, optional] of evaluates) {
        const at = key(frame);
        const found = optional ? unwrapped(value(frame)) : value(frame);
        if (map.has(at)) throw new EvalError(`Failed with repeated key ${keyShown(at)}`);
        if (found !== undefined) map.set(at, found);
      }
      spend(frame.run, cost);
      return map;
    };
  }

  #struct(node: Extract<Node, { kind: 'struct' }>): Evaluate {
    const { type, fields } = node;
    const unset = this.#checked.types.get(node)?.unset;
    const evaluates = fields.map(({ name, value, optional }) => [name, this.compile(value), optional] as const);
    return (frame) => {
      const found = new Map<string, () => Value>();
      for (const [name, evaluate, optional] of evaluates) {
        const value = optional ? unwrapped(evaluate(frame)) : evaluate(frame);
        if (value !== undefined) found.set(name, () => value);
      }
      spend(frame.run, structBase);
      return new Struct(type, found, unset);
    };
  }

  #fold(node: Fold): Evaluate {
    const of = (part: Node): Evaluate => this.compile(part);
    return loop(node, {
      range: of(node.range),
      init: of(node.init),
      condition: of(node.condition),
      step: of(node.step),
      result: of(node.result),
    });
  }
}

const conversions = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'dyn',
  'int',
  'string',
  'timestamp',
  'type',
  'uint',
]);

function constant(call: Evaluate): Evaluate {
  try {
    const value = call({ run: { variables: () => undefined, limit: Infinity, cost: 0 }, names: undefined });
    return () => value;
  } catch (error) {
    if (error instanceof EvalError) throw new InstantiationError(error.message);
    throw error;
  }
}
