/** node.k8s.io/v1 RuntimeClass: stored. Upstream: ValidateRuntimeClass. */
import type { RuntimeClass } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { invalidField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateLabels,
  validateMetadataUpdate,
  validateObjectMeta,
  whyNotDns1123Label,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { validateImmutable } from './lifecycle.ts';

export const runtimeClassKind = defineKind<RuntimeClass>({
  resource: resources.runtimeClasses,
  validate,
  validateUpdate: (now, old) => [
    ...validateMetadataUpdate(now, old),
    ...validateImmutable(now.handler, old.handler, 'handler'),
  ],
  columns: [
    nameColumn(),
    column('Handler', 'handler specifies the underlying runtime and configuration.', ({ handler }) => handler),
    ageColumn(),
  ],
  unconditionalUpdate: true,
});

function validate(runtimeClass: RuntimeClass): FieldError[] {
  const handler = runtimeClass.handler ?? '';
  return [
    ...validateObjectMeta(runtimeClass, false, dns1123SubdomainName),
    ...(handler === ''
      ? [requiredField('handler')]
      : whyNotDns1123Label(handler).map((why) => invalidField('handler', handler, why))),
    ...validateLabels(runtimeClass.scheduling?.nodeSelector, 'scheduling.nodeSelector'),
  ];
}
