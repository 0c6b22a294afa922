/**
 * The Common Expression Language as Kubernetes 1.36 speaks it: read, checked against types, its cost bounded before and counted while
 * it runs. Pure. Loaded when there is an expression (custom/lazy-rules.ts, admission/expression-modules.ts).
 *
 *   text ─ parse ─ check ─┬─ estimateCost      at most so much
 *                         └─ compile ─ run     value or error, and what it cost
 */
import { check } from './checker.ts';
import type { Checked, Environment } from './checker.ts';
import { parse } from './parser.ts';

export { compile } from './program.ts';
export type { Outcome, Program } from './program.ts';
export { estimateCost } from './estimate.ts';
export { CompileError, CostExceeded, EvalError, InstantiationError } from './issues.ts';
export { AuthorizerValue, ResourceCheck } from './library/index.ts';
export type { Asked, Decide } from './library/index.ts';
export type { Checked, Environment } from './checker.ts';
export { declare } from './signature.ts';
export * from './types.ts';
export * from './values.ts';

/** Throws CompileError. */
export function checkExpression(source: string, environment: Environment): Checked {
  return check(source, parse(source), environment);
}
