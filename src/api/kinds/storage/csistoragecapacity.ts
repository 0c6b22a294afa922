/** storage.k8s.io/v1 CSIStorageCapacity. Upstream: ValidateCSIStorageCapacity. */
import type { CSIStorageCapacity } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { invalidField } from '../../field-errors.ts';
import { defineKind } from '../../kind.ts';
import { resources } from '../../resources.ts';
import {
  dns1123SubdomainName,
  validateLabelSelector,
  validateMetadata,
  validateMetadataUpdate,
  whyNotDns1123Subdomain,
} from '../../validation/index.ts';
import { column, nameColumn } from '../columns.ts';
import { validateImmutable } from '../lifecycle.ts';

export const csiStorageCapacityKind = defineKind<CSIStorageCapacity>({
  resource: resources.csiStorageCapacities,
  validate,
  validateUpdate: (now, old) => [
    ...validateMetadataUpdate(now, old),
    ...validateImmutable(now.nodeTopology, old.nodeTopology, 'nodeTopology'),
    ...validateImmutable(now.storageClassName, old.storageClassName, 'storageClassName'),
  ],
  columns: [
    nameColumn(),
    column(
      'StorageClassName',
      'storageClassName represents the name of the StorageClass that the reported capacity applies to.',
      ({ storageClassName }) => storageClassName,
    ),
    column(
      'Capacity',
      'capacity is the value reported by the CSI driver in its GetCapacityResponse for a GetCapacityRequest that matches the previous fields.',
      ({ capacity }) => capacity ?? '<unset>',
    ),
  ],
});

function validate(object: CSIStorageCapacity): FieldError[] {
  const errors = validateMetadata(object, true, dns1123SubdomainName);
  const className = object.storageClassName ?? '';
  errors.push(...whyNotDns1123Subdomain(className).map((why) => invalidField('storageClassName', className, why)));
  errors.push(...validateLabelSelector(object.nodeTopology, 'nodeTopology'));
  if (object.capacity?.startsWith('-') !== true) return errors;
  return [...errors, invalidField('capacity', object.capacity, 'must be greater than or equal to 0')];
}
