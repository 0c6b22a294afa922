/**
 * The tree of a CEL expression, as cel-go has it after its macros are expanded: six kinds of value makers, and one loop.
 *
 *   self.list.all(x, x > 0)   ==>   fold { over self.list as x; result := true; while @not_strictly_false(result): result && x > 0 }
 *
 * Costs are defined over this form, so it is kept to the letter. Upstream: cel-spec/doc/langdef.md, cel-go/common/ast, parser/macro.go.
 */
import type { Value } from './values.ts';

/** `at`: where in the text (UTF-16 offset) an error about this node points. */
interface At {
  readonly at: number;
}

export interface Literal extends At {
  readonly kind: 'literal';
  readonly value: Value;
}

export interface Ident extends At {
  readonly kind: 'ident';
  readonly name: string;
}

export interface Select extends At {
  readonly kind: 'select';
  readonly operand: Node;
  readonly field: string;
  /** has(operand.field) */
  readonly test: boolean;
}

export interface Call extends At {
  readonly kind: 'call';
  readonly name: string;
  readonly target: Node | undefined;
  readonly args: readonly Node[];
}

export interface ListMaker extends At {
  readonly kind: 'list';
  readonly elements: readonly Node[];
  /** Indices of `?element`. */
  readonly optional: ReadonlySet<number>;
}

export interface MapMaker extends At {
  readonly kind: 'map';
  readonly entries: readonly { readonly key: Node; readonly value: Node; readonly optional: boolean }[];
}

export interface StructMaker extends At {
  readonly kind: 'struct';
  readonly type: string;
  readonly fields: readonly { readonly name: string; readonly value: Node; readonly optional: boolean }[];
}

export interface Fold extends At {
  readonly kind: 'fold';
  readonly range: Node;
  readonly iter: string;
  /** With two variables `iter` is the index or key, this the value. */
  readonly iter2: string | undefined;
  readonly accu: string;
  readonly init: Node;
  readonly condition: Node;
  readonly step: Node;
  readonly result: Node;
}

export type Node = Literal | Ident | Select | Call | ListMaker | MapMaker | StructMaker | Fold;

export function callOf(at: number, name: string, args: readonly Node[], target?: Node): Call {
  return { kind: 'call', at, name, target, args };
}

export function identOf(at: number, name: string): Ident {
  return { kind: 'ident', at, name };
}

export function literalOf(at: number, value: Value): Literal {
  return { kind: 'literal', at, value };
}

/** `a.b.c` as text, undefined if it is something else. */
export function qualifiedName(node: Node): string | undefined {
  if (node.kind === 'ident') return node.name;
  if (node.kind !== 'select' || node.test) return undefined;
  const prefix = qualifiedName(node.operand);
  return prefix === undefined ? undefined : `${prefix}.${node.field}`;
}
