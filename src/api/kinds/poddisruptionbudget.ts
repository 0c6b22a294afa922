/** policy/v1 PodDisruptionBudget. Upstream: pkg/apis/policy/validation, pkg/registry/policy/poddisruptionbudget. */
import type { PodDisruptionBudget } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { invalidField, notSupportedField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  validateLabelSelector,
  validateNonNegative,
  validateObjectMeta,
  whyNotPathSegment,
} from '../validation/index.ts';
import { ageColumn, column, integerColumn, nameColumn } from './columns.ts';
import { validateIntOrPercent, validateMost100Percent } from './int-or-percent.ts';
import { keepsStatusAndCounts, statusOnly } from './lifecycle.ts';

const noStatus = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };

export const podDisruptionBudgetKind = defineKind<PodDisruptionBudget>({
  resource: resources.podDisruptionBudgets,
  applyDefaults(budget) {
    budget.spec ??= {};
  },
  ...keepsStatusAndCounts<PodDisruptionBudget>(noStatus),
  validate: (budget) => [...validateObjectMeta(budget, true, whyNotPathSegment), ...validateBudget(budget)],
  validateUpdate: validateBudget,
  status: statusOnly<PodDisruptionBudget>(({ status }) =>
    (['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const).flatMap((key) =>
      validateNonNegative(status?.[key], `status.${key}`),
    ),
  ),
  columns: [
    nameColumn(),
    column('Min Available', 'The minimum number of pods that must be available.', ({ spec }) =>
      String(spec?.minAvailable ?? 'N/A'),
    ),
    column('Max Unavailable', 'The maximum number of pods that may be unavailable.', ({ spec }) =>
      String(spec?.maxUnavailable ?? 'N/A'),
    ),
    integerColumn(
      'Allowed Disruptions',
      'Calculated number of pods that may be disrupted at this time.',
      ({ status }) => status?.disruptionsAllowed ?? 0,
    ),
    ageColumn(),
  ],
  unconditionalUpdate: false,
});

function validateBudget(budget: PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = budget.spec ?? {};
  const errors: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    // As Go's encoder writes upstream's own struct.
    const spec = {
      MinAvailable: minAvailable,
      Selector: selector ?? null,
      MaxUnavailable: maxUnavailable,
      UnhealthyPodEvictionPolicy: policy ?? null,
    };
    errors.push(invalidField('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const [key, value] of Object.entries({ minAvailable, maxUnavailable })) {
    if (value === undefined) continue;
    errors.push(...validateIntOrPercent(value, `spec.${key}`), ...validateMost100Percent(value, `spec.${key}`));
  }
  errors.push(...validateLabelSelector(selector, 'spec.selector'));
  const policies = ['AlwaysAllow', 'IfHealthyBudget'];
  if (policy !== undefined && !policies.includes(policy)) {
    errors.push(notSupportedField('spec.unhealthyPodEvictionPolicy', policy, policies));
  }
  return errors;
}
