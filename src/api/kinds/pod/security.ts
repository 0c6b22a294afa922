/** Validation of security contexts. Upstream: ValidateSecurityContext, validatePodSpecSecurityContext, validateHostUsers. */
import type { PodSecurityContext, PodSpec, SecurityContext, Sysctl } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { duplicateField, forbiddenField, invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import { validateAppArmor, validateSeccomp } from './profiles.ts';
import { validateWindowsOptions } from './windows.ts';

const mostId = 2 ** 31 - 1;

/** Both have them. */
type Shared = Pick<
  SecurityContext & PodSecurityContext,
  'runAsUser' | 'runAsGroup' | 'seccompProfile' | 'windowsOptions' | 'appArmorProfile'
>;

function validateShared(context: Shared, at: string): FieldError[] {
  return [
    ...validateId(context.runAsUser, `${at}.runAsUser`),
    ...validateId(context.runAsGroup, `${at}.runAsGroup`),
    ...validateSeccomp(context.seccompProfile, `${at}.seccompProfile`),
    ...validateWindowsOptions(context.windowsOptions, `${at}.windowsOptions`),
    ...validateAppArmor(context.appArmorProfile, `${at}.appArmorProfile`),
  ];
}

export function validateSecurityContext(
  context: SecurityContext | undefined,
  hostUsers: boolean,
  at: string,
): FieldError[] {
  if (context === undefined) return [];
  const errors = [
    ...validateShared(context, at),
    ...oneOf(context.procMount, ['Default', 'Unmasked'], `${at}.procMount`),
  ];
  if (hostUsers && context.procMount === 'Unmasked') {
    errors.push(invalidField(`${at}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`'));
  }
  if (context.allowPrivilegeEscalation !== false) return errors;
  if (context.privileged === true) {
    errors.push(invalidField(at, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
  }
  if ((context.capabilities?.add ?? []).includes('CAP_SYS_ADMIN')) {
    const why = 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN';
    errors.push(invalidField(at, context, why));
  }
  return errors;
}

/** `spec.securityContext`, and what of it stands in the spec itself. */
export function validatePodSecurity(spec: PodSpec, at: string): FieldError[] {
  const context = spec.securityContext ?? {};
  const field = `${at}.securityContext`;
  const errors = [
    ...validateShared(context, field),
    ...validateId(context.fsGroup, `${field}.fsGroup`),
    ...(context.supplementalGroups ?? []).flatMap((id, index) =>
      validateId(id, `${field}.supplementalGroups[${index}]`),
    ),
    ...oneOf(context.fsGroupChangePolicy, ['Always', 'OnRootMismatch'], `${field}.fsGroupChangePolicy`),
    ...oneOf(context.supplementalGroupsPolicy, ['Merge', 'Strict'], `${field}.supplementalGroupsPolicy`),
    ...oneOf(context.seLinuxChangePolicy, ['Recursive'], `${field}.seLinuxChangePolicy`),
    ...validateSysctls(spec, `${field}.sysctls`),
  ];
  if (spec.hostPID === true && spec.shareProcessNamespace === true) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled';
    errors.push(invalidField(`${field}.shareProcessNamespace`, true, why));
  }
  return [...errors, ...validateHostUsers(spec, at)];
}

/** The capital letters are upstream's. */
function validateHostUsers(spec: PodSpec, at: string): FieldError[] {
  if (spec.hostUsers !== false) return [];
  const why = 'when `hostUsers` is false';
  const errors: FieldError[] = [];
  if (spec.hostNetwork === true) errors.push(forbiddenField(`${at}.hostNetwork`, why));
  if (spec.hostPID === true) errors.push(forbiddenField(`${at}.HostPID`, why));
  if (spec.hostIPC === true) errors.push(forbiddenField(`${at}.HostIPC`, why));
  for (const key of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    for (const [index, { volumeDevices = [] }] of (spec[key] ?? []).entries()) {
      if (volumeDevices.length > 0) errors.push(forbiddenField(`${at}.${key}[${index}].volumeDevices`, why));
    }
  }
  return errors;
}

function oneOf(value: string | undefined, supported: readonly string[], field: string): FieldError[] {
  return value === undefined || supported.includes(value) ? [] : [notSupportedField(field, value, supported)];
}

const mostSysctlLetters = 253;
const segment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const sysctlPattern = `^(${segment}[\\./])*${segment}$`;
const sysctlName = new RegExp(sysctlPattern);
/** component-helpers node/util/sysctl/namespace.go */
const ipcSysctl = /^(kernel\.(sem|shm(all|max|mni|_rmid_forced)?|msg(max|mnb|mni)?)$|fs\.mqueue\.)/;

/** What belongs to a namespace that the pod shares with the host is not the pod's to set. Upstream: validateSysctls. */
function validateSysctls({ securityContext, hostNetwork, hostIPC }: PodSpec, at: string): FieldError[] {
  const names = (securityContext?.sysctls ?? []).map(({ name = '' }: Partial<Sysctl>) => name);
  return names.flatMap((name, index) => {
    const field = `${at}[${String(index)}].name`;
    const errors: FieldError[] = [];
    if (name === '') errors.push(requiredField(field));
    else if (name.length > mostSysctlLetters || !sysctlName.test(name)) {
      const why = `must have at most ${String(mostSysctlLetters)} characters and match regex ${sysctlPattern}`;
      errors.push(invalidField(field, name, why));
    } else if (names.indexOf(name) < index) errors.push(duplicateField(field, name));
    const dotted = name.replaceAll('/', '.');
    if (hostNetwork === true && dotted.startsWith('net.')) {
      errors.push(invalidField(field, name, "may not be specified when 'hostNetwork' is true"));
    }
    if (hostIPC === true && ipcSysctl.test(dotted)) {
      errors.push(invalidField(field, name, "may not be specified when 'hostIPC' is true"));
    }
    return errors;
  });
}

function validateId(id: number | undefined, field: string): FieldError[] {
  if (id === undefined || (id >= 0 && id <= mostId)) return [];
  return [invalidField(field, id, `must be between 0 and ${mostId}, inclusive`)];
}
