/** storage.k8s.io/v1 StorageClass: stored. Upstream: pkg/apis/storage/validation, pkg/apis/storage/v1/defaults.go. */
import type { StorageClass, TopologySelectorTerm } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { duplicateField, invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import { defineKind } from '../../kind.ts';
import { resources } from '../../resources.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  whyNotQualifiedName,
} from '../../validation/index.ts';
import { ageColumn, column } from '../columns.ts';
import { sortedJson } from '../../go-text.ts';
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
  const { reclaimPolicy: policy = '' } = storageClass;
  if (policy !== '' && !['Delete', 'Retain'].includes(policy)) {
    errors.push(notSupportedField('reclaimPolicy', policy, ['Delete', 'Retain']));
  }
  if (Object.hasOwn(storageClass.parameters ?? {}, '')) {
    errors.push(invalidField('parameters', '', 'field can not be empty.'));
  }
  const mode = storageClass.volumeBindingMode ?? '';
  if (!bindingModes.includes(mode)) errors.push(notSupportedField('volumeBindingMode', mode, bindingModes));
  return [...errors, ...validateTopologies(storageClass.allowedTopologies ?? [])];
}

const bindingModes = ['Immediate', 'WaitForFirstConsumer'];

/** Of terms that say the same, each but the first is refused; an empty one always is (upstream compares it with nothing). */
function validateTopologies(terms: readonly TopologySelectorTerm[]): FieldError[] {
  const seen = terms.map(() => '{}');
  return terms.flatMap(({ matchLabelExpressions = [] }, index) => {
    const at = `allowedTopologies[${index}].matchLabelExpressions`;
    const term: Record<string, readonly string[]> = {};
    const errors = matchLabelExpressions.flatMap(({ key = '', values = [] }, position) => {
      const isTwice = Object.hasOwn(term, key);
      term[key] = [...new Set(values)].sort();
      return [
        ...validateTopologyValues(values, `${at}[${position}].values`),
        ...whyNotQualifiedName(key).map((why) => invalidField(`${at}[${position}].key`, key, why)),
        ...(isTwice ? [duplicateField(`${at}[${position}].key`, key)] : []),
      ];
    });
    const text = sortedJson(term);
    const alike = seen.filter((other) => other === text).map(() => duplicateField(at, ''));
    seen.push(text);
    return [...errors, ...alike];
  });
}

function validateTopologyValues(values: readonly string[], at: string): FieldError[] {
  if (values.length === 0) return [requiredField(at)];
  return values.flatMap((value, index) =>
    values.indexOf(value) < index ? [duplicateField(`${at}[${index}]`, value)] : [],
  );
}
