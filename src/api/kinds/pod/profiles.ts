/** Validation of seccomp and AppArmor profiles, in fields and in the annotations they began as. Upstream: validateSeccompProfileField, ValidateAppArmorProfileField. */
import type { AppArmorProfile, Pod, PodSpec, SeccompProfile } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField, tooLongField } from '../../field-errors.ts';
import { byteLength } from '../../validation/index.ts';
import { validateDescendingPath } from './paths.ts';

const types = ['Localhost', 'RuntimeDefault', 'Unconfined'];

export function validateSeccomp(profile: SeccompProfile | undefined, at: string): FieldError[] {
  if (profile === undefined) return [];
  const { type = '', localhostProfile: path }: Partial<SeccompProfile> = profile;
  const errors = validateType(type, 'seccompProfile', `${at}.type`);
  const field = `${at}.localhostProfile`;
  if (type === 'Localhost') {
    if (path === undefined) return [...errors, requiredField(field, 'must be set when seccomp type is Localhost')];
    return [...errors, ...validateDescendingPath(path, field)];
  }
  if (path === undefined) return errors;
  const value = { Type: type, LocalhostProfile: path };
  return [...errors, invalidField(field, value, 'can only be set when seccomp type is Localhost')];
}

const mostProfileBytes = 4095;

export function validateAppArmor(profile: AppArmorProfile | undefined, at: string): FieldError[] {
  if (profile === undefined) return [];
  const { type = '', localhostProfile: name }: Partial<AppArmorProfile> = profile;
  const field = `${at}.localhostProfile`;
  if (type !== 'Localhost') {
    const errors = validateType(type, 'appArmorProfile', `${at}.type`);
    if (errors.length > 0 || name === undefined) return errors;
    return [invalidField(field, name, 'can only be set when AppArmor type is Localhost')];
  }
  if (name === undefined || name === '') return [requiredField(field, 'must be set when AppArmor type is Localhost')];
  const errors = name.trim() === name ? [] : [invalidField(field, name, 'must not be padded with whitespace')];
  return byteLength(name) <= mostProfileBytes ? errors : [...errors, tooLongField(field, mostProfileBytes)];
}

function validateType(type: string, of: string, field: string): FieldError[] {
  if (type === '') return [requiredField(field, `type is required when ${of} is set`)];
  return types.includes(type) ? [] : [notSupportedField(field, type, types)];
}

const podSeccomp = 'seccomp.security.alpha.kubernetes.io/pod';
const containerSeccomp = 'container.seccomp.security.alpha.kubernetes.io/';
export const containerAppArmor = 'container.apparmor.security.beta.kubernetes.io/';
const mirror = 'kubernetes.io/config.mirror';
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';

/** Annotations that mean something for a pod. Upstream: ValidatePodSpecificAnnotations. */
export function validatePodAnnotations(pod: Pod): FieldError[] {
  const annotations = pod.metadata?.annotations ?? {};
  const at = 'metadata.annotations';
  const errors: FieldError[] = [];
  if (annotations[mirror] !== undefined && (pod.spec?.nodeName ?? '') === '') {
    const why = 'must set spec.nodeName if mirror pod annotation is set';
    errors.push(invalidField(`${at}[${mirror}]`, annotations[mirror], why));
  }
  const cost = annotations[deletionCost];
  if (cost !== undefined && !isCost(cost)) {
    errors.push(invalidField(`${at}[${deletionCost}]`, cost, 'must be a 32bit integer'));
  }
  for (const [key, value] of Object.entries(annotations)) {
    if (key === podSeccomp || key.startsWith(containerSeccomp)) {
      errors.push(...validateSeccompText(value, `${at}.${key}`));
    } else if (key.startsWith(containerAppArmor)) {
      errors.push(...validateAppArmorText(key, value, pod.spec, `${at}[${key}]`));
    }
  }
  return errors;
}

/** Upstream: GetDeletionCostFromPodAnnotations, which takes `0`, `5`, `-5` and neither `05` nor `+5`. */
function isCost(text: string): boolean {
  return /^(0|-?[1-9]\d*)$/.test(text) && Math.abs(Number(text) + 0.5) < 2 ** 31;
}

function validateSeccompText(text: string, field: string): FieldError[] {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(text)) return [];
  if (text.startsWith('localhost/')) return validateDescendingPath(text.slice('localhost/'.length), field);
  return [invalidField(field, text, 'must be a valid seccomp profile')];
}

function validateAppArmorText(key: string, text: string, spec: PodSpec | undefined, field: string): FieldError[] {
  const name = key.slice(containerAppArmor.length);
  const { containers = [], initContainers = [], ephemeralContainers = [] }: Partial<PodSpec> = spec ?? {};
  const known = [...containers, ...initContainers, ...ephemeralContainers].some((one) => one.name === name);
  const errors = known ? [] : [invalidField(field, name, 'container not found')];
  if (['', 'runtime/default', 'unconfined'].includes(text) || text.startsWith('localhost/')) return errors;
  return [...errors, invalidField(field, text, `invalid AppArmor profile name: ${JSON.stringify(text)}`)];
}

/** Upstream: ValidatePodSpecificAnnotationUpdates. */
export function validatePodAnnotationsUpdate(now: Annotations, was: Annotations): FieldError[] {
  const frozen = (key: string): string | undefined => {
    if (key === mirror) return 'mirror pod annotation';
    return key.startsWith(containerAppArmor) ? 'AppArmor annotations' : undefined;
  };
  return [...new Set([...Object.keys(was), ...Object.keys(now)])].flatMap((key) => {
    const what = frozen(key);
    if (what === undefined || now[key] === was[key]) return [];
    const why = was[key] === undefined ? `may not add ${what}` : `may not remove or update ${what}`;
    return [forbiddenField(`metadata.annotations[${key}]`, why)];
  });
}

type Annotations = Readonly<Record<string, string>>;
