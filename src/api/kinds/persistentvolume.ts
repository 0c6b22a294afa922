/** core/v1 PersistentVolume: stored, nothing is mounted. Upstream: ValidatePersistentVolume. */
import type { PersistentVolume, PersistentVolumeSpec } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { parseQuantity } from '../quantity.ts';
import { resources } from '../resources.ts';
import { timeText } from '../time.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  validateNodeSelector,
  whyNotDns1123Subdomain,
} from '../validation/index.ts';
import { accessModesText, validateAccessModes } from './access-modes.ts';
import { ageColumn, column, nameColumn, wideColumn } from './columns.ts';
import { sameValue } from './equal.ts';
import { keepsStatus, statusOnly } from './lifecycle.ts';
import { validateHostPath } from './pod/index.ts';

export const persistentVolumeKind = defineKind<PersistentVolume>({
  resource: resources.persistentVolumes,
  returnsDeleted: true,
  applyDefaults({ spec, ...volume }) {
    const { status } = volume;
    if (status !== undefined) status.phase ??= 'Pending';
    if (spec === undefined) return;
    spec.persistentVolumeReclaimPolicy ??= 'Retain';
    spec.volumeMode ??= 'Filesystem';
    if (spec.hostPath !== undefined) spec.hostPath.type ??= '';
  },
  ...keepsStatus<PersistentVolume>({ phase: 'Pending' }),
  prepareForCreate(volume) {
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: timeText(Date.now()) };
  },
  validate: validateVolume,
  validateUpdate: (volume, old) => [
    ...validateMetadataUpdate(volume, old),
    ...validateVolume(volume),
    ...(sameValue(sourceOf(volume.spec), sourceOf(old.spec))
      ? []
      : [forbiddenField('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation')]),
  ],
  status: statusOnly<PersistentVolume>(),
  columns: [
    nameColumn(),
    column(
      'Capacity',
      "capacity is the description of the persistent volume's resources.",
      ({ spec }) => spec?.capacity?.['storage'] ?? '0',
    ),
    column('Access Modes', 'accessModes contains all ways the volume can be mounted.', ({ spec }) =>
      accessModesText(spec?.accessModes),
    ),
    column(
      'Reclaim Policy',
      'persistentVolumeReclaimPolicy defines what happens to a persistent volume when released from its claim.',
      ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? '',
    ),
    column('Status', 'phase indicates if a volume is available, bound to a claim, or released by a claim.', (volume) =>
      volume.metadata.deletionTimestamp === undefined ? (volume.status?.phase ?? '') : 'Terminating',
    ),
    column('Claim', 'claimRef is part of a bi-directional binding between volume and claim.', ({ spec }) =>
      spec?.claimRef === undefined ? '' : `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}`,
    ),
    column(
      'StorageClass',
      'StorageClass of the pv',
      ({ metadata, spec }) =>
        metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '',
    ),
    column(
      'VolumeAttributesClass',
      'VolumeAttributesClass of the pv',
      ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>',
    ),
    column(
      'Reason',
      'reason is a brief CamelCase string that describes any failure.',
      ({ status }) => status?.reason ?? '',
    ),
    ageColumn(),
    wideColumn(
      'VolumeMode',
      'volumeMode defines if a volume is intended to be used with a formatted filesystem or to remain in raw block state.',
      ({ spec }) => spec?.volumeMode ?? '<unset>',
    ),
  ],
  unconditionalUpdate: true,
});

/** In which upstream looks for sources: the first is taken. */
const order: readonly string[] = [
  ...['hostPath', 'gcePersistentDisk', 'awsElasticBlockStore', 'glusterfs', 'flocker', 'nfs', 'rbd', 'quobyte'],
  ...['cephfs', 'iscsi', 'cinder', 'fc', 'flexVolume', 'azureFile', 'vsphereVolume', 'photonPersistentDisk'],
  ...['portworxVolume', 'azureDisk', 'scaleIO', 'local', 'storageos', 'csi'],
];

/** What is no volume source. */
const plainFields: ReadonlySet<string> = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]);

function sourceOf(spec: PersistentVolumeSpec | undefined): object {
  return Object.fromEntries(Object.entries(spec ?? {}).filter(([key]) => !plainFields.has(key)));
}

function validateVolume(volume: PersistentVolume): FieldError[] {
  const { spec = {} } = volume;
  const errors = validateMetadata(volume, false, dns1123SubdomainName);
  errors.push(...validateAccessModes(spec.accessModes, 'spec.accessModes'), ...validateCapacity(spec));
  const policies = ['Delete', 'Recycle', 'Retain'];
  const policy = spec.persistentVolumeReclaimPolicy ?? 'Retain';
  if (!policies.includes(policy)) {
    errors.push(notSupportedField('spec.persistentVolumeReclaimPolicy', policy, policies));
  }
  const sources = Object.keys(sourceOf(spec));
  if (sources.length === 0) errors.push(requiredField('spec', 'must specify a volume type'));
  const extras = order.filter((source) => sources.includes(source)).slice(1);
  for (const extra of extras) {
    // Upstream forgets to refuse this one, and spells that one otherwise.
    if (extra === 'flexVolume') continue;
    const field = extra === 'cephfs' ? 'cephFS' : extra;
    errors.push(forbiddenField(`spec.${field}`, 'may not specify more than 1 volume type'));
  }
  if (spec.flexVolume !== undefined && spec.flexVolume.driver === '') {
    errors.push(requiredField('spec.flexVolume.driver'));
  }
  const path = spec.hostPath?.path;
  if (spec.hostPath !== undefined) errors.push(...validateHostPath(spec.hostPath, 'spec.hostPath'));
  errors.push(...validatePlace(spec), ...validateAttributesClass(spec));
  if (path === '/' && policy === 'Recycle') {
    const why = "may not be 'recycle' for a hostPath mount of '/'";
    errors.push(forbiddenField('spec.persistentVolumeReclaimPolicy', why));
  }
  const name = spec.storageClassName ?? '';
  if (name !== '') {
    for (const why of whyNotDns1123Subdomain(name)) errors.push(invalidField('spec.storageClassName', name, why));
  }
  const { volumeMode } = spec;
  if (volumeMode !== undefined && volumeMode !== 'Block' && volumeMode !== 'Filesystem') {
    errors.push(notSupportedField('spec.volumeMode', volumeMode, ['Block', 'Filesystem']));
  }
  return errors;
}

/** Which nodes can reach it. */
function validatePlace({ nodeAffinity, local }: PersistentVolumeSpec): FieldError[] {
  const at = 'spec.nodeAffinity';
  const { required } = nodeAffinity ?? {};
  if (required !== undefined) return validateNodeSelector(required, `${at}.required`);
  const errors =
    nodeAffinity === undefined ? [] : [requiredField(`${at}.required`, 'must specify required node constraints')];
  if (local === undefined) return errors;
  return [...errors, requiredField(at, 'Local volume requires node affinity')];
}

function validateAttributesClass({ volumeAttributesClassName: name, csi }: PersistentVolumeSpec): FieldError[] {
  const at = 'spec.volumeAttributesClassName';
  if (name === undefined) return [];
  const errors =
    name === ''
      ? [requiredField(at, 'an empty string is disallowed')]
      : whyNotDns1123Subdomain(name).map((why) => invalidField(at, name, why));
  if (csi !== undefined) return errors;
  return [...errors, requiredField('spec.csi', 'has to be specified when using volumeAttributesClassName')];
}

function validateCapacity({ capacity = {} }: PersistentVolumeSpec): FieldError[] {
  const at = 'spec.capacity';
  const names = Object.keys(capacity);
  const errors = names.length === 0 ? [requiredField(at)] : [];
  if (capacity['storage'] === undefined || names.length > 1) {
    errors.push(notSupportedField(at, names.length === 0 ? undefined : capacity, ['storage']));
  }
  for (const [name, value] of Object.entries(capacity)) {
    if ((parseQuantity(value)?.nano ?? 0n) <= 0n) {
      errors.push(invalidField(`${at}[${name}]`, value, 'must be greater than zero'));
    }
  }
  return errors;
}
