/**
 * admissionregistration.k8s.io/v1 MutatingAdmissionPolicy. Upstream: pkg/registry/admissionregistration/mutatingadmissionpolicy and
 * pkg/apis/admissionregistration/validation.
 */
import type { Compiled } from '../admission-cel/index.ts';
import { admissionCel } from '../admission-cel/lazy.ts';
import type { FieldError } from '../field-errors.ts';
import { invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import type { MatchResources, MutatingAdmissionPolicy, MutatingAdmissionPolicySpec, Mutation } from '../gen/types.ts';
import { defineKind } from '../kind.ts';
import type { Live } from '../object.ts';
import { resources } from '../resources.ts';
import { dns1123SubdomainName, validateMetadataUpdate, validateObjectMeta } from '../validation/index.ts';
import { ageColumn, integerColumn, nameColumn } from './columns.ts';
import { sameValue } from './equal.ts';
import { setMatchDefaults, validateMatchConditions } from './match-rules.ts';
import {
  firstGeneration,
  paramKindColumn,
  raiseGeneration,
  staticNameWarnings,
  validateFailurePolicy,
  validateMatchConstraints,
  validateParamKind,
  validateVariables,
} from './policy-parts.ts';

export const mutatingAdmissionPolicyKind = defineKind<MutatingAdmissionPolicy>({
  resource: resources.mutatingAdmissionPolicies,
  // pkg/kubeapiserver/default_storage_factory_builder.go
  storageVersion: 'v1beta1',
  applyDefaults(policy) {
    const spec = (policy.spec ??= {});
    spec.failurePolicy ??= 'Fail';
    setMatchDefaults(spec.matchConstraints);
  },
  prepareForCreate: firstGeneration,
  prepareForUpdate: raiseGeneration,
  validate: (policy) => validatePolicy(policy, undefined),
  validateUpdate: (policy, old) => [...validateMetadataUpdate(policy, old), ...validatePolicy(policy, old)],
  warnings: staticNameWarnings,
  columns: [
    nameColumn(),
    integerColumn(
      'Mutations',
      'Mutation indicates the number of mutations rules defined in this configuration',
      (policy) => policy.spec?.mutations?.length ?? 0,
    ),
    paramKindColumn<MutatingAdmissionPolicy>(),
    ageColumn(),
  ],
  unconditionalUpdate: false,
});

const operations = ['*', 'CONNECT', 'CREATE', 'UPDATE'];

/** A deletion has nothing that could be changed. */
export function validateMutatingOperations(match: MatchResources | undefined, field: string): FieldError[] {
  return (match?.resourceRules ?? []).flatMap((rule) =>
    (rule.operations ?? [])
      .filter((operation) => !operations.includes(operation))
      .map((operation) => notSupportedField(`${field}.resourceRules.operations`, operation, operations)),
  );
}

function validatePolicy(policy: MutatingAdmissionPolicy, old: Live<MutatingAdmissionPolicy> | undefined): FieldError[] {
  const { spec = {} } = policy;
  const { paramKind, matchConstraints, matchConditions, reinvocationPolicy = '' } = spec;
  const compiled = admissionCel().compileMutatingPolicy(spec);
  // What was right once stays so.
  const unchanged =
    old !== undefined &&
    sameValue(paramKind, old.spec?.paramKind) &&
    sameValue(matchConditions, old.spec?.matchConditions);
  const hasParams = paramKind !== undefined;
  return [
    ...validateObjectMeta(policy, false, dns1123SubdomainName),
    ...validateFailurePolicy(spec.failurePolicy),
    ...(paramKind === undefined ? [] : validateParamKind(paramKind)),
    ...validateMatchConstraints(matchConstraints),
    ...validateMutatingOperations(matchConstraints, 'spec.matchConstraints'),
    ...(unchanged ? [] : validateMatchConditions(matchConditions, hasParams, 'spec.matchConditions')),
    ...validateVariables(spec.variables, compiled),
    ...validateMutations(spec, compiled.mutations),
    ...validateReinvocation(reinvocationPolicy),
  ];
}

function validateReinvocation(policy: string): FieldError[] {
  if (policy === '') return [requiredField('spec.reinvocationPolicy')];
  if (policy === 'Never' || policy === 'IfNeeded') return [];
  return [notSupportedField('spec.reinvocationPolicy', policy, ['IfNeeded', 'Never'])];
}

function validateMutations(
  { mutations = [] }: MutatingAdmissionPolicySpec,
  compiled: readonly { readonly expression: Compiled }[],
): FieldError[] {
  if (mutations.length === 0) return [requiredField('spec.mutations', 'mutations must contain at least one item')];
  return mutations.flatMap((mutation, index) =>
    validateMutation(mutation, compiled[index]?.expression, `spec.mutations[${String(index)}]`),
  );
}

const forms = { JSONPatch: 'jsonPatch', ApplyConfiguration: 'applyConfiguration' } as const;

function validateMutation(mutation: Mutation, compiled: Compiled | undefined, at: string): FieldError[] {
  const { patchType } = mutation;
  if (patchType === '') return [requiredField(`${at}.patchType`)];
  if (patchType !== 'JSONPatch' && patchType !== 'ApplyConfiguration') {
    return [notSupportedField(`${at}.patchType`, patchType, Object.keys(forms).toSorted())];
  }
  const wanted = forms[patchType];
  const other = patchType === 'JSONPatch' ? forms.ApplyConfiguration : forms.JSONPatch;
  const errors: FieldError[] = [];
  const given = mutation[wanted];
  if (given === undefined) {
    errors.push(requiredField(`${at}.${wanted}`, `must be specified when patchType is ${patchType}`));
  } else {
    const source = (given.expression ?? '').trim();
    if (source === '') errors.push(requiredField(`${at}.${wanted}.expression`));
    else if (compiled?.error !== undefined) {
      errors.push(invalidField(`${at}.${wanted}.expression`, source, compiled.error));
    }
  }
  if (mutation[other] !== undefined) {
    const why = `must not be specified when patchType is ${patchType}`;
    errors.push(invalidField(`${at}.${other}`, `{${other}}`, why));
  }
  return errors;
}
