/**
 * What policies of both sorts have in common: failurePolicy, paramKind, variables, and how a binding names its params.
 * Upstream: pkg/apis/admissionregistration/validation/validation.go, pkg/printers/internalversion/printers.go.
 */
import type { CompiledPolicy } from '../admission-cel/index.ts';
import type { FieldError } from '../field-errors.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { goText } from '../go-text.ts';
import type { LabelSelector, MatchResources, ObjectMeta, ParamKind, ParamRef, Variable } from '../gen/types.ts';
import type { Column } from '../kind.ts';
import type { KubeObject, Live } from '../object.ts';
import {
  validateLabelSelector,
  whyNotDns1035Label,
  whyNotDns1123Subdomain,
  whyNotPathSegment,
} from '../validation/index.ts';
import { sameValue } from './equal.ts';
import { validateMatchResources } from './match-rules.ts';

/** A change of the spec is a new generation. */
export function raiseGeneration(
  object: { metadata?: ObjectMeta; readonly spec?: object },
  old: Live<KubeObject & { readonly spec?: object }>,
): void {
  const before = old.metadata.generation ?? 1;
  const generation = sameValue(object.spec, old.spec) ? before : before + 1;
  object.metadata = { ...object.metadata, generation };
}

export function firstGeneration(object: { metadata?: ObjectMeta }): void {
  object.metadata = { ...object.metadata, generation: 1 };
}

export function staticNameWarnings({ metadata }: KubeObject): readonly string[] {
  if (metadata?.name?.endsWith('.static.k8s.io') !== true) return [];
  return [
    'metadata.name: names ending with ".static.k8s.io" are reserved for static manifest-based configurations and cannot be managed via the API',
  ];
}

export function validateFailurePolicy(policy: string | undefined): FieldError[] {
  if (policy === undefined) return [requiredField('spec.failurePolicy')];
  return ['Fail', 'Ignore'].includes(policy)
    ? []
    : [notSupportedField('spec.failurePolicy', policy, ['Fail', 'Ignore'])];
}

/** Of a policy, which must name resources, so that it is known what they look like. */
export function validateMatchConstraints(match: MatchResources | undefined): FieldError[] {
  if (match === undefined) return [requiredField('spec.matchConstraints')];
  const errors = validateMatchResources(match, 'spec.matchConstraints');
  if ((match.resourceRules ?? []).length === 0) errors.push(requiredField('spec.matchConstraints.resourceRules'));
  return errors;
}

export function validateParamKind({ apiVersion = '', kind = '' }: ParamKind): FieldError[] {
  const at = 'spec.paramKind';
  const errors: FieldError[] = [];
  const parts = apiVersion.split('/');
  const [group, version] = parts.length === 1 ? ['', parts[0] ?? ''] : [parts[0] ?? '', parts[1] ?? ''];
  if (apiVersion === '') errors.push(requiredField(`${at}.apiVersion`));
  else if (parts.length > 2) {
    errors.push(invalidField(`${at}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  } else {
    const why = group === '' ? [] : whyNotDns1123Subdomain(group);
    if (why.length > 0) errors.push(invalidField(`${at}.apiVersion`, group, why.join(',')));
    const wrong = whyNotDns1035Label(version);
    if (version === '') errors.push(invalidField(`${at}.apiVersion`, apiVersion, 'version must be specified'));
    else if (wrong.length > 0) errors.push(invalidField(`${at}.apiVersion`, version, wrong.join(',')));
  }
  const why = whyNotDns1035Label(kind.toLowerCase());
  if (kind === '') errors.push(requiredField(`${at}.kind`));
  else if (why.length > 0) {
    errors.push(invalidField(`${at}.kind`, kind, `may have mixed case, but should otherwise match: ${why.join(',')}`));
  }
  return errors;
}

const reserved =
  /^(true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|namespace|return|var|void|while)$/;

export function validateVariables(
  variables: readonly Variable[] | undefined,
  compiled: Pick<CompiledPolicy, 'variables'>,
): FieldError[] {
  return (variables ?? []).flatMap(({ name = '', expression = '' }: Partial<Variable>, index) => {
    const errors: FieldError[] = [];
    const at = `spec.variables[${String(index)}]`;
    if (name.trim() === '') errors.push(requiredField(`${at}.name`, 'name is not specified'));
    else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) || reserved.test(name)) {
      errors.push(invalidField(`${at}.name`, name, 'must be a valid CEL identifier'));
    }
    const error = compiled.variables[index]?.expression.error;
    if (expression.trim() === '') errors.push(requiredField(`${at}.expression`, 'expression is not specified'));
    else if (error !== undefined) errors.push(invalidField(`${at}.expression`, expression, error));
    return errors;
  });
}

export function validatePolicyName(name: string): FieldError[] {
  if (name === '') return [requiredField('spec.policyName')];
  return whyNotDns1123Subdomain(name).map((why) => invalidField('spec.policyName', name, why));
}

export function validateParamRef(ref: ParamRef | undefined): FieldError[] {
  if (ref === undefined) return [];
  const at = 'spec.paramRef';
  const errors: FieldError[] = [];
  const name = ref.name ?? '';
  const both = 'name and selector are mutually exclusive';
  errors.push(...(name === '' ? [] : whyNotPathSegment(name).map((why) => invalidField(`${at}.name`, name, why))));
  if (name !== '' && ref.selector !== undefined) errors.push(forbiddenField(`${at}.name`, both));
  errors.push(...validateLabelSelector(ref.selector, `${at}.selector`));
  if (name !== '' && ref.selector !== undefined) errors.push(forbiddenField(`${at}.selector`, both));
  if (name === '' && ref.selector === undefined) {
    errors.push(requiredField(at, 'one of name or selector must be specified'));
  }
  const action = ref.parameterNotFoundAction ?? '';
  if (action === '') errors.push(requiredField(`${at}.parameterNotFoundAction`));
  else if (action !== 'Deny' && action !== 'Allow') {
    errors.push(notSupportedField(`${at}.parameterNotFoundAction`, action, ['Deny', 'Allow']));
  }
  return errors;
}

export function paramKindColumn<
  T extends KubeObject & { readonly spec?: { readonly paramKind?: ParamKind } },
>(): Column<T> {
  return {
    name: 'ParamKind',
    type: 'string',
    description: 'ParamKind specifies the kind of resources used to parameterize this policy',
    priority: 0,
    cell: (policy) => {
      const { paramKind } = (policy as T).spec ?? {};
      return paramKind === undefined ? '<unset>' : `${paramKind.apiVersion ?? ''}/${paramKind.kind ?? ''}`;
    },
  };
}

type Binding = KubeObject & { readonly spec?: { readonly policyName?: string; readonly paramRef?: ParamRef } };

export function bindingColumns<T extends Binding>(): readonly Column<T>[] {
  return [
    {
      name: 'PolicyName',
      type: 'string',
      description: 'PolicyName indicates the policy definition which the policy binding binded to',
      priority: 0,
      cell: (binding) => (binding as T).spec?.policyName ?? '',
    },
    {
      name: 'ParamRef',
      type: 'string',
      description: 'ParamRef indicates the param resource which sets the configuration param',
      priority: 0,
      cell: (binding) => paramText((binding as T).spec?.paramRef),
    },
  ];
}

function paramText(ref: ParamRef | undefined): string {
  if (ref === undefined) return '<unset>';
  const { name = '', namespace = '', selector } = ref;
  if (name === '') return selector === undefined ? '<unset>' : selectorText(selector);
  return `${namespace === '' ? '*' : namespace}/${name}`;
}

/** As Go's generated String has it. */
function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const labels = Object.entries(matchLabels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${value},`);
  const rules = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:${goText(values)},},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:[]LabelSelectorRequirement{${rules.join('')}},}`;
}
