/** Validation of security contexts. Upstream: ValidateSecurityContext, validatePodSpecSecurityContext, validatePodHostUsers. */
import type { PodSpec, SecurityContext, Sysctl } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { duplicateField, invalidField, requiredField } from '../../field-errors.ts';

const mostId = 2 ** 31 - 1;

export function validateSecurityContext(context: SecurityContext | undefined, at: string): FieldError[] {
  if (context === undefined) return [];
  const errors = [
    ...validateId(context.runAsUser, `${at}.runAsUser`),
    ...validateId(context.runAsGroup, `${at}.runAsGroup`),
  ];
  if (context.allowPrivilegeEscalation !== false) return errors;
  if (context.privileged === true) {
    errors.push(invalidField(at, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
  }
  if ((context.capabilities?.add ?? []).some((name) => name === 'SYS_ADMIN' || name === 'CAP_SYS_ADMIN')) {
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
    ...validateId(context.fsGroup, `${field}.fsGroup`),
    ...validateId(context.runAsUser, `${field}.runAsUser`),
    ...validateId(context.runAsGroup, `${field}.runAsGroup`),
    ...(context.supplementalGroups ?? []).flatMap((id, index) =>
      validateId(id, `${field}.supplementalGroups[${index}]`),
    ),
  ];
  errors.push(...validateSysctls(context.sysctls ?? [], `${field}.sysctls`));
  if (spec.hostPID === true && spec.shareProcessNamespace === true) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled';
    errors.push(invalidField(`${at}.shareProcessNamespace`, true, why));
  }
  return errors;
}

const mostSysctlLetters = 253;
const segment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const sysctlPattern = `^(${segment}[\\./])*${segment}$`;
const sysctlName = new RegExp(sysctlPattern);

/** Upstream: validateSysctls. */
function validateSysctls(sysctls: readonly Sysctl[], at: string): FieldError[] {
  const names = sysctls.map(({ name }) => name);
  return names.flatMap((name, index) => {
    const field = `${at}[${String(index)}].name`;
    if (name === undefined || name === '') return [requiredField(field)];
    if (name.length > mostSysctlLetters || !sysctlName.test(name)) {
      const why = `must have at most ${String(mostSysctlLetters)} characters and match regex ${sysctlPattern}`;
      return [invalidField(field, name, why)];
    }
    return names.indexOf(name) < index ? [duplicateField(field, name)] : [];
  });
}

function validateId(id: number | undefined, field: string): FieldError[] {
  if (id === undefined || (id >= 0 && id <= mostId)) return [];
  return [invalidField(field, id, `must be between 0 and ${mostId}, inclusive`)];
}
