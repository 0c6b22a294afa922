/** Validation of a container's environment. Upstream: ValidateEnv, validateEnvVarValueFrom, validateObjectFieldSelector. */
import type { Container, EnvVar } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import { whyNotEnvironmentName } from '../../validation/index.ts';

/** What the downward API can put into a variable. */
const fieldPaths: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
/** What it knows, but only in volumes or not at all (pkg/apis/core/pods/helpers.go ConvertDownwardAPIFieldLabel). */
const otherFieldPaths: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
];

const envSources = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const;

export function validateEnv(env: readonly EnvVar[], field: string): FieldError[] {
  return env.flatMap((variable, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    if ((variable.name ?? '') === '') errors.push(requiredField(`${at}.name`));
    else
      for (const why of whyNotEnvironmentName(variable.name))
        errors.push(invalidField(`${at}.name`, variable.name, why));
    const from = variable.valueFrom;
    if (from === undefined) return errors;
    const sources = envSources.filter((key) => from[key] !== undefined);
    const one = sources.map((key) => `\`${key}\``).join(', ');
    if (sources.length === 0) {
      const all = '`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
      errors.push(invalidField(`${at}.valueFrom`, '', `must specify one of: ${all}`));
    } else if ((variable.value ?? '') !== '') {
      errors.push(invalidField(`${at}.valueFrom`, '', 'may not be specified when `value` is not empty'));
    } else if (sources.length > 1) {
      errors.push(invalidField(`${at}.valueFrom`, '', `may not have more than one field specified at a time (${one})`));
    }
    if (from.fieldRef !== undefined) {
      errors.push(...validateFieldPath(from.fieldRef.fieldPath ?? '', `${at}.valueFrom.fieldRef.fieldPath`));
    }
    for (const key of ['configMapKeyRef', 'secretKeyRef'] as const) {
      if (from[key] !== undefined && (from[key].key ?? '') === '')
        errors.push(requiredField(`${at}.valueFrom.${key}.key`));
    }
    return errors;
  });
}

export function validateEnvFrom(container: Container, at: string): FieldError[] {
  return (container.envFrom ?? []).flatMap(({ configMapRef, secretRef }, index) => {
    const field = `${at}.envFrom[${index}]`;
    if (configMapRef === undefined && secretRef === undefined) {
      return [invalidField(field, '', 'must specify one of: `configMapRef` or `secretRef`')];
    }
    if (configMapRef !== undefined && secretRef !== undefined) {
      return [invalidField(field, '', 'may not have more than one field specified at a time')];
    }
    const of = configMapRef === undefined ? 'secretRef' : 'configMapRef';
    return ((configMapRef ?? secretRef)?.name ?? '') === '' ? [requiredField(`${field}.${of}.name`)] : [];
  });
}

/** `metadata.labels['app']` takes one label. */
function validateFieldPath(path: string, field: string): FieldError[] {
  if (path === '') return [requiredField(field)];
  if (fieldPaths.includes(path) || /^metadata\.(labels|annotations)\['.*'\]$/.test(path)) return [];
  if (otherFieldPaths.includes(path)) return [notSupportedField(field, path, fieldPaths)];
  return [invalidField(field, path, `error converting fieldPath: field label not supported: ${path}`)];
}
