/** storage.k8s.io/v1 VolumeAttributesClass. Upstream: ValidateVolumeAttributesClass. */
import type { VolumeAttributesClass } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField, invalidField, requiredField, tooLongField } from '../../field-errors.ts';
import { defineKind } from '../../kind.ts';
import { resources } from '../../resources.ts';
import {
  byteLength,
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  whyNotQualifiedName,
} from '../../validation/index.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { sameValue } from '../equal.ts';

const mostParameters = 512;
const mostParameterBytes = 256 * 1024;

export const volumeAttributesClassKind = defineKind<VolumeAttributesClass>({
  resource: resources.volumeAttributesClasses,
  returnsDeleted: true,
  validate,
  validateUpdate: (now, old) => [
    ...validateMetadataUpdate(now, old),
    ...(now.driverName === old.driverName
      ? []
      : [forbiddenField('driverName', 'updates to driverName are forbidden.')]),
    ...(sameValue(now.parameters, old.parameters)
      ? []
      : [forbiddenField('parameters', 'updates to parameters are forbidden.')]),
    ...validate(now),
  ],
  columns: [
    nameColumn(),
    column('DriverName', 'Name of the CSI driver This field is immutable.', ({ driverName }) => driverName),
    ageColumn(),
  ],
  unconditionalUpdate: true,
});

function validate(object: VolumeAttributesClass): FieldError[] {
  const errors = validateMetadata(object, false, dns1123SubdomainName);
  const driver = (object.driverName ?? '').toLowerCase();
  if (driver === '') errors.push(requiredField('driverName'));
  else errors.push(...whyNotQualifiedName(driver).map((why) => invalidField('driverName', driver, why)));
  const entries = Object.entries(object.parameters ?? {});
  if (entries.length === 0) return [...errors, requiredField('parameters', 'must contain at least one key/value pair')];
  if (entries.length > mostParameters) return [...errors, tooLongField('parameters', mostParameters)];
  if ('' in (object.parameters ?? {})) errors.push(invalidField('parameters', '', 'field can not be empty.'));
  const size = entries.reduce((sum, [key, value]) => sum + byteLength(key) + byteLength(value), 0);
  if (size > mostParameterBytes) errors.push(tooLongField('parameters', mostParameterBytes));
  return errors;
}
