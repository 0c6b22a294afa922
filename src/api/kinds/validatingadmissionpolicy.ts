/**
 * admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy. Upstream: pkg/registry/admissionregistration/validatingadmissionpolicy and
 * pkg/apis/admissionregistration/validation. What upstream's controller says in the status is part of the write here.
 */
import type { KnownKind } from '../admission-cel/index.ts';
import { admissionCel } from '../admission-cel/lazy.ts';
import type { FieldError } from '../field-errors.ts';
import { duplicateField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicySpec, Validation } from '../gen/types.ts';
import { defineKind } from '../kind.ts';
import type { WriteView } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateMetadataUpdate,
  validateObjectMeta,
  whyNotQualifiedName,
} from '../validation/index.ts';
import { ageColumn, integerColumn, nameColumn } from './columns.ts';
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

export const validatingAdmissionPolicyKind = defineKind<ValidatingAdmissionPolicy>({
  resource: resources.validatingAdmissionPolicies,
  applyDefaults(policy) {
    const spec = (policy.spec ??= {});
    spec.failurePolicy ??= 'Fail';
    setMatchDefaults(spec.matchConstraints);
  },
  prepareForCreate(policy) {
    firstGeneration(policy);
    policy.status = checkedStatus(1);
  },
  prepareForUpdate(policy, old) {
    raiseGeneration(policy, old);
    const generation = policy.metadata?.generation ?? 1;
    const same = generation === (old.metadata.generation ?? 1);
    policy.status = { ...structuredClone(old.status ?? {}), ...(same ? {} : checkedStatus(generation)) };
  },
  validate: validatePolicy,
  validateUpdate: (policy, old) => [...validateMetadataUpdate(policy, old), ...validatePolicy(policy)],
  status: {
    prepareForUpdate(policy, old) {
      policy.spec = structuredClone(old.spec ?? {});
      policy.metadata = { ...structuredClone(old.metadata) };
    },
    validateUpdate: validateMetadataUpdate,
  },
  columns: [
    nameColumn(),
    integerColumn(
      'Validations',
      'Validations indicates the number of validation rules defined in this configuration',
      (policy) => policy.spec?.validations?.length ?? 0,
    ),
    paramKindColumn<ValidatingAdmissionPolicy>(),
    ageColumn(),
  ],
  onWrite(view, policy, old) {
    if (policy === undefined || policy.metadata?.generation === old?.metadata.generation) return;
    const warnings = admissionCel().typeWarnings(policy.spec ?? {}, knownKinds(view));
    if (warnings.length > 0) policy.status = { ...policy.status, typeChecking: { expressionWarnings: warnings } };
  },
  warnings: staticNameWarnings,
  unconditionalUpdate: false,
});

function knownKinds(view: WriteView): readonly KnownKind[] {
  const own = Object.values(resources).map(({ group, version, plural, kind, schema }) => ({
    group,
    version,
    plural,
    kind,
    schema,
  }));
  const others = [...view.list(resources.customResourceDefinitions)].flatMap(({ spec }) =>
    spec.versions.flatMap(({ name, schema }) => {
      const { openAPIV3Schema } = schema ?? {};
      if (openAPIV3Schema === undefined) return [];
      const { plural, kind } = spec.names;
      return [{ group: spec.group, version: name, plural, kind, schema: openAPIV3Schema }];
    }),
  );
  return [...own, ...others];
}

function checkedStatus(generation: number): NonNullable<ValidatingAdmissionPolicy['status']> {
  return { observedGeneration: generation, typeChecking: {} };
}

function validatePolicy(policy: ValidatingAdmissionPolicy): FieldError[] {
  const { spec = {}, metadata } = policy;
  return [
    ...validateObjectMeta(policy, false, dns1123SubdomainName),
    ...validateSpec(spec),
    ...validateAnnotations(spec, metadata?.name ?? ''),
  ];
}

function validateSpec(spec: ValidatingAdmissionPolicySpec): FieldError[] {
  const errors: FieldError[] = [];
  errors.push(...validateFailurePolicy(spec.failurePolicy));
  if (spec.paramKind !== undefined) errors.push(...validateParamKind(spec.paramKind));
  errors.push(...validateMatchConstraints(spec.matchConstraints));
  const hasParams = spec.paramKind !== undefined;
  errors.push(...validateMatchConditions(spec.matchConditions, hasParams, 'spec.matchConditions'));
  const compiled = admissionCel().compilePolicy(spec);
  errors.push(...validateVariables(spec.variables, compiled));
  if ((spec.validations ?? []).length === 0 && (spec.auditAnnotations ?? []).length === 0) {
    const why = 'validations or auditAnnotations must contain at least one item';
    return [...errors, requiredField('spec.validations', why), requiredField('spec.auditAnnotations', why)];
  }
  for (const [index, validation] of (spec.validations ?? []).entries()) {
    const { expression, messageExpression } = compiled.validations[index] ?? {};
    const at = `spec.validations[${String(index)}]`;
    errors.push(...validateValidation(validation, at, expression?.error, messageExpression?.error));
  }
  return errors;
}

const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];

function validateValidation(
  validation: Validation,
  at: string,
  error: string | undefined,
  messageError: string | undefined,
): FieldError[] {
  const errors: FieldError[] = [];
  const { message = '', messageExpression = '', reason } = validation;
  const expression = (validation as Partial<Validation>).expression ?? '';
  if (expression.trim() === '') errors.push(requiredField(`${at}.expression`, 'expression is not specified'));
  else if (error !== undefined) errors.push(invalidField(`${at}.expression`, expression, error));
  if (messageExpression !== '' && messageExpression.trim() === '') {
    errors.push(invalidField(`${at}.messageExpression`, messageExpression, 'must be non-empty if specified'));
  } else if (messageError !== undefined) {
    errors.push(invalidField(`${at}.messageExpression`, messageExpression, messageError));
  }
  if (message !== '' && message.trim() === '') {
    errors.push(invalidField(`${at}.message`, message, 'must be non-empty if specified'));
  } else if (/[\n\r]/.test(message.trim())) {
    errors.push(invalidField(`${at}.message`, message, 'must not contain line breaks'));
  }
  if (reason !== undefined && !reasons.includes(reason)) {
    errors.push(notSupportedField(`${at}.reason`, reason, reasons));
  }
  return errors;
}

const mostAnnotations = 20;
const longestExpression = 5 * 1024;

function validateAnnotations(spec: ValidatingAdmissionPolicySpec, name: string): FieldError[] {
  const annotations = spec.auditAnnotations ?? [];
  const at = 'spec.auditAnnotations';
  const errors: FieldError[] = [];
  if (annotations.length > mostAnnotations) {
    errors.push(invalidField(at, annotations, `must not have more than ${String(mostAnnotations)} auditAnnotations`));
  }
  const compiled = annotations.length === 0 ? [] : admissionCel().compilePolicy(spec).auditAnnotations;
  const seen = new Set<string>();
  for (const [index, { key, valueExpression }] of annotations.entries()) {
    const here = `${at}[${String(index)}]`;
    const full = `${name}/${key}`;
    if (name === '') errors.push(invalidField(`${here}.key`, key, 'requires metadata.name be non-empty'));
    else errors.push(...whyNotQualifiedName(full).map((why) => invalidField(`${here}.key`, full, why)));
    const error = compiled[index]?.expression.error;
    const source = valueExpression.trim();
    if (source === '') errors.push(requiredField(`${here}.valueExpression`, 'valueExpression is not specified'));
    else if (source.length > longestExpression) {
      const why = `must not exceed ${String(longestExpression)} bytes in length`;
      errors.push(requiredField(`${here}.valueExpression`, why));
    } else if (error !== undefined) errors.push(invalidField(`${here}.valueExpression`, valueExpression, error));
    if (seen.has(key)) errors.push(duplicateField(`${here}.key`, key));
    seen.add(key);
  }
  return errors;
}
