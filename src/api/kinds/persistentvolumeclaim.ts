/** core/v1 PersistentVolumeClaim: stored, with no volumes behind it. Upstream: ValidatePersistentVolumeClaim. */
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { parseQuantity } from '../quantity.ts';
import { resources } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateLabelSelector,
  validateMetadata,
  validateMetadataUpdate,
  whyNotDns1123Subdomain,
} from '../validation/index.ts';
import { validateAccessModes, accessModesText } from './access-modes.ts';
import { prepareDataSource, validateDataSources } from './claim-data-source.ts';
import { ageColumn, column, nameColumn, wideColumn } from './columns.ts';
import { sameValue } from './equal.ts';
import { keepsStatus, statusOnly } from './lifecycle.ts';

const lifecycle = keepsStatus<PersistentVolumeClaim>({ phase: 'Pending' });

export const persistentVolumeClaimKind = defineKind<PersistentVolumeClaim>({
  resource: resources.persistentVolumeClaims,
  returnsDeleted: true,
  applyDefaults: setClaimDefaults,
  prepareForCreate(claim) {
    lifecycle.prepareForCreate?.(claim);
    prepareDataSource((claim.spec ??= {}), undefined);
  },
  prepareForUpdate(claim, old) {
    lifecycle.prepareForUpdate?.(claim, old);
    prepareDataSource((claim.spec ??= {}), old.spec ?? {});
  },
  validate: validateClaim,
  validateUpdate: (claim, old) => [
    ...validateMetadataUpdate(claim, old),
    ...validateClaim(claim),
    ...validateUpdate(claim, old),
  ],
  status: statusOnly<PersistentVolumeClaim>(),
  columns: [
    nameColumn(),
    column('Status', 'phase represents the current phase of PersistentVolumeClaim.', ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
    ),
    column('Volume', 'volumeName is the binding reference to the PersistentVolume.', boundVolume),
    column('Capacity', 'capacity represents the actual resources of the underlying volume.', (claim) =>
      boundVolume(claim) === '' ? '' : (claim.status?.capacity?.['storage'] ?? '0'),
    ),
    column('Access Modes', 'accessModes contains the actual access modes the volume has.', (claim) =>
      boundVolume(claim) === '' ? '' : accessModesText(claim.status?.accessModes),
    ),
    column(
      'StorageClass',
      'StorageClass of the pvc',
      ({ metadata, spec }) =>
        metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '',
    ),
    column(
      'VolumeAttributesClass',
      'VolumeAttributesClass of the pvc',
      ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>',
    ),
    ageColumn(),
    wideColumn(
      'VolumeMode',
      'volumeMode defines what type of volume is required.',
      ({ spec }) => spec?.volumeMode ?? '<unset>',
    ),
  ],
  fieldSelectors: { 'status.phase': ({ status }) => status?.phase ?? '' },
  unconditionalUpdate: true,
});

export function setClaimDefaults(claim: PersistentVolumeClaim): void {
  (claim.spec ??= {}).volumeMode ??= 'Filesystem';
  (claim.status ??= {}).phase ??= 'Pending';
}

function boundVolume({ spec }: Live<PersistentVolumeClaim>): string {
  return spec?.volumeName ?? '';
}

function validateClaim(claim: PersistentVolumeClaim): FieldError[] {
  return [...validateMetadata(claim, true, dns1123SubdomainName), ...validateClaimSpec(claim.spec ?? {}, 'spec')];
}

export function validateClaimSpec(spec: PersistentVolumeClaimSpec, at: string): FieldError[] {
  const errors = validateAccessModes(spec.accessModes, `${at}.accessModes`, 'at least 1 access mode is required');
  errors.push(...validateLabelSelector(spec.selector, `${at}.selector`));
  const storage = spec.resources?.requests?.['storage'];
  const field = `${at}.resources[storage]`;
  if (storage === undefined) errors.push(requiredField(field));
  else if ((parseQuantity(storage)?.nano ?? 0n) <= 0n) {
    errors.push(invalidField(field, storage, 'must be greater than zero'));
  }
  const name = spec.storageClassName ?? '';
  if (name !== '') {
    for (const why of whyNotDns1123Subdomain(name)) errors.push(invalidField(`${at}.storageClassName`, name, why));
  }
  const { volumeAttributesClassName = '', volumeMode } = spec;
  if (volumeAttributesClassName !== '') {
    for (const why of whyNotDns1123Subdomain(volumeAttributesClassName)) {
      errors.push(invalidField(`${at}.volumeAttributesClassName`, volumeAttributesClassName, why));
    }
  }
  if (volumeMode !== undefined && volumeMode !== 'Block' && volumeMode !== 'Filesystem') {
    errors.push(notSupportedField(`${at}.volumeMode`, volumeMode, ['Block', 'Filesystem']));
  }
  return [...errors, ...validateDataSources(spec, at)];
}

const frozen =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

function validateUpdate(claim: PersistentVolumeClaim, old: Live<PersistentVolumeClaim>): FieldError[] {
  const bound = old.status?.phase === 'Bound';
  const fixed = (spec: PersistentVolumeClaimSpec | undefined): object => ({
    ...spec,
    // Binding sets it once.
    ...((old.spec?.volumeName ?? '') === '' ? { volumeName: '' } : {}),
    ...(bound ? { resources: {}, volumeAttributesClassName: '' } : {}),
  });
  const errors = sameValue(fixed(claim.spec), fixed(old.spec)) ? [] : [forbiddenField('spec', frozen)];
  const [now, was] = [claim, old].map(({ spec }) => parseQuantity(spec?.resources?.requests?.['storage'] ?? '0'));
  if (bound && (now?.nano ?? 0n) < (was?.nano ?? 0n)) {
    errors.push(forbiddenField('spec.resources.requests.storage', 'field can not be less than status.capacity'));
  }
  return errors;
}
