/**
 * Validation of a container's own restart policy (ContainerRestartRules, on since 1.35). What needs
 * RestartAllContainersOnContainerExits is refused, as upstream does without it. Upstream: validateContainerRestartPolicy.
 */
import type { Container } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField, notSupportedField, requiredField, tooManyField } from '../../field-errors.ts';

const restartPolicies = ['Always', 'Never', 'OnFailure'];
const mostRestartRules = 20;
const mostExitCodes = 255;

export function validateRestart(
  { restartPolicy: policy, restartPolicyRules: rules = [] }: Container,
  at: string,
  init: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  const field = `${at}.restartPolicyRules`;
  if (policy === undefined && rules.length > 0) {
    errors.push(requiredField(`${at}.restartPolicy`, 'must specify restartPolicy when restart rules are used'));
    if (init) return errors;
  } else if (policy !== undefined && !restartPolicies.includes(policy)) {
    errors.push(notSupportedField(`${at}.restartPolicy`, policy, restartPolicies));
  }
  if (init && policy === 'Always') {
    const why = 'restartPolicyRules are not allowed for init containers with restart policy Always';
    return rules.length === 0 ? errors : [...errors, forbiddenField(field, why)];
  }
  if (rules.length > mostRestartRules) errors.push(tooManyField(field, rules.length, mostRestartRules));
  return [...errors, ...rules.flatMap((rule, index) => validateRule(rule, `${field}[${index}]`))];
}

type Rule = NonNullable<Container['restartPolicyRules']>[number];

function validateRule({ action = '', exitCodes }: Partial<Rule>, at: string): FieldError[] {
  const errors = action === 'Restart' ? [] : [notSupportedField(`${at}.action`, action, ['Restart'])];
  if (exitCodes === undefined) return [...errors, requiredField(`${at}.exitCodes`, 'must be specified')];
  const { operator = '', values = [] }: Partial<typeof exitCodes> = exitCodes;
  const known = ['In', 'NotIn'];
  if (!known.includes(operator)) errors.push(notSupportedField(`${at}.exitCodes.operator`, operator, known));
  if (values.length > mostExitCodes) {
    errors.push(tooManyField(`${at}.exitCodes.values`, values.length, mostExitCodes));
  }
  return errors;
}
