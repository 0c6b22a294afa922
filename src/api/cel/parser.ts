/**
 * Tokens → tree, by precedence; macros are expanded on the way. Syntax errors read as those of upstream's generated parser where
 * that can be had. Upstream: cel-go/parser/parser.go and gen/CEL.g4.
 *
 *   ?:  <  ||  <  &&  <  == != < <= > >= in  <  + -  <  * / %  <  ! -  <  . [] ()
 */
import { callOf, identOf, literalOf } from './ast.ts';
import type { Node } from './ast.ts';
import { CompileError } from './issues.ts';
import type { Issue } from './issues.ts';
import { tokenize } from './lexer.ts';
import type { Token } from './lexer.ts';
import { expandMacro } from './macros.ts';

/** Throws CompileError. */
export function parse(source: string): Node {
  return new Parser(source).parse();
}

const starts =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const reserved = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);
const comparisons = new Set(['==', '!=', '<', '<=', '>', '>=', 'in']);
const deepest = 250;

class Parser {
  readonly #source: string;
  readonly #issues: Issue[] = [];
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = tokenize(source, this.#issues);
  }

  parse(): Node {
    const tree = this.#expression();
    const rest = this.#peek();
    if (rest.kind === 'end') {
      if (this.#issues.length > 0) throw new CompileError(this.#source, this.#issues);
      return tree;
    }
    const last = this.#tokens[this.#next + 1]?.kind === 'end';
    const what = last ? 'extraneous' : 'mismatched';
    throw this.#syntax(rest, `${what} input '${rest.text}' expecting <EOF>`);
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #take(): Token {
    const token = this.#peek();
    if (token.kind !== 'end') this.#next++;
    return token;
  }

  /** The operator, if it comes next. */
  #accept(...texts: readonly string[]): Token | undefined {
    const token = this.#peek();
    return token.kind === 'op' && texts.includes(token.text) ? this.#take() : undefined;
  }

  #expect(text: string, others = ''): Token {
    const token = this.#accept(text);
    if (token !== undefined) return token;
    const found = this.#peek();
    throw this.#syntax(
      found,
      others === ''
        ? `missing '${text}' at '${found.text}'`
        : `mismatched input '${found.text}' expecting {'${text}', ${others}}`,
    );
  }

  #syntax({ at }: Token, message: string): CompileError {
    return this.#fail(at, `Syntax error: ${message}`);
  }

  #fail(at: number, message: string): CompileError {
    return new CompileError(this.#source, [...this.#issues, { at, message }]);
  }

  #expression(): Node {
    if (++this.#depth > deepest)
      throw this.#fail(this.#peek().at, `expression recursion limit exceeded: ${String(deepest)}`);
    const condition = this.#chain(['||'], () => this.#chain(['&&'], () => this.#relation()));
    const question = this.#accept('?');
    let tree = condition;
    if (question !== undefined) {
      const yes = this.#chain(['||'], () => this.#chain(['&&'], () => this.#relation()));
      this.#expect(':');
      tree = callOf(question.at, '_?_:_', [condition, yes, this.#expression()]);
    }
    this.#depth--;
    return tree;
  }

  #chain(operators: readonly string[], operand: () => Node): Node {
    let tree = operand();
    for (let op = this.#accept(...operators); op !== undefined; op = this.#accept(...operators)) {
      tree = callOf(op.at, `_${op.text}_`, [tree, operand()]);
    }
    return tree;
  }

  #relation(): Node {
    let tree = this.#sum();
    for (;;) {
      const { kind, text, at } = this.#peek();
      if (kind !== 'op' || !comparisons.has(text)) return tree;
      this.#take();
      tree = callOf(at, text === 'in' ? '@in' : `_${text}_`, [tree, this.#sum()]);
    }
  }

  #sum(): Node {
    return this.#chain(['+', '-'], () => this.#chain(['*', '/', '%'], () => this.#unary()));
  }

  #unary(): Node {
    const sign = this.#accept('!', '-');
    if (sign === undefined) return this.#member(this.#primary());
    const number = this.#peek();
    const { value } = number;
    if (sign.text === '-' && (typeof value === 'number' || typeof value === 'bigint')) {
      this.#take();
      return this.#member(literalOf(sign.at, typeof value === 'bigint' ? -value : -value));
    }
    let count = 1;
    while (this.#accept(sign.text) !== undefined) count++;
    const operand = this.#member(this.#primary());
    return count % 2 === 0 ? operand : callOf(sign.at, `${sign.text}_`, [operand]);
  }

  #member(start: Node): Node {
    let tree = start;
    for (;;) {
      const dot = this.#accept('.');
      if (dot !== undefined) {
        tree = this.#field(tree, dot);
        continue;
      }
      const open = this.#accept('[');
      if (open === undefined) return tree;
      const optional = this.#accept('?') !== undefined;
      const index = this.#expression();
      this.#expect(']');
      tree = callOf(open.at, optional ? '_[?_]' : '_[_]', [tree, index]);
    }
  }

  #field(operand: Node, dot: Token): Node {
    const optional = this.#accept('?') !== undefined;
    const name = this.#take();
    if (name.kind !== 'ident' && name.kind !== 'quoted') {
      throw this.#syntax(name, `no viable alternative at input '.${name.kind === 'end' ? '' : name.text}'`);
    }
    if (optional) return callOf(dot.at, '_?._', [operand, literalOf(name.at, name.text)]);
    const open = name.kind === 'ident' ? this.#accept('(') : undefined;
    if (open === undefined) return { kind: 'select', at: dot.at, operand, field: name.text, test: false };
    return this.#call(open.at, name.text, operand);
  }

  #call(at: number, name: string, target: Node | undefined): Node {
    const args = this.#arguments(')');
    const fail = (where: number, message: string): CompileError => this.#fail(where, message);
    return expandMacro(at, name, target, args, fail) ?? callOf(at, name, args, target);
  }

  #arguments(close: string): Node[] {
    const found: Node[] = [];
    if (this.#accept(close) !== undefined) return found;
    do found.push(this.#expression());
    while (this.#accept(',') !== undefined);
    this.#expect(close, "','");
    return found;
  }

  #primary(): Node {
    const token = this.#take();
    if (token.kind === 'literal') {
      if (token.value === 2n ** 63n) throw this.#fail(token.at, 'invalid int literal');
      return literalOf(token.at, token.value ?? null);
    }
    if (token.kind === 'ident') return this.#name(token, '');
    switch (token.kind === 'op' ? token.text : '') {
      case '(': {
        const inner = this.#expression();
        this.#expect(')');
        return inner;
      }
      case '[':
        return this.#list(token.at);
      case '{':
        return this.#map(token.at);
      case '.': {
        const name = this.#take();
        if (name.kind === 'ident') return this.#name(name, '.');
        throw this.#syntax(name, `mismatched input '${name.text}' expecting IDENTIFIER`);
      }
      default:
        throw this.#syntax(token, `mismatched input '${token.text}' expecting ${starts}`);
    }
  }

  #name({ text, at }: Token, prefix: string): Node {
    if (reserved.has(text)) throw this.#fail(at, `reserved identifier: ${text}`);
    const open = this.#accept('(');
    if (open !== undefined) return this.#call(open.at, prefix + text, undefined);
    const struct = this.#structName(text);
    if (struct !== undefined) return this.#struct(struct);
    return identOf(at, prefix + text);
  }

  /** `a.b.C {`: looked for ahead, because it begins as a selection does. */
  #structName(first: string): string | undefined {
    let name = first;
    let index = this.#next;
    for (;;) {
      const token = this.#tokens[index];
      if (token?.kind === 'op' && token.text === '{') break;
      const field = this.#tokens[index + 1];
      if (token?.kind !== 'op' || token.text !== '.' || field?.kind !== 'ident') return undefined;
      name += `.${field.text}`;
      index += 2;
    }
    this.#next = index;
    return name;
  }

  #struct(type: string): Node {
    const { at } = this.#take();
    const fields: { name: string; value: Node; optional: boolean }[] = [];
    while (this.#accept('}') === undefined) {
      const optional = this.#accept('?') !== undefined;
      const name = this.#take();
      if (name.kind !== 'ident' && name.kind !== 'quoted') throw this.#syntax(name, `extraneous input '${name.text}'`);
      this.#expect(':');
      fields.push({ name: name.text, value: this.#expression(), optional });
      if (this.#accept(',') !== undefined) continue;
      this.#expect('}', "','");
      break;
    }
    return { kind: 'struct', at, type, fields };
  }

  #list(at: number): Node {
    const elements: Node[] = [];
    const optional = new Set<number>();
    while (this.#accept(']') === undefined) {
      if (this.#accept('?') !== undefined) optional.add(elements.length);
      elements.push(this.#expression());
      if (this.#accept(',') !== undefined) continue;
      this.#expect(']', "','");
      break;
    }
    return { kind: 'list', at, elements, optional };
  }

  #map(at: number): Node {
    const entries: { key: Node; value: Node; optional: boolean }[] = [];
    while (this.#accept('}') === undefined) {
      const optional = this.#accept('?') !== undefined;
      const key = this.#expression();
      this.#expect(':');
      entries.push({ key, value: this.#expression(), optional });
      if (this.#accept(',') !== undefined) continue;
      this.#expect('}', "','");
      break;
    }
    return { kind: 'map', at, entries };
  }
}
