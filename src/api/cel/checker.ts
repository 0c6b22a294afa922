/**
 * Gives every node its type, every call the overloads that it may mean, every wrong thing its message. Upstream: cel-go/checker/checker.go.
 */
import { qualifiedName } from './ast.ts';
import type { Call, Fold, ListMaker, MapMaker, Node, Select, StructMaker } from './ast.ts';
import { CompileError } from './issues.ts';
import type { Issue } from './issues.ts';
import { literalIssues } from './literals.ts';
import { literalType, typeConstants } from './constants.ts';
import { allFunctions } from './library/index.ts';
import type { Functions, Overload } from './signature.ts';
import type { Mapping, Type } from './types.ts';
import {
  assignAll,
  fieldType,
  formatType,
  isDyn,
  isOptional,
  listOf,
  mapOf,
  mostGeneral,
  optionalOf,
  substitute,
  typeOf,
  types,
} from './types.ts';

/** What an expression may speak of. */
export interface Environment {
  readonly variables: ReadonlyMap<string, Type>;
  /** `Object{…}` */
  readonly structs?: Pick<ReadonlyMap<string, Type>, 'get'>;
  /** Beside those that all have. */
  readonly functions?: Functions;
}

export interface Checked {
  readonly source: string;
  readonly root: Node;
  readonly type: Type;
  readonly types: ReadonlyMap<Node, Type>;
  readonly overloads: ReadonlyMap<Node, readonly Overload[]>;
  /** Selections and calls whose prefix turned out to be a name: `a.b.c`, `sets.contains(…)`. */
  readonly names: ReadonlyMap<Node, string>;
  /** Variables of the environment that it mentions. */
  readonly uses: ReadonlySet<string>;
}

/** Throws CompileError. */
export function check(source: string, root: Node, environment: Environment): Checked {
  return new Checker(source, environment).run(root);
}

class Checker {
  readonly #source: string;
  readonly #environment: Environment;
  readonly #issues: Issue[] = [];
  readonly #types = new Map<Node, Type>();
  readonly #overloads = new Map<Node, readonly Overload[]>();
  readonly #names = new Map<Node, string>();
  readonly #uses = new Set<string>();
  readonly #mapping: Mapping = new Map();
  readonly #scopes: Map<string, Type>[] = [];
  #fresh = 0;
  /** Inside the arguments of format(), which takes anything. */
  #mixed = 0;

  constructor(source: string, environment: Environment) {
    this.#source = source;
    this.#environment = environment;
  }

  run(root: Node): Checked {
    this.#check(root);
    if (this.#issues.length === 0) this.#issues.push(...literalIssues(root));
    if (this.#issues.length > 0) {
      const sorted = this.#issues.toSorted((a, b) => a.at - b.at);
      throw new CompileError(this.#source, sorted);
    }
    const found = new Map<Node, Type>();
    for (const [node, type] of this.#types) found.set(node, substitute(this.#mapping, type, true));
    return {
      source: this.#source,
      root,
      type: found.get(root) ?? types.dyn,
      types: found,
      overloads: this.#overloads,
      names: this.#names,
      uses: this.#uses,
    };
  }

  #report(node: { readonly at: number }, message: string): void {
    this.#issues.push({ at: node.at, message });
  }

  #typeOf(node: Node): Type {
    return this.#types.get(node) ?? types.error;
  }

  #assign(from: Type, to: Type): boolean {
    return assignAll(this.#mapping, [from], [to]);
  }

  #variable(): Type {
    return { kind: 'param', name: `_var${String(this.#fresh++)}`, params: [] };
  }

  #lookup(name: string): Type | undefined {
    for (const scope of this.#scopes.toReversed()) {
      const type = scope.get(name);
      if (type !== undefined) return type;
    }
    const plain = name.replace(/^\./, '');
    const type = this.#environment.variables.get(plain);
    if (type !== undefined) {
      this.#uses.add(plain);
      return type;
    }
    const constant = typeConstants.get(plain) ?? this.#environment.structs?.get(plain);
    return constant === undefined ? undefined : typeOf(constant);
  }

  #check(node: Node): Type {
    // Macros use some of their parts twice.
    const type = this.#types.get(node) ?? this.#find(node);
    this.#types.set(node, type);
    return type;
  }

  #find(node: Node): Type {
    switch (node.kind) {
      case 'literal':
        return literalType(node.value);
      case 'ident': {
        const type = this.#lookup(node.name);
        if (type !== undefined) return type;
        this.#report(node, `undeclared reference to '${node.name}' (in container '')`);
        return types.error;
      }
      case 'select':
        return this.#select(node);
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

  #select(node: Select): Type {
    const name = node.test ? undefined : qualifiedName(node);
    const known = name === undefined ? undefined : this.#lookup(name);
    if (name !== undefined && known !== undefined) {
      this.#names.set(node, name);
      return known;
    }
    const type = this.#field(node, node.operand, node.field, false);
    return node.test ? types.bool : substitute(this.#mapping, type, false);
  }

  #field(node: Node, operand: Node, field: string, optional: boolean): Type {
    const found = substitute(this.#mapping, this.#check(operand), false);
    const wrapped = isOptional(found);
    const target = wrapped ? (found.params[0] ?? types.dyn) : found;
    const result = this.#fieldOf(node, target, field);
    return wrapped || optional ? optionalOf(result) : result;
  }

  #fieldOf(node: Node, target: Type, field: string): Type {
    if (target.kind === 'map') return target.params[1] ?? types.dyn;
    if (target.kind === 'object') {
      const type = fieldType(target, field);
      if (type !== undefined) return type;
      this.#report(node, `undefined field '${field}'`);
      return types.error;
    }
    if (target.kind === 'param') this.#assign(types.dyn, target);
    else if (!isDyn(target)) this.#report(node, `type '${formatType(target)}' does not support field selection`);
    return types.dyn;
  }

  #call(node: Call): Type {
    const { name, args, target } = node;
    if (name === '_?._') {
      const [operand, field] = args as readonly [Node, Node];
      const text = field.kind === 'literal' && typeof field.value === 'string' ? field.value : '';
      return substitute(this.#mapping, this.#field(node, operand, text, true), false);
    }
    if (name === 'format') this.#mixed++;
    for (const arg of args) this.#check(arg);
    if (name === 'format') this.#mixed--;
    const functions = {
      get: (of: string): readonly Overload[] | undefined =>
        allFunctions().get(of) ?? this.#environment.functions?.get(of),
    };
    if (target === undefined) {
      const plain = name.replace(/^\./, '');
      if (isLogical(plain)) return this.#logical(args);
      if (plain === '_?_:_') return this.#ternary(node);
      const overloads = functions.get(plain);
      return overloads === undefined ? this.#unknown(node, name) : this.#resolve(node, plain, overloads, args);
    }
    const prefix = qualifiedName(target);
    const qualified = prefix === undefined ? undefined : functions.get(`${prefix}.${name}`);
    if (qualified !== undefined) {
      this.#names.set(node, `${prefix ?? ''}.${name}`);
      return this.#resolve(node, `${prefix ?? ''}.${name}`, qualified, args);
    }
    this.#check(target);
    const overloads = functions.get(name);
    return overloads === undefined ? this.#unknown(node, name) : this.#resolve(node, name, overloads, args, target);
  }

  #unknown(node: Call, name: string): Type {
    this.#report(node, `undeclared reference to '${name}' (in container '')`);
    return types.error;
  }

  #logical(args: readonly Node[]): Type {
    let good = true;
    for (const arg of args) {
      const type = this.#typeOf(arg);
      if (this.#assign(type, types.bool)) continue;
      this.#report(arg, `expected type 'bool' but found '${formatType(type)}'`);
      good = false;
    }
    return good ? types.bool : types.error;
  }

  #ternary(node: Call): Type {
    const given = node.args.map((arg) => this.#typeOf(arg));
    const result = this.#variable();
    if (assignAll(this.#mapping, given, [types.bool, result, result])) {
      return substitute(this.#mapping, result, false);
    }
    return this.#noMatch(node, '_?_:_', given, false);
  }

  #noMatch(node: Call, name: string, given: readonly Type[], member: boolean): Type {
    const shown = given.map((type) => formatType(substitute(this.#mapping, type, true)));
    const [target, ...rest] = shown;
    const signature = member ? `${target ?? ''}.(${rest.join(', ')})` : `(${shown.join(', ')})`;
    this.#report(node, `found no matching overload for '${name}' applied to '${signature}'`);
    return types.error;
  }

  #resolve(node: Call, name: string, overloads: readonly Overload[], args: readonly Node[], target?: Node): Type {
    const given = [...(target === undefined ? [] : [target]), ...args].map((arg) => this.#typeOf(arg));
    const fitting: Overload[] = [];
    let result: Type | undefined;
    for (const overload of overloads) {
      if (overload.member !== (target !== undefined) || overload.args.length !== given.length) continue;
      const own: Mapping = new Map();
      const wanted = overload.args.map((type) => this.#instance(own, type));
      if (!assignAll(this.#mapping, given, wanted)) continue;
      fitting.push(overload);
      const type = substitute(this.#mapping, this.#instance(own, overload.result), false);
      if (result === undefined) result = type;
      else if (!isDyn(result) && formatType(result) !== formatType(type)) result = types.dyn;
    }
    if (result === undefined) return this.#noMatch(node, name, given, target !== undefined);
    this.#overloads.set(node, fitting);
    return result;
  }

  /** With parameters of its own for this call. */
  #instance(own: Mapping, type: Type): Type {
    if (type.kind === 'param') {
      const known = own.get(type.name) ?? this.#variable();
      own.set(type.name, known);
      return known;
    }
    if (type.params.length === 0) return type;
    return { ...type, params: type.params.map((param) => this.#instance(own, param)) };
  }

  #join(node: Node, before: Type | undefined, type: Type): Type {
    if (before === undefined) return type;
    if (this.#assign(before, type)) return mostGeneral(before, type);
    if (this.#mixed > 0) return types.dyn;
    this.#report(node, `expected type '${formatType(before)}' but found '${formatType(type)}'`);
    return types.error;
  }

  #unwrapped(node: Node, optional: boolean): Type {
    const type = this.#check(node);
    if (!optional) return type;
    if (isOptional(type)) return type.params[0] ?? types.dyn;
    if (!isDyn(type))
      this.#report(node, `expected type '${formatType(optionalOf(type))}' but found '${formatType(type)}'`);
    return type;
  }

  #list(node: ListMaker): Type {
    let element: Type | undefined;
    for (const [index, one] of node.elements.entries()) {
      element = this.#join(one, element, this.#unwrapped(one, node.optional.has(index)));
    }
    return listOf(element ?? this.#variable());
  }

  #map(node: MapMaker): Type {
    let key: Type | undefined;
    let value: Type | undefined;
    for (const entry of node.entries) {
      key = this.#join(entry.key, key, this.#check(entry.key));
      value = this.#join(entry.value, value, this.#unwrapped(entry.value, entry.optional));
    }
    return mapOf(key ?? this.#variable(), value ?? this.#variable());
  }

  #struct(node: StructMaker): Type {
    const type = this.#environment.structs?.get(node.type);
    if (type === undefined) {
      this.#report(node, `undeclared reference to '${node.type}' (in container '')`);
      return types.error;
    }
    for (const { name, value, optional } of node.fields) {
      const given = this.#unwrapped(value, optional);
      const wanted = type.fields?.get(name);
      if (wanted === undefined && type.fields !== undefined) this.#report(node, `undefined field '${name}'`);
      else if (wanted !== undefined && !this.#assign(wanted, given)) {
        const [field, got] = [formatType(wanted), formatType(given)];
        this.#report(node, `expected type of field '${name}' is '${field}' but provided type is '${got}'`);
      }
    }
    return type;
  }

  #fold(node: Fold): Type {
    const range = substitute(this.#mapping, this.#check(node.range), false);
    const accu = this.#check(node.init);
    const [first, second] = this.#iterated(node, range);
    this.#scopes.push(new Map([[node.accu, accu]]));
    const inner = new Map([[node.iter, first]]);
    if (node.iter2 !== undefined) inner.set(node.iter2, second);
    this.#scopes.push(inner);
    this.#expect(node.condition, types.bool);
    this.#expect(node.step, accu);
    this.#scopes.pop();
    const result = this.#check(node.result);
    this.#scopes.pop();
    return substitute(this.#mapping, result, false);
  }

  #expect(node: Node, wanted: Type): void {
    const type = this.#check(node);
    if (this.#assign(wanted, type)) return;
    this.#report(node, `expected type '${formatType(wanted)}' but found '${formatType(type)}'`);
  }

  #iterated(node: Fold, range: Type): readonly [Type, Type] {
    const [first = types.dyn, second = types.dyn] = range.params;
    if (range.kind === 'list') return node.iter2 === undefined ? [first, first] : [types.int, first];
    if (range.kind === 'map') return [first, second];
    if (range.kind === 'param') this.#assign(types.dyn, range);
    else if (!isDyn(range)) {
      const shown = formatType(range);
      this.#report(
        node.range,
        `expression of type '${shown}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      );
      return [types.error, types.error];
    }
    return [types.dyn, types.dyn];
  }
}

function isLogical(name: string): boolean {
  return name === '_&&_' || name === '_||_' || name === '@not_strictly_false';
}
