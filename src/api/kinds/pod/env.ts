/** Validation of a container's environment. Upstream: ValidateEnv, validateEnvVarValueFrom, ValidateEnvFrom. */
import type { EnvFromSource, EnvVar, EnvVarSource, FileKeySelector, PodSpec } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { invalidField, notFoundField, requiredField } from '../../field-errors.ts';
import {
  whyNotConfigKey,
  whyNotDns1123Label,
  whyNotDns1123Subdomain,
  whyNotEnvironmentName,
} from '../../validation/index.ts';
import { envFieldPaths, validateFieldRef, validateResourceFieldRef } from './downward.ts';
import { validateNoBacksteps } from './paths.ts';

const envSources = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const;

export function validateEnv(env: readonly EnvVar[], field: string): FieldError[] {
  return env.flatMap(({ name = '', value = '', valueFrom }, index) => {
    const at = `${field}[${index}]`;
    const errors =
      name === ''
        ? [requiredField(`${at}.name`)]
        : whyNotEnvironmentName(name).map((why) => invalidField(`${at}.name`, name, why));
    return valueFrom === undefined ? errors : [...errors, ...validateSource(valueFrom, value, `${at}.valueFrom`)];
  });
}

function validateSource(from: EnvVarSource, value: string, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (from.fieldRef !== undefined) errors.push(...validateFieldRef(from.fieldRef, envFieldPaths, `${at}.fieldRef`));
  if (from.resourceFieldRef !== undefined) {
    errors.push(...validateResourceFieldRef(from.resourceFieldRef, `${at}.resourceFieldRef`));
  }
  for (const kind of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const ref = from[kind];
    if (ref !== undefined) errors.push(...validateKeyRef(ref, `${at}.${kind}`));
  }
  if (from.fileKeyRef !== undefined) errors.push(...validateFileKeyRef(from.fileKeyRef, `${at}.fileKeyRef`));
  const sources = envSources.filter((key) => from[key] !== undefined);
  if (sources.length === 0) {
    const all = '`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
    errors.push(invalidField(at, '', `must specify one of: ${all}`));
  } else if (value !== '') {
    errors.push(invalidField(at, '', 'may not be specified when `value` is not empty'));
  } else if (sources.length > 1) {
    errors.push(invalidField(at, '', 'may not have more than one field specified at a time'));
  }
  return errors;
}

function validateKeyRef({ name = '', key = '' }: { name?: string; key?: string }, at: string): FieldError[] {
  const errors = whyNotDns1123Subdomain(name).map((why) => invalidField(`${at}.name`, name, why));
  if (key === '') return [...errors, requiredField(`${at}.key`)];
  return [...errors, ...whyNotConfigKey(key).map((why) => invalidField(`${at}.key`, key, why))];
}

function validateFileKeyRef({ key = '', volumeName = '', path = '' }: Partial<FileKeySelector>, at: string) {
  const errors: FieldError[] = [];
  if (key === '') errors.push(requiredField(`${at}.key`));
  else for (const why of whyNotEnvironmentName(key)) errors.push(invalidField(`${at}.key`, key, why));
  if (volumeName === '') errors.push(requiredField(`${at}.volumeName`));
  else for (const why of whyNotDns1123Label(volumeName)) errors.push(invalidField(`${at}.volumeName`, volumeName, why));
  if (path === '') errors.push(requiredField(`${at}.path`));
  else errors.push(...validateNoBacksteps(path, `${at}.path`));
  return errors;
}

/** That there is none or more than one is said of the list, not of the item. */
export function validateEnvFrom(list: readonly EnvFromSource[], field: string): FieldError[] {
  return list.flatMap(({ prefix = '', configMapRef, secretRef }, index) => {
    const at = `${field}[${index}]`;
    const errors =
      prefix === '' ? [] : whyNotEnvironmentName(prefix).map((why) => invalidField(`${at}.prefix`, prefix, why));
    if (configMapRef !== undefined) errors.push(...validateReference(configMapRef.name, `${at}.configMapRef.name`));
    if (secretRef !== undefined) errors.push(...validateReference(secretRef.name, `${at}.secretRef.name`));
    if (configMapRef === undefined && secretRef === undefined) {
      errors.push(invalidField(field, '', 'must specify one of: `configMapRef` or `secretRef`'));
    } else if (configMapRef !== undefined && secretRef !== undefined) {
      errors.push(invalidField(field, '', 'may not have more than one field specified at a time'));
    }
    return errors;
  });
}

/** The same rule for ConfigMaps and Secrets; a prefix of a generated name may end in a hyphen. */
function validateReference(name = '', field: string): FieldError[] {
  if (name === '') return [requiredField(field)];
  const masked = name.length > 1 && name.endsWith('-') ? `${name.slice(0, -1)}a` : name;
  return whyNotDns1123Subdomain(masked).map((why) => invalidField(field, name, why));
}

/** A file of variables lies in an emptyDir. Upstream: validateFileKeyRefVolumes. */
export function validateFileVolumes(spec: PodSpec, at: string): FieldError[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((key) =>
    (spec[key] ?? []).flatMap(({ env = [] }, index) =>
      env.flatMap(({ valueFrom }, position) => {
        const name = valueFrom?.fileKeyRef?.volumeName ?? '';
        if (valueFrom?.fileKeyRef === undefined) return [];
        const field = `${at}.${key}[${index}].env[${position}].valueFrom.fileKeyRef.volumeName`;
        const volume = (spec.volumes ?? []).find((one) => one.name === name);
        if (volume === undefined) return [notFoundField(field, name)];
        return volume.emptyDir === undefined
          ? [invalidField(field, name, 'referenced volume must be of type emptyDir')]
          : [];
      }),
    ),
  );
}
