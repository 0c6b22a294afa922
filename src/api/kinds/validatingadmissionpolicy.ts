/**
 * admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy. Upstream: pkg/registry/admissionregistration/validatingadmissionpolicy and
 * pkg/apis/admissionregistration/validation. What upstream's controller says in the status is part of the write here.
 */
import type { KnownKind } from '../admission-cel/index.ts';
import { admissionCel } from '../admission-cel/lazy.ts';
import type { FieldError } from '../field-errors.ts';
import { duplicateField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import type { ParamKind, ValidatingAdmissionPolicy, ValidatingAdmissionPolicySpec, Validation } from '../gen/types.ts';
import { defineKind } from '../kind.ts';
import type { WriteView } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateMetadataUpdate,
  validateObjectMeta,
  whyNotDns1035Label,
  whyNotDns1123Subdomain,
  whyNotQualifiedName,
} from '../validation/index.ts';
import { ageColumn, integerColumn, nameColumn } from './columns.ts';
import { sameValue } from './equal.ts';
import { setMatchDefaults, validateMatchConditions, validateMatchResources } from './match-rules.ts';

export const validatingAdmissionPolicyKind = defineKind<ValidatingAdmissionPolicy>({
  resource: resources.validatingAdmissionPolicies,
  applyDefaults(policy) {
    const spec = (policy.spec ??= {});
    spec.failurePolicy ??= 'Fail';
    setMatchDefaults(spec.matchConstraints);
  },
  prepareForCreate(policy) {
    policy.metadata = { ...policy.metadata, generation: 1 };
    policy.status = checkedStatus(1);
  },
  prepareForUpdate(policy, old) {
    const before = old.metadata.generation ?? 1;
    const same = sameValue(policy.spec, old.spec);
    const generation = same ? before : before + 1;
    policy.metadata = { ...policy.metadata, generation };
    policy.status = same
      ? structuredClone(old.status ?? {})
      : { ...structuredClone(old.status ?? {}), ...checkedStatus(generation) };
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
    {
      name: 'ParamKind',
      type: 'string',
      description: 'ParamKind specifies the kind of resources used to parameterize this policy',
      priority: 0,
      cell: ({ spec }) =>
        spec?.paramKind === undefined ? '<unset>' : `${spec.paramKind.apiVersion ?? ''}/${spec.paramKind.kind ?? ''}`,
    },
    ageColumn(),
  ],
  onWrite(view, policy, old) {
    if (policy === undefined || policy.metadata?.generation === old?.metadata.generation) return;
    const warnings = admissionCel().typeWarnings(policy.spec ?? {}, knownKinds(view));
    if (warnings.length > 0) policy.status = { ...policy.status, typeChecking: { expressionWarnings: warnings } };
  },
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
  if (spec.failurePolicy === undefined) errors.push(requiredField('spec.failurePolicy'));
  else if (!['Fail', 'Ignore'].includes(spec.failurePolicy)) {
    errors.push(notSupportedField('spec.failurePolicy', spec.failurePolicy, ['Fail', 'Ignore']));
  }
  if (spec.paramKind !== undefined) errors.push(...validateParamKind(spec.paramKind));
  if (spec.matchConstraints === undefined) errors.push(requiredField('spec.matchConstraints'));
  else {
    errors.push(...validateMatchResources(spec.matchConstraints, 'spec.matchConstraints'));
    if ((spec.matchConstraints.resourceRules ?? []).length === 0) {
      errors.push(requiredField('spec.matchConstraints.resourceRules'));
    }
  }
  const hasParams = spec.paramKind !== undefined;
  errors.push(...validateMatchConditions(spec.matchConditions, hasParams, 'spec.matchConditions'));
  const compiled = admissionCel().compilePolicy(spec);
  for (const [index, { name = '', expression = '' }] of (spec.variables ?? []).entries()) {
    const at = `spec.variables[${String(index)}]`;
    if (name.trim() === '') errors.push(requiredField(`${at}.name`, 'name is not specified'));
    else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name)) {
      errors.push(invalidField(`${at}.name`, name, 'must be a valid CEL identifier'));
    }
    const error = compiled.variables[index]?.expression.error;
    if (expression.trim() === '') errors.push(requiredField(`${at}.expression`, 'expression is not specified'));
    else if (error !== undefined) errors.push(invalidField(`${at}.expression`, expression, error));
  }
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

function validateParamKind({ apiVersion = '', kind = '' }: ParamKind): FieldError[] {
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
