/**
 * matchConditions: all must be true. One that is false decides, whatever else failed; otherwise a failure is the failurePolicy's.
 * Upstream: apiserver/pkg/admission/plugin/webhook/matchconditions/matcher.go. Loaded when a webhook or policy has some.
 */
import type { NamedExpression } from '../../api/admission-cel/index.ts';
import { CostExceeded } from '../../api/cel/index.ts';
import type { Value } from '../../api/cel/index.ts';

/** Of all conditions of a webhook: a quarter of a second or so. */
const budget = 2_500_000;
/** Of one expression. */
export const expressionLimit = 1_000_000;
export const outOfBudget =
  'validation failed due to running out of cost budget, no further validation rules will be run';

export type Verdict = { readonly kind: 'matches' | 'skip' } | { readonly kind: 'failed'; readonly why: string };

export function judgeConditions(
  conditions: readonly NamedExpression[],
  variables: (name: string) => Value | undefined,
  failurePolicy: string | undefined,
): Verdict {
  let left = budget;
  const failures: string[] = [];
  for (const { expression } of conditions) {
    if (expression.program === undefined) {
      failures.push(`compilation error: ${expression.error ?? ''}`);
      continue;
    }
    const { value, cost } = expression.program.run(variables, expressionLimit);
    left -= cost;
    if (left < 0 || value instanceof CostExceeded) {
      return failurePolicy === 'Ignore' ? { kind: 'skip' } : { kind: 'failed', why: outOfBudget };
    }
    if (value instanceof Error) failures.push(`expression '${expression.source}' resulted in error: ${value.message}`);
    else if (value === false) return { kind: 'skip' };
  }
  if (failures.length === 0) return { kind: 'matches' };
  if (failurePolicy === 'Ignore') return { kind: 'skip' };
  const unique = [...new Set(failures)];
  return { kind: 'failed', why: unique.length === 1 ? unique.join('') : `[${unique.join(', ')}]` };
}
