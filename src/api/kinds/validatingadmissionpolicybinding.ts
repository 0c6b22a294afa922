/** admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding. Upstream: pkg/apis/admissionregistration/validation. */
import type { FieldError } from '../field-errors.ts';
import { duplicateField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import type { ValidatingAdmissionPolicyBinding } from '../gen/types.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { dns1123SubdomainName, validateMetadataUpdate, validateObjectMeta } from '../validation/index.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { setMatchDefaults, validateMatchResources } from './match-rules.ts';
import {
  bindingColumns,
  firstGeneration,
  raiseGeneration,
  staticNameWarnings,
  validateParamRef,
  validatePolicyName,
} from './policy-parts.ts';

export const validatingAdmissionPolicyBindingKind = defineKind<ValidatingAdmissionPolicyBinding>({
  resource: resources.validatingAdmissionPolicyBindings,
  applyDefaults(binding) {
    setMatchDefaults(binding.spec?.matchResources);
  },
  prepareForCreate: firstGeneration,
  prepareForUpdate: raiseGeneration,
  validate: validateBinding,
  validateUpdate: (binding, old) => [...validateMetadataUpdate(binding, old), ...validateBinding(binding)],
  warnings: staticNameWarnings,
  columns: [nameColumn(), ...bindingColumns<ValidatingAdmissionPolicyBinding>(), ageColumn()],
  unconditionalUpdate: false,
});

const actions = ['Audit', 'Deny', 'Warn'];

function validateBinding(binding: ValidatingAdmissionPolicyBinding): FieldError[] {
  const spec: NonNullable<ValidatingAdmissionPolicyBinding['spec']> = binding.spec ?? {};
  const errors = [
    ...validateObjectMeta(binding, false, dns1123SubdomainName),
    ...validatePolicyName(spec.policyName ?? ''),
    ...validateParamRef(spec.paramRef),
    ...validateMatchResources(spec.matchResources, 'spec.matchResources'),
  ];
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
