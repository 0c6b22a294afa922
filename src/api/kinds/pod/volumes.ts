/**
 * Validation of a pod's volumes. Upstream: ValidateVolumes, validateVolumeSource. Sources whose drivers are gone from Kubernetes or never
 * ran here are checked for being the only one; those that we mount, in full.
 */
import type { ConfigMapVolumeSource, HostPathVolumeSource, Volume } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { duplicateField, forbiddenField, invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import { parseQuantity } from '../../quantity.ts';
import { validateEnum, whyNotDns1123Label, whyNotDns1123Subdomain } from '../../validation/index.ts';
import { validateNoBacksteps } from './paths.ts';
import { validateDownwardFiles, validateKeyToPath, validateProjected } from './projected.ts';
import { validateFileMode } from './file-mode.ts';
import type { Volumes } from './mounts.ts';

/** Upstream's order: the first one counts, the others are too many. */
const sources = [
  'emptyDir',
  'hostPath',
  'gitRepo',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'secret',
  'nfs',
  'iscsi',
  'glusterfs',
  'flocker',
  'persistentVolumeClaim',
  'rbd',
  'cinder',
  'cephfs',
  'quobyte',
  'downwardAPI',
  'fc',
  'flexVolume',
  'configMap',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'storageos',
  'projected',
  'scaleIO',
  'csi',
  'ephemeral',
  'image',
] as const satisfies readonly (keyof Volume)[];

/** How two of them are spelt where they are too many. */
const misspelt: Readonly<Record<string, string>> = { cephfs: 'cephFS', downwardAPI: 'downwarAPI' };

export interface VolumeContext {
  readonly isPod: boolean;
  /** Of the pod, which a claim made for it begins with; empty in a template. */
  readonly podName: string;
}

/** With the volumes that are good: only those can be mounted. */
export function validateVolumes(
  volumes: readonly Volume[],
  context: VolumeContext,
  field: string,
): { readonly errors: readonly FieldError[]; readonly good: Volumes } {
  const errors: FieldError[] = [];
  const good = new Map<string, Volume>();
  const created = new Set(
    volumes.flatMap(({ name, ephemeral }) => (ephemeral === undefined ? [] : [`${context.podName}-${name}`])),
  );
  for (const [index, volume] of volumes.entries()) {
    const at = `${field}[${index}]`;
    const { name = '' }: Partial<Volume> = volume;
    const own = [...validateSources(volume, context, at), ...validateName(name, `${at}.name`)];
    if (good.has(name)) own.push(duplicateField(`${at}.name`, name));
    if (own.length === 0) good.set(name, volume);
    errors.push(...own);
    const claim = volume.persistentVolumeClaim?.claimName ?? '';
    if (context.podName === '' || !created.has(claim)) continue;
    const why = 'must not reference a PVC that gets created for an ephemeral volume';
    errors.push(invalidField(`${at}.persistentVolumeClaim.claimName`, claim, why));
  }
  return { errors, good };
}

function validateName(name: string, field: string): FieldError[] {
  if (name === '') return [requiredField(field)];
  return whyNotDns1123Label(name).map((why) => invalidField(field, name, why));
}

function validateSources(volume: Volume, context: VolumeContext, at: string): FieldError[] {
  const [first, ...more] = sources.filter((key) => volume[key] !== undefined);
  if (first === undefined) return [requiredField(at, 'must specify a volume type')];
  return [
    ...validateSource({ name: volume.name, [first]: volume[first] }, context, at),
    ...more.map((key) => forbiddenField(`${at}.${misspelt[key] ?? key}`, 'may not specify more than 1 volume type')),
  ];
}

function validateSource(volume: Volume, context: VolumeContext, at: string): FieldError[] {
  const { emptyDir, hostPath, secret, configMap, downwardAPI, projected, persistentVolumeClaim: claim, image } = volume;
  const errors: FieldError[] = [];
  if ((parseQuantity(emptyDir?.sizeLimit ?? '0')?.nano ?? 0n) < 0n) {
    errors.push(forbiddenField(`${at}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity'));
  }
  if (hostPath !== undefined) errors.push(...validateHostPath(hostPath, `${at}.hostPath`));
  if (secret !== undefined) errors.push(...validateKeys(secret.secretName, 'secretName', secret, `${at}.secret`));
  if (configMap !== undefined) errors.push(...validateKeys(configMap.name, 'name', configMap, `${at}.configMap`));
  if (downwardAPI !== undefined) {
    errors.push(...validateFileMode(downwardAPI.defaultMode, `${at}.downwardAPI.defaultMode`));
    errors.push(...validateDownwardFiles(downwardAPI.items ?? [], `${at}.downwardAPI`));
  }
  if (projected !== undefined) errors.push(...validateProjected(projected, `${at}.projected`));
  if (claim !== undefined && (claim.claimName ?? '') === '') {
    errors.push(requiredField(`${at}.persistentVolumeClaim.claimName`));
  }
  if (image !== undefined) {
    if (context.isPod && (image.reference ?? '') === '') errors.push(requiredField(`${at}.image.reference`));
    errors.push(...validateEnum(image.pullPolicy, `${at}.image.pullPolicy`, ['Always', 'IfNotPresent', 'Never']));
  }
  return [...errors, ...validateNfs(volume, `${at}.nfs`), ...validateEphemeral(volume, context, at)];
}

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

export function validateHostPath({ path = '', type }: Partial<HostPathVolumeSource>, at: string): FieldError[] {
  if (path === '') return [requiredField(`${at}.path`)];
  const errors = validateNoBacksteps(path, `${at}.path`);
  if (type === undefined || hostPathTypes.includes(type)) return errors;
  return [...errors, notSupportedField(`${at}.type`, type, hostPathTypes)];
}

/** Of a Secret or ConfigMap. */
function validateKeys(
  name = '',
  nameField: string,
  { defaultMode, items = [] }: Pick<ConfigMapVolumeSource, 'defaultMode' | 'items'>,
  at: string,
): FieldError[] {
  return [
    ...(name === '' ? [requiredField(`${at}.${nameField}`)] : []),
    ...validateFileMode(defaultMode, `${at}.defaultMode`),
    ...items.flatMap((item, index) => validateKeyToPath(item, `${at}.items[${index}]`)),
  ];
}

function validateNfs({ nfs }: Partial<Volume>, at: string): FieldError[] {
  if (nfs === undefined) return [];
  const { server = '', path = '' }: Partial<typeof nfs> = nfs;
  return [
    ...(server === '' ? [requiredField(`${at}.server`)] : []),
    ...(path === '' ? [requiredField(`${at}.path`)] : []),
    ...(path.startsWith('/') ? [] : [invalidField(`${at}.path`, path, 'must be an absolute path')]),
  ];
}

/** The claim that is made is called after the pod and the volume. */
function validateEphemeral({ name = '', ephemeral }: Partial<Volume>, { podName }: VolumeContext, at: string) {
  if (ephemeral === undefined) return [];
  const errors: FieldError[] = [];
  if (ephemeral.volumeClaimTemplate === undefined) errors.push(requiredField(`${at}.ephemeral.volumeClaimTemplate`));
  if (podName === '' || name === '') return errors;
  const claim = `${podName}-${name}`;
  for (const why of whyNotDns1123Subdomain(claim)) {
    errors.push(invalidField(`${at}.name`, name, `PVC name ${JSON.stringify(claim)}: ${why}`));
  }
  return errors;
}
