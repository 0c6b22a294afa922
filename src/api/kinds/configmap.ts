/** core/v1 ConfigMap. Upstream: ValidateConfigMap, ValidateConfigMapUpdate, printConfigMap. */
import type { ConfigMap } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { KubeObject, Live } from '../object.ts';
import { forbiddenField, invalidField, tooLongField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  byteLength,
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  whyNotConfigKey,
} from '../validation/index.ts';
import { ageColumn, integerColumn, nameColumn } from './columns.ts';
import { sameValue } from './equal.ts';

const mostBytes = 1024 * 1024;

export const configMapKind = defineKind<ConfigMap>({
  resource: resources.configMaps,
  validate: validateConfigMap,
  validateUpdate: (configMap, old) => [
    ...validateMetadataUpdate(configMap, old),
    ...validateImmutable(configMap, old, ['data', 'binaryData']),
    ...validateConfigMap(configMap),
  ],
  columns: [
    nameColumn(),
    integerColumn(
      'Data',
      'Data contains the configuration data.',
      ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length,
    ),
    ageColumn(),
  ],
  unconditionalUpdate: true,
});

function validateConfigMap(configMap: ConfigMap): FieldError[] {
  const errors = validateMetadata(configMap, true, dns1123SubdomainName);
  let total = 0;
  for (const [key, value] of Object.entries(configMap.data ?? {})) {
    for (const why of whyNotConfigKey(key)) errors.push(invalidField(`data[${key}]`, key, why));
    if (Object.hasOwn(configMap.binaryData ?? {}, key)) {
      errors.push(invalidField(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    }
    total += byteLength(value);
  }
  for (const [key, value] of Object.entries(configMap.binaryData ?? {})) {
    for (const why of whyNotConfigKey(key)) errors.push(invalidField(`binaryData[${key}]`, key, why));
    total += base64Bytes(value);
  }
  if (total > mostBytes) errors.push(tooLongField('', mostBytes));
  return errors;
}

/** `immutable: true` freezes the content, and itself. */
export function validateImmutable<T extends KubeObject & { readonly immutable?: boolean }>(
  object: T,
  old: T | Live<T>,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  const before = old as T;
  if (before.immutable !== true) return [];
  const why = 'field is immutable when `immutable` is set';
  const errors = object.immutable === true ? [] : [forbiddenField('immutable', why)];
  for (const field of fields) if (!sameValue(object[field], before[field])) errors.push(forbiddenField(field, why));
  return errors;
}

export function base64Bytes(text: string): number {
  return Buffer.byteLength(text, 'base64');
}
