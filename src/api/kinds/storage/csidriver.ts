/** storage.k8s.io/v1 CSIDriver. Upstream: ValidateCSIDriver, pkg/apis/storage/v1/defaults.go. */
import type { CSIDriver, StorageTokenRequest } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { duplicateField, invalidField, notSupportedField } from '../../field-errors.ts';
import { defineKind } from '../../kind.ts';
import { resources } from '../../resources.ts';
import { dns1123SubdomainName, validateMetadata, validateMetadataUpdate } from '../../validation/index.ts';
import type { Column } from '../../kind.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { sameValue } from '../equal.ts';
import { validateImmutable } from '../lifecycle.ts';

const tokensAreLogged =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes';

const groupPolicies = ['File', 'None', 'ReadWriteOnceWithFSType'];
const modes = ['Persistent', 'Ephemeral'];

export const csiDriverKind = defineKind<CSIDriver>({
  resource: resources.csiDrivers,
  returnsDeleted: true,
  applyDefaults(driver) {
    const { spec } = driver;
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
  // Upstream counts the changes alone, from nothing.
  prepareForCreate({ spec }) {
    delete spec.preventPodSchedulingIfMissing;
  },
  prepareForUpdate(driver, old) {
    // VolumeLimitScaling is off by default.
    if (old.spec.preventPodSchedulingIfMissing === undefined) delete driver.spec.preventPodSchedulingIfMissing;
    if (sameValue(driver.spec, old.spec)) return;
    driver.metadata = { ...driver.metadata, generation: (old.metadata.generation ?? 0) + 1 };
  },
  warnings: ({ spec }, old) =>
    (spec.tokenRequests ?? []).length > 0 &&
    spec.serviceAccountTokenInSecrets === undefined &&
    !sameValue(spec.tokenRequests, old?.spec.tokenRequests)
      ? [tokensAreLogged]
      : [],
  validate: (driver) => [...validateMetadata(driver, false, dns1123SubdomainName), ...validateSpec(driver)],
  validateUpdate: (driver, old) => [
    ...validateMetadataUpdate(driver, old),
    ...validateSpec(driver),
    ...validateImmutable(driver.spec.attachRequired, old.spec.attachRequired, 'spec.attachedRequired'),
    ...validateImmutable(driver.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes, 'spec.volumeLifecycleModes'),
  ],
  columns: [
    nameColumn(),
    flagColumn(
      'AttachRequired',
      'attachRequired indicates this CSI volume driver requires an attach operation.',
      ({ spec }) => spec.attachRequired ?? true,
    ),
    flagColumn(
      'PodInfoOnMount',
      'podInfoOnMount indicates this CSI volume driver requires additional pod information (like podName, podUID, etc.) during mount operations, if set to true.',
      ({ spec }) => spec.podInfoOnMount ?? false,
    ),
    flagColumn(
      'StorageCapacity',
      'storageCapacity indicates that the CSI volume driver wants pod scheduling to consider the storage capacity that the driver deployment will report by creating CSIStorageCapacity objects with capacity information, if set to true.',
      ({ spec }) => spec.storageCapacity ?? false,
    ),
    column('TokenRequests', "tokenRequests indicates the CSI driver needs pods' service account tokens.", ({ spec }) =>
      spec.tokenRequests === undefined ? '<unset>' : spec.tokenRequests.map(({ audience }) => audience).join(','),
    ),
    flagColumn(
      'RequiresRepublish',
      'requiresRepublish indicates the CSI driver wants `NodePublishVolume` being periodically called to reflect any possible change in the mounted volume.',
      ({ spec }) => spec.requiresRepublish ?? false,
    ),
    column(
      'Modes',
      'volumeLifecycleModes defines what kind of volumes this CSI volume driver supports.',
      ({ spec }) => spec.volumeLifecycleModes?.join(',') || '<none>',
    ),
    ageColumn(),
  ],
});

function flagColumn(name: string, description: string, cell: Column<CSIDriver>['cell']): Column<CSIDriver> {
  return { name, type: 'boolean', description, priority: 0, cell };
}

function validateSpec({ spec }: CSIDriver): FieldError[] {
  const { fsGroupPolicy: policy } = spec;
  const isKnown = policy === undefined || groupPolicies.includes(policy);
  const errors = isKnown ? [] : [notSupportedField('spec.fsGroupPolicy', policy, groupPolicies)];
  errors.push(...validateTokens(spec.tokenRequests ?? []));
  for (const mode of spec.volumeLifecycleModes ?? []) {
    if (!modes.includes(mode)) errors.push(notSupportedField('spec.volumeLifecycleModes', mode, modes));
  }
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < 10) {
    const why = 'must be greater than or equal to 10 seconds';
    errors.push(invalidField('spec.nodeAllocatableUpdatePeriodSeconds', period, why));
  }
  if (spec.serviceAccountTokenInSecrets !== undefined && (spec.tokenRequests ?? []).length === 0) {
    const why = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified';
    errors.push(invalidField('spec.serviceAccountTokenInSecrets', spec.serviceAccountTokenInSecrets, why));
  }
  return errors;
}

function validateTokens(requests: readonly StorageTokenRequest[]): FieldError[] {
  const seen = new Set<string>();
  return requests.flatMap(({ audience = '', expirationSeconds }, index): FieldError[] => {
    const at = `spec.tokenRequests[${String(index)}]`;
    if (seen.has(audience)) return [duplicateField(`${at}.audience`, audience)];
    seen.add(audience);
    if (expirationSeconds === undefined) return [];
    const field = `${at}.expirationSeconds`;
    if (expirationSeconds < 600)
      return [invalidField(field, expirationSeconds, 'may not specify a duration less than 10 minutes')];
    if (expirationSeconds <= 2 ** 32) return [];
    return [invalidField(field, expirationSeconds, 'may not specify a duration larger than 2^32 seconds')];
  });
}
