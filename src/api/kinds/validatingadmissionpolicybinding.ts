/** admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding. Upstream: pkg/apis/admissionregistration/validation. */
import type { FieldError } from '../field-errors.ts';
import { duplicateField, forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import type { ParamRef, ValidatingAdmissionPolicyBinding } from '../gen/types.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateLabelSelector,
  validateMetadataUpdate,
  validateObjectMeta,
  whyNotDns1123Subdomain,
  whyNotPathSegment,
} from '../validation/index.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { sameValue } from './equal.ts';
import { setMatchDefaults, validateMatchResources } from './match-rules.ts';

export const validatingAdmissionPolicyBindingKind = defineKind<ValidatingAdmissionPolicyBinding>({
  resource: resources.validatingAdmissionPolicyBindings,
  applyDefaults(binding) {
    setMatchDefaults(binding.spec?.matchResources);
  },
  prepareForCreate(binding) {
    binding.metadata = { ...binding.metadata, generation: 1 };
  },
  prepareForUpdate(binding, old) {
    const before = old.metadata.generation ?? 1;
    const same = sameValue(binding.spec, old.spec);
    binding.metadata = { ...binding.metadata, generation: same ? before : before + 1 };
  },
  validate: validateBinding,
  validateUpdate: (binding, old) => [...validateMetadataUpdate(binding, old), ...validateBinding(binding)],
  columns: [
    nameColumn(),
    {
      name: 'PolicyName',
      type: 'string',
      description: 'PolicyName indicates the policy definition which the policy binding binded to',
      priority: 0,
      cell: ({ spec }) => spec?.policyName ?? '',
    },
    {
      name: 'ParamRef',
      type: 'string',
      description: 'ParamRef indicates the param resource which sets the configuration param',
      priority: 0,
      cell: ({ spec }) => paramText(spec?.paramRef),
    },
    ageColumn(),
  ],
  unconditionalUpdate: false,
});

function paramText(ref: ParamRef | undefined): string {
  if (ref === undefined) return '<unset>';
  if (ref.name === undefined || ref.name === '') return '*';
  return ref.namespace === undefined ? `*/${ref.name}` : `${ref.namespace}/${ref.name}`;
}

const actions = ['Audit', 'Deny', 'Warn'];

function validateBinding(binding: ValidatingAdmissionPolicyBinding): FieldError[] {
  const spec: NonNullable<ValidatingAdmissionPolicyBinding['spec']> = binding.spec ?? {};
  const errors = validateObjectMeta(binding, false, dns1123SubdomainName);
  const name = spec.policyName ?? '';
  if (name === '') errors.push(requiredField('spec.policyName'));
  else errors.push(...whyNotDns1123Subdomain(name).map((why) => invalidField('spec.policyName', name, why)));
  errors.push(...validateParamRef(spec.paramRef, 'spec.paramRef'));
  errors.push(...validateMatchResources(spec.matchResources, 'spec.matchResources'));
  const at = 'spec.validationActions';
  const given = spec.validationActions ?? [];
  for (const [index, action] of given.entries()) {
    const here = `${at}[${String(index)}]`;
    if (!actions.includes(action)) errors.push(notSupportedField(here, action, actions));
    if (given.indexOf(action) < index) errors.push(duplicateField(here, action));
  }
  if (given.includes('Deny') && given.includes('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    errors.push(invalidField(at, given, why));
  }
  if (given.length === 0) errors.push(requiredField(at, 'at least one validation action is required'));
  return errors;
}

function validateParamRef(ref: ParamRef | undefined, at: string): FieldError[] {
  if (ref === undefined) return [];
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
