/** Validation of where a container has its volumes. Upstream: ValidateVolumeMounts, ValidateVolumeDevices. */
import type { Container, Volume, VolumeDevice, VolumeMount } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField, invalidField, notFoundField, notSupportedField, requiredField } from '../../field-errors.ts';
import { validateDescendingPath, validateNoBacksteps } from './paths.ts';

/** Those that are good, by name. */
export type Volumes = ReadonlyMap<string, Volume>;

/** Some of it upstream says of the list (`volumeMounts.subPath`) instead of the item. */
export function validateMounts(container: Container, volumes: Volumes, field: string): FieldError[] {
  const mounts = container.volumeMounts ?? [];
  const paths = mounts.map((mount) => mount.mountPath ?? '');
  const devices = container.volumeDevices ?? [];
  return mounts.flatMap((mount: Partial<VolumeMount>, index) => {
    const at = `${field}[${index}]`;
    const { name = '', mountPath = '' } = mount;
    const errors: FieldError[] = [];
    if (name === '') errors.push(requiredField(`${at}.name`));
    if (!volumes.has(name)) errors.push(notFoundField(`${at}.name`, name));
    if (mountPath === '') errors.push(requiredField(`${at}.mountPath`));
    if (paths.indexOf(mountPath) !== index) errors.push(invalidField(`${at}.mountPath`, mountPath, 'must be unique'));
    if (devices.some((device) => device.name === name)) {
      errors.push(invalidField(`${at}.name`, name, 'must not already exist in volumeDevices'));
    }
    if (devices.some((device) => device.devicePath === mountPath)) {
      errors.push(invalidField(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'));
    }
    return [...errors, ...validateSubPaths(mount, at, field), ...validatePropagation(mount, container, field)];
  });
}

function validateSubPaths({ subPath = '', subPathExpr = '' }: Partial<VolumeMount>, at: string, field: string) {
  const errors = validateDescendingPath(subPath, `${field}.subPath`);
  if (subPathExpr !== '' && subPath !== '') {
    errors.push(invalidField(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
  }
  return [...errors, ...validateDescendingPath(subPathExpr, `${field}.subPathExpr`)];
}

const propagations = ['Bidirectional', 'HostToContainer', 'None'];
const recursions = ['Disabled', 'Enabled', 'IfPossible'];

function validatePropagation(mount: Partial<VolumeMount>, container: Container, field: string): FieldError[] {
  const { mountPropagation: propagation, recursiveReadOnly: recursive, readOnly } = mount;
  const errors: FieldError[] = [];
  if (propagation !== undefined && !propagations.includes(propagation)) {
    errors.push(notSupportedField(`${field}.mountPropagation`, propagation, propagations));
  }
  if (propagation === 'Bidirectional' && container.securityContext?.privileged !== true) {
    const why = 'Bidirectional mount propagation is available only to privileged containers';
    errors.push(forbiddenField(`${field}.mountPropagation`, why));
  }
  if (recursive === undefined || recursive === 'Disabled') return errors;
  const at = `${field}.recursiveReadOnly`;
  if (!recursions.includes(recursive)) return [...errors, notSupportedField(at, recursive, recursions)];
  if (readOnly !== true) errors.push(forbiddenField(at, 'may only be specified when readOnly is true'));
  if (propagation !== undefined && propagation !== 'None') {
    errors.push(forbiddenField(at, 'may only be specified when mountPropagation is None or not specified'));
  }
  return errors;
}

export function validateDevices(container: Container, volumes: Volumes, field: string): FieldError[] {
  const devices: readonly Partial<VolumeDevice>[] = container.volumeDevices ?? [];
  const mounts = container.volumeMounts ?? [];
  const before = (index: number): readonly Partial<VolumeDevice>[] => devices.slice(0, index);
  return devices.flatMap(({ name = '', devicePath: path = '' }, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    const invalid = (key: 'name' | 'devicePath', why: string): void => {
      errors.push(invalidField(`${at}.${key}`, key === 'name' ? name : path, why));
    };
    if (name === '') errors.push(requiredField(`${at}.name`));
    else if (before(index).some((other) => other.name === name)) invalid('name', 'must be unique');
    const volume = volumes.get(name);
    if (volume === undefined) errors.push(notFoundField(`${at}.name`, name));
    else if (volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined) {
      invalid('name', 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode');
    }
    if (path === '') errors.push(requiredField(`${at}.devicePath`));
    if (before(index).some((other) => (other.devicePath ?? '') === path)) invalid('devicePath', 'must be unique');
    if (validateNoBacksteps(path, at).length > 0) invalid('devicePath', "can not contain backsteps ('..')");
    if (mounts.some((mount) => mount.name === name)) invalid('name', 'must not already exist in volumeMounts');
    if (mounts.some((mount) => mount.mountPath === path)) {
      invalid('devicePath', 'must not already exist as a path in volumeMounts');
    }
    return errors;
  });
}
