/** Conditions of both kinds. Upstream: ValidateFlowSchemaCondition, ValidatePriorityLevelConfigurationCondition. */
import type { FieldError } from '../../field-errors.ts';
import { duplicateField, requiredField } from '../../field-errors.ts';

interface Status {
  readonly conditions?: readonly { readonly type?: string }[];
}

export function validateConditions(status: Status | undefined): FieldError[] {
  const seen = new Set<string>();
  return (status?.conditions ?? []).flatMap(({ type = '' }, index) => {
    const field = `status.conditions[${String(index)}].type`;
    const errors = seen.has(type) ? [duplicateField(field, type)] : [];
    seen.add(type);
    return type === '' ? [...errors, requiredField(field)] : errors;
  });
}
