/** admissionregistration.k8s.io/v1 MutatingAdmissionPolicyBinding. Upstream: pkg/apis/admissionregistration/validation. */
import type { FieldError } from '../field-errors.ts';
import type { MutatingAdmissionPolicyBinding } from '../gen/types.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { dns1123SubdomainName, validateMetadataUpdate, validateObjectMeta } from '../validation/index.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { setMatchDefaults, validateMatchResources } from './match-rules.ts';
import { validateMutatingOperations } from './mutatingadmissionpolicy.ts';
import {
  bindingColumns,
  firstGeneration,
  raiseGeneration,
  staticNameWarnings,
  validateParamRef,
  validatePolicyName,
} from './policy-parts.ts';

export const mutatingAdmissionPolicyBindingKind = defineKind<MutatingAdmissionPolicyBinding>({
  resource: resources.mutatingAdmissionPolicyBindings,
  storageVersion: 'v1beta1',
  applyDefaults(binding) {
    setMatchDefaults(binding.spec?.matchResources);
  },
  prepareForCreate: firstGeneration,
  prepareForUpdate: raiseGeneration,
  validate: validateBinding,
  validateUpdate: (binding, old) => [...validateMetadataUpdate(binding, old), ...validateBinding(binding)],
  warnings: staticNameWarnings,
  columns: [nameColumn(), ...bindingColumns<MutatingAdmissionPolicyBinding>(), ageColumn()],
  unconditionalUpdate: false,
});

function validateBinding(binding: MutatingAdmissionPolicyBinding): FieldError[] {
  const spec: NonNullable<MutatingAdmissionPolicyBinding['spec']> = binding.spec ?? {};
  return [
    ...validateObjectMeta(binding, false, dns1123SubdomainName),
    ...validatePolicyName(spec.policyName ?? ''),
    ...validateParamRef(spec.paramRef),
    ...validateMatchResources(spec.matchResources, 'spec.matchResources'),
    ...validateMutatingOperations(spec.matchResources, 'spec.matchResources'),
  ];
}
