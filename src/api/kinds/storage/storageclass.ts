/** storage.k8s.io/v1 StorageClass: stored. Upstream: pkg/apis/storage/validation, pkg/apis/storage/v1/defaults.go. */
import type { StorageClass } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import { defineKind } from '../../kind.ts';
import { resources } from '../../resources.ts';
import {
  dns1123SubdomainName,
  validateEnum,
  validateMetadata,
  validateMetadataUpdate,
  whyNotQualifiedName,
} from '../../validation/index.ts';
import { ageColumn, column } from '../columns.ts';
import { validateImmutable } from '../lifecycle.ts';

const defaultAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

export const storageClassKind = defineKind<StorageClass>({
  resource: resources.storageClasses,
  returnsDeleted: true,
  applyDefaults(storageClass) {
    storageClass.reclaimPolicy ??= 'Delete';
    storageClass.volumeBindingMode ??= 'Immediate';
  },
  validate: validateClass,
  validateUpdate: (now, old) => [
    ...validateMetadataUpdate(now, old),
    ...validateClass(now),
    ...(['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const).flatMap((key) =>
      validateImmutable(now[key], old[key], key),
    ),
  ],
  columns: [
    {
      ...column<StorageClass>('Name', 'Name must be unique within a namespace.', ({ metadata }) => {
        const isDefault = defaultAnnotations.some((name) => metadata.annotations?.[name] === 'true');
        return isDefault ? `${metadata.name} (default)` : metadata.name;
      }),
      format: 'name',
    },
    column('Provisioner', 'provisioner indicates the type of the provisioner.', ({ provisioner }) => provisioner),
    column(
      'ReclaimPolicy',
      'reclaimPolicy controls the reclaimPolicy for dynamically provisioned PersistentVolumes of this storage class.',
      ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete',
    ),
    column(
      'VolumeBindingMode',
      'volumeBindingMode indicates how PersistentVolumeClaims should be provisioned and bound.',
      ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate',
    ),
    column(
      'AllowVolumeExpansion',
      'allowVolumeExpansion shows whether the storage class allow volume expand.',
      ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false,
    ),
    ageColumn(),
  ],
  unconditionalUpdate: true,
});

function validateClass(storageClass: StorageClass): FieldError[] {
  const errors = validateMetadata(storageClass, false, dns1123SubdomainName);
  const provisioner = storageClass.provisioner ?? '';
  if (provisioner === '') errors.push(requiredField('provisioner'));
  else {
    const lower = provisioner.toLowerCase();
    for (const why of whyNotQualifiedName(lower)) errors.push(invalidField('provisioner', lower, why));
  }
  const policy = storageClass.reclaimPolicy ?? 'Delete';
  if (!['Delete', 'Retain'].includes(policy)) {
    errors.push(notSupportedField('reclaimPolicy', policy, ['Delete', 'Retain']));
  }
  const modes = ['Immediate', 'WaitForFirstConsumer'];
  return [...errors, ...validateEnum(storageClass.volumeBindingMode, 'volumeBindingMode', modes)];
}
