/** How closures run: what they are given, how errors travel, how a loop goes. See program.ts. */
import { iterated } from './access.ts';
import type { Fold } from './ast.ts';
import { CostExceeded, EvalError } from './issues.ts';
import type { Value } from './values.ts';

export interface Run {
  readonly variables: (name: string) => Value | undefined;
  readonly limit: number;
  cost: number;
}

/** The variables of loops, innermost first. */
interface Names {
  readonly name: string;
  value: Value;
  readonly outer: Names | undefined;
}

export interface Frame {
  readonly run: Run;
  readonly names: Names | undefined;
}

export type Evaluate = (frame: Frame) => Value;

export function spend(run: Run, cost: number): void {
  run.cost += cost;
  if (run.cost > run.limit) throw new CostExceeded();
}

/** All are worked out, whichever fails; the call is paid for, too. */
export function evaluateAll(
  evaluates: readonly Evaluate[],
  frame: Frame,
  pay: (given: readonly Value[]) => void,
): Value[] {
  let failure: EvalError | undefined;
  const values = evaluates.map((evaluate) => {
    try {
      return evaluate(frame);
    } catch (error) {
      if (!(error instanceof EvalError)) throw error;
      failure ??= error;
      return null;
    }
  });
  if (failure === undefined) return values;
  pay(values);
  throw failure;
}

/** `||` (decisive: true) and `&&` (false): one operand that decides makes up for an error of the other. */
export function logical(left: Evaluate, right: Evaluate, decisive: boolean): Evaluate {
  const operand = (evaluate: Evaluate, frame: Frame): boolean | EvalError => {
    try {
      const value = evaluate(frame);
      return typeof value === 'boolean' ? value : new EvalError('no such overload');
    } catch (error) {
      if (error instanceof EvalError) return error;
      throw error;
    }
  };
  return (frame) => {
    const first = operand(left, frame);
    if (first === decisive) return decisive;
    const second = operand(right, frame);
    if (second === decisive) return decisive;
    if (first instanceof EvalError) throw first;
    if (second instanceof EvalError) throw second;
    return !decisive;
  };
}

export function notStrictlyFalse(evaluate: Evaluate): Evaluate {
  return (frame) => {
    let result = true;
    try {
      result = evaluate(frame) !== false;
    } catch (error) {
      if (!(error instanceof EvalError)) throw error;
    }
    spend(frame.run, 1);
    return result;
  };
}

/** The parts of a loop, compiled. */
export interface Parts {
  readonly range: Evaluate;
  readonly init: Evaluate;
  readonly condition: Evaluate;
  readonly step: Evaluate;
  readonly result: Evaluate;
}

export function loop(node: Fold, { range, init, condition, step, result }: Parts): Evaluate {
  const { accu, iter, iter2 } = node;
  return (frame) => {
    const { run } = frame;
    const over = range(frame);
    const total: Names = { name: accu, value: init(frame), outer: frame.names };
    const first: Names = { name: iter, value: null, outer: total };
    const second: Names | undefined = iter2 === undefined ? undefined : { name: iter2, value: null, outer: first };
    const inner: Frame = { run, names: second ?? first };
    let failure: EvalError | undefined;
    for (const [key, value] of iterated(over, iter2 !== undefined)) {
      if (condition(inner) !== true) break;
      first.value = key;
      if (second !== undefined) second.value = value;
      // An error is the result so far, which the next step of all() and exists() may do without.
      try {
        const before = failure;
        failure = undefined;
        total.value = before === undefined ? step(inner) : retried(before, total, () => step(inner));
      } catch (error) {
        if (!(error instanceof EvalError)) throw error;
        failure = error;
        if (!absorbs(node)) throw error;
      }
    }
    if (failure !== undefined) throw failure;
    return result({ run, names: total });
  };
}

/** all() and exists(): one false, one true decides, whatever failed before. */
function absorbs({ step }: Fold): boolean {
  return step.kind === 'call' && (step.name === '_&&_' || step.name === '_||_');
}

function retried(before: EvalError, total: Names, step: () => Value): Value {
  const was = total.value;
  const value = step();
  // The step saw the value from before the failure, which decides nothing; only the other decides.
  if (value === was) throw before;
  return value;
}
