/**
 * One policy over one request. Upstream: apiserver/pkg/admission/plugin/policy/validating/validator.go.
 *
 *   matchConditions ─ validations (variables when they are named) ─ messages of those that failed ─ audit annotations
 */
import type { Compiled, CompiledPolicy, CompiledValidation } from '../../../api/admission-cel/index.ts';
import { CostExceeded, EvalError, Struct } from '../../../api/cel/index.ts';
import type { Value } from '../../../api/cel/index.ts';
import { expressionLimit, judgeConditions, outOfBudget } from '../match-conditions.ts';

export interface Refusal {
  readonly message: string;
  /** '' after a failure of the policy itself. */
  readonly reason: string;
}

type Variables = (name: string) => Value | undefined;

/** Of all expressions of a policy over one request. */
const budget = 10_000_000;
const longestMessage = 5 * 1024;

export function judgePolicy(
  policy: CompiledPolicy,
  failurePolicy: string | undefined,
  input: Variables,
): readonly Refusal[] {
  const failed = (message: string): readonly Refusal[] => (failurePolicy === 'Ignore' ? [] : [{ message, reason: '' }]);
  const verdict = judgeConditions(policy.matchConditions, input, failurePolicy);
  if (verdict.kind === 'failed') return failed(verdict.why);
  if (verdict.kind === 'skip') return [];
  const run = new Run(policy, input);
  try {
    const refusals: Refusal[] = [];
    for (const validation of policy.validations) {
      const value = run.evaluate(validation.expression);
      if (value === true) continue;
      if (value instanceof Error) refusals.push(...failed(value.message));
      else refusals.push({ message: messageOf(run, validation), reason: validation.reason ?? 'Invalid' });
    }
    for (const { expression } of policy.auditAnnotations) {
      const value = run.evaluate(expression);
      if (value instanceof Error) refusals.push(...failed(value.message));
    }
    return refusals;
  } catch (error) {
    if (error instanceof CostExceeded) return failed(outOfBudget);
    throw error;
  }
}

class Run {
  readonly #input: Variables;
  #left = budget;

  constructor({ variables }: CompiledPolicy, input: Variables) {
    const fields = new Map(
      variables.map(({ name, expression }) => [name, (): Value => this.#variable(name, expression)] as const),
    );
    const composed = new Struct('kubernetes.variables', fields);
    this.#input = (name) => (name === 'variables' ? composed : input(name));
  }

  /** An error is a value; throws CostExceeded when nothing more may be run. */
  evaluate({ program, error, source }: Compiled): Value | EvalError {
    if (program === undefined) return new EvalError(`compilation error: ${error ?? ''}`);
    const { value, cost } = program.run(this.#input, expressionLimit);
    this.#left -= cost;
    if (this.#left < 0 || value instanceof CostExceeded) throw new CostExceeded();
    if (value instanceof Error) return new EvalError(`expression '${source}' resulted in error: ${value.message}`);
    return value;
  }

  #variable(name: string, { program, error }: Compiled): Value {
    const why = (text: string): EvalError =>
      new EvalError(`composited variable ${JSON.stringify(name)} fails to ${text}`);
    if (program === undefined) throw why(`compile: ${error ?? ''}`);
    const { value, cost } = program.run(this.#input, expressionLimit);
    this.#left -= cost;
    if (value instanceof CostExceeded) throw value;
    if (value instanceof Error) throw why(`evaluate: ${value.message}`);
    return value;
  }
}

function messageOf(run: Run, { messageExpression, message, expression }: CompiledValidation): string {
  if (messageExpression !== undefined) {
    const value = run.evaluate(messageExpression);
    const text = typeof value === 'string' ? value.trim() : '';
    if (text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= longestMessage) return text;
  }
  return message === '' ? `failed expression: ${expression.source.trim()}` : message;
}
