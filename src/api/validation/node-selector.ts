/** Which nodes: labels and fields of a node, of pods and of volumes. Upstream: ValidateNodeSelector, ValidateNodeSelectorTerm. */
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { forbiddenField, invalidField, requiredField } from '../field-errors.ts';
import { whyNotDns1123Subdomain, whyNotLabelValue, whyNotQualifiedName } from './names.ts';

export function validateNodeSelector({ nodeSelectorTerms = [] }: Partial<NodeSelector>, at: string): FieldError[] {
  const field = `${at}.nodeSelectorTerms`;
  if (nodeSelectorTerms.length === 0) return [requiredField(field, 'must have at least one node selector term')];
  return nodeSelectorTerms.flatMap((term, index) => validateNodeSelectorTerm(term, `${field}[${index}]`, true));
}

/** A preference may name values that no label can have: they only do not match. */
export function validateNodeSelectorTerm(term: NodeSelectorTerm, at: string, checkValues: boolean): FieldError[] {
  return [
    ...(term.matchExpressions ?? []).flatMap((one, index) =>
      validateExpression(one, `${at}.matchExpressions[${index}]`, checkValues),
    ),
    ...(term.matchFields ?? []).flatMap((one, index) => validateField(one, `${at}.matchFields[${index}]`)),
  ];
}

type Requirement = Partial<NodeSelectorRequirement>;

function validateExpression({ key = '', operator = '', values = [] }: Requirement, at: string, checkValues: boolean) {
  const errors = validateCount(operator, values, at);
  for (const why of whyNotQualifiedName(key)) errors.push(invalidField(`${at}.key`, key, why));
  for (const [index, value] of checkValues ? values.entries() : []) {
    for (const why of whyNotLabelValue(value)) errors.push(invalidField(`${at}.values[${index}]`, value, why));
  }
  return errors;
}

function validateCount(operator: string, values: readonly string[], at: string): FieldError[] {
  const field = `${at}.values`;
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length > 0) return [];
      return [requiredField(field, "must be specified when `operator` is 'In' or 'NotIn'")];
    case 'Exists':
    case 'DoesNotExist':
      if (values.length === 0) return [];
      return [forbiddenField(field, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
    case 'Gt':
    case 'Lt':
      if (values.length === 1) return [];
      return [requiredField(field, "must be specified single value when `operator` is 'Lt' or 'Gt'")];
    default:
      return [invalidField(`${at}.operator`, operator, 'not a valid selector operator')];
  }
}

function validateField({ key = '', operator = '', values = [] }: Requirement, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== 'In' && operator !== 'NotIn') {
    errors.push(invalidField(`${at}.operator`, operator, 'not a valid selector operator'));
  } else if (values.length !== 1) {
    const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    errors.push(requiredField(`${at}.values`, why));
  }
  if (key !== 'metadata.name') return [...errors, invalidField(`${at}.key`, key, 'not a valid field selector key')];
  for (const [index, value] of values.entries()) {
    for (const why of whyNotDns1123Subdomain(value)) errors.push(invalidField(`${at}.values[${index}]`, value, why));
  }
  return errors;
}
