/** networking.k8s.io/v1 IngressClass. Upstream: ValidateIngressClass. */
import type { IngressClass, IngressClassParametersReference } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField, tooLongField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  byteLength,
  validateDomainPath,
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  whyNotDns1123Label,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { validateReference } from './ingress.ts';
import { countGeneration, validateImmutable } from './lifecycle.ts';

const mostControllerBytes = 250;

export const ingressClassKind = defineKind<IngressClass>({
  resource: resources.ingressClasses,
  applyDefaults({ spec }) {
    if (spec?.parameters !== undefined) spec.parameters.scope ??= 'Cluster';
  },
  prepareForCreate(ingressClass) {
    ingressClass.metadata = { ...ingressClass.metadata, generation: 1 };
  },
  prepareForUpdate: countGeneration,
  validate: validateClass,
  validateUpdate: (now, old) => [
    ...validateMetadataUpdate(now, old),
    ...validateImmutable(now.spec?.controller ?? '', old.spec?.controller ?? '', 'spec.controller'),
    ...validateClass(now),
  ],
  columns: [
    nameColumn(),
    column(
      'Controller',
      'Controller that is responsible for handling this class',
      ({ spec }) => spec?.controller ?? '',
    ),
    column('Parameters', 'A reference to a resource with additional parameters', parametersText),
    ageColumn(),
  ],
  unconditionalUpdate: true,
});

function parametersText({ spec }: Live<IngressClass>): string {
  const { parameters } = spec ?? {};
  if (parameters === undefined) return '<none>';
  const group = parameters.apiGroup === undefined ? '' : `.${parameters.apiGroup}`;
  return `${parameters.kind}${group}/${parameters.name}`;
}

function validateClass(ingressClass: IngressClass): FieldError[] {
  const controller = ingressClass.spec?.controller ?? '';
  const errors = validateMetadata(ingressClass, false, dns1123SubdomainName);
  if (byteLength(controller) > mostControllerBytes) {
    errors.push(tooLongField('spec.controller', mostControllerBytes));
  }
  errors.push(...validateDomainPath(controller, 'spec.controller'));
  const { parameters } = ingressClass.spec ?? {};
  return parameters === undefined ? errors : [...errors, ...validateParameters(parameters, 'spec.parameters')];
}

function validateParameters(parameters: IngressClassParametersReference, at: string): FieldError[] {
  const errors = validateReference(parameters, at);
  const { scope, namespace } = parameters;
  if (scope === undefined) return [...errors, requiredField(`${at}.scope`)];
  const field = `${at}.namespace`;
  switch (scope) {
    case 'Namespace':
      if (namespace === undefined) {
        return [...errors, requiredField(field, "`parameters.scope` is set to 'Namespace'")];
      }
      return [...errors, ...whyNotDns1123Label(namespace).map((why) => invalidField(field, namespace, why))];
    case 'Cluster':
      if (namespace === undefined) return errors;
      return [...errors, forbiddenField(field, "`parameters.scope` is set to 'Cluster'")];
    default:
      return [...errors, notSupportedField(`${at}.scope`, scope, ['Cluster', 'Namespace'])];
  }
}
