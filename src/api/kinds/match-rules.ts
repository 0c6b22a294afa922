/** Which requests a webhook or a policy is for. Upstream: pkg/apis/admissionregistration/validation/validation.go. */
import { admissionCel } from '../admission-cel/lazy.ts';
import type { FieldError } from '../field-errors.ts';
import { duplicateField, invalidField, notSupportedField, requiredField, tooManyField } from '../field-errors.ts';
import type { MatchCondition, MatchResources, NamedRuleWithOperations, RuleWithOperations } from '../gen/types.ts';
import { validateLabelSelector, whyNotPathSegment, whyNotQualifiedName } from '../validation/index.ts';

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];

export function validateRule(rule: RuleWithOperations, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if ((rule.operations ?? []).length === 0) errors.push(requiredField(`${field}.operations`));
  if ((rule.operations ?? []).length > 1 && rule.operations?.includes('*')) {
    errors.push(
      invalidField(`${field}.operations`, rule.operations, "if '*' is present, must not specify other operations"),
    );
  }
  for (const [index, operation] of (rule.operations ?? []).entries()) {
    if (!operations.includes(operation))
      errors.push(notSupportedField(`${field}.operations[${String(index)}]`, operation, operations));
  }
  for (const [key, noun] of [
    ['apiGroups', 'API groups'],
    ['apiVersions', 'API versions'],
  ] as const) {
    const values = rule[key] ?? [];
    if (values.length === 0) errors.push(requiredField(`${field}.${key}`));
    if (values.length > 1 && values.includes('*')) {
      errors.push(invalidField(`${field}.${key}`, values, `if '*' is present, must not specify other ${noun}`));
    }
    for (const [index, value] of values.entries()) {
      if (value === '' && key !== 'apiGroups') errors.push(requiredField(`${field}.${key}[${String(index)}]`));
    }
  }
  errors.push(...validateResources(rule.resources ?? [], `${field}.resources`));
  if (rule.scope !== undefined && !['*', 'Cluster', 'Namespaced'].includes(rule.scope)) {
    errors.push(notSupportedField(`${field}.scope`, rule.scope, ['*', 'Cluster', 'Namespaced']));
  }
  return errors;
}

function validateResources(resources: readonly string[], field: string): FieldError[] {
  const errors: FieldError[] = resources.length === 0 ? [requiredField(field)] : [];
  const all = new Set<string>();
  let plain = false;
  for (const [index, text] of resources.entries()) {
    const at = `${field}[${String(index)}]`;
    if (text === '') {
      errors.push(requiredField(at));
      continue;
    }
    const slash = text.indexOf('/');
    if (slash < 0) {
      plain = text !== '*';
      continue;
    }
    const [name, sub] = [text.slice(0, slash), text.slice(slash + 1)];
    for (const wide of [`${name}/*`, `*/${sub}`]) {
      if (all.has(wide)) errors.push(invalidField(at, text, `if '${wide}' is present, must not specify ${text}`));
    }
    if (sub === '*' || name === '*') all.add(text);
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    errors.push(invalidField(field, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (resources.includes('*') && plain) {
    const why = "if '*' is present, must not specify other resources without subresources";
    errors.push(invalidField(field, resources, why));
  }
  return errors;
}

export function validateMatchResources(match: MatchResources | undefined, field: string): FieldError[] {
  if (match === undefined) return [];
  const errors: FieldError[] = [];
  if (match.matchPolicy === undefined) errors.push(requiredField(`${field}.matchPolicy`));
  else if (!['Equivalent', 'Exact'].includes(match.matchPolicy)) {
    errors.push(notSupportedField(`${field}.matchPolicy`, match.matchPolicy, ['Equivalent', 'Exact']));
  }
  for (const key of ['namespaceSelector', 'objectSelector'] as const) {
    if (match[key] === undefined) errors.push(requiredField(`${field}.${key}`));
    else errors.push(...validateLabelSelector(match[key], `${field}.${key}`));
  }
  for (const key of ['resourceRules', 'excludeResourceRules'] as const) {
    for (const [index, rule] of (match[key] ?? []).entries()) {
      errors.push(...validateNamedRule(rule, `${field}.${key}[${String(index)}]`));
    }
  }
  return errors;
}

function validateNamedRule(rule: NamedRuleWithOperations, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, name] of (rule.resourceNames ?? []).entries()) {
    const at = `${field}.resourceNames[${String(index)}]`;
    errors.push(...whyNotPathSegment(name).map((why) => invalidField(at, name, why)));
    if (seen.has(name)) errors.push(duplicateField(at, name));
    seen.add(name);
  }
  return [...errors, ...validateRule(rule, field)];
}

export function setMatchDefaults(match: MatchResources | undefined): void {
  if (match === undefined) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*';
}

const mostConditions = 64;

/** Throws NotLoaded. */
export function validateMatchConditions(
  conditions: readonly MatchCondition[] | undefined,
  hasParams: boolean,
  field: string,
): FieldError[] {
  if (conditions === undefined || conditions.length === 0) return [];
  const errors: FieldError[] = [];
  if (conditions.length > mostConditions) errors.push(tooManyField(field, conditions.length, mostConditions));
  const seen = new Set<string>();
  for (const [index, condition] of conditions.entries()) {
    const at = `${field}[${String(index)}]`;
    const { name = '', expression = '' } = condition as Partial<MatchCondition>;
    const source = expression.trim();
    if (source === '') errors.push(requiredField(`${at}.expression`));
    else {
      const { error } = admissionCel().compileExpression(source, { hasParams, hasAuthorizer: true }, ['bool']);
      if (error !== undefined) errors.push(invalidField(`${at}.expression`, source, error));
    }
    if (name === '') errors.push(requiredField(`${at}.name`));
    else {
      errors.push(...whyNotQualifiedName(name).map((why) => invalidField(`${at}.name`, name, why)));
      if (seen.has(name)) errors.push(duplicateField(`${at}.name`, name));
      seen.add(name);
    }
  }
  return errors;
}
