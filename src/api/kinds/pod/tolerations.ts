/** Validation of tolerations. Upstream: ValidateTolerations. */
import type { Toleration } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { invalidField, notSupportedField } from '../../field-errors.ts';
import { whyNotLabelValue, whyNotQualifiedName } from '../../validation/index.ts';

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateTolerations(tolerations: readonly Toleration[], field: string): FieldError[] {
  return tolerations.flatMap(({ key = '', operator = '', value = '', effect = '', tolerationSeconds }, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    if (key !== '') for (const why of whyNotQualifiedName(key)) errors.push(invalidField(`${at}.key`, key, why));
    if (key === '' && operator !== 'Exists') {
      const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalidField(`${at}.operator`, operator, why));
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      errors.push(invalidField(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    errors.push(...validateOperator(operator, value, `${at}.operator`));
    if (effect !== '' && !effects.includes(effect)) errors.push(notSupportedField(`${at}.effect`, effect, effects));
    return errors;
  });
}

/** None means Equal. Lt and Gt (TaintTolerationComparisonOperators) are off. */
function validateOperator(operator: string, value: string, field: string): FieldError[] {
  switch (operator) {
    case '':
    case 'Equal': {
      const bad = whyNotLabelValue(value);
      return bad.length === 0 ? [] : [invalidField(field, value, bad.join(';'))];
    }
    case 'Exists':
      return value === '' ? [] : [invalidField(field, value, "value must be empty when `operator` is 'Exists'")];
    case 'Lt':
    case 'Gt':
      return [notSupportedField(field, operator, ['Equal', 'Exists', 'Lt', 'Gt'])];
    default:
      return [notSupportedField(field, operator, ['Equal', 'Exists'])];
  }
}
