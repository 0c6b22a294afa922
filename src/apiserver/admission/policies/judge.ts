/**
 * One policy over one request. Upstream: apiserver/pkg/admission/plugin/policy/validating/validator.go.
 *
 *   matchConditions ─ validations (variables when they are named) ─ messages of those that failed ─ audit annotations
 */
import type { CompiledPolicy, CompiledValidation } from '../../../api/admission-cel/index.ts';
import { CostExceeded } from '../../../api/cel/index.ts';
import { judgeConditions, outOfBudget } from '../match-conditions.ts';
import { PolicyRun } from './run.ts';
import type { Variables } from './run.ts';

export interface Refusal {
  readonly message: string;
  /** '' after a failure of the policy itself. */
  readonly reason: string;
}

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
  const run = new PolicyRun(policy, input);
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

function messageOf(run: PolicyRun, { messageExpression, message, expression }: CompiledValidation): string {
  if (messageExpression !== undefined) {
    const value = run.evaluate(messageExpression);
    const text = typeof value === 'string' ? value.trim() : '';
    if (text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= longestMessage) return text;
  }
  return message === '' ? `failed expression: ${expression.source.trim()}` : message;
}
