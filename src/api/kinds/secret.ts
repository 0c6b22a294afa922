/** core/v1 Secret. Upstream: ValidateSecret, ValidateSecretUpdate, printSecret. */
import type { Secret } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { invalidField, requiredField, tooLongField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  whyNotConfigKey,
} from '../validation/index.ts';
import { ageColumn, column, integerColumn, nameColumn } from './columns.ts';
import { base64Bytes, validateImmutable } from './configmap.ts';

const mostBytes = 1024 * 1024;
const accountAnnotation = 'kubernetes.io/service-account.name';

/** Keys that a type must have. */
const typeKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

export const secretKind = defineKind<Secret>({
  resource: resources.secrets,
  applyDefaults(secret) {
    secret.type ??= 'Opaque';
    // Write-only: plain text on the way in, base64 in the store.
    for (const [key, value] of Object.entries(secret.stringData ?? {})) {
      secret.data = { ...secret.data, [key]: Buffer.from(value).toString('base64') };
    }
    delete secret.stringData;
  },
  validate: validateSecret,
  validateUpdate: (secret, old) => [
    ...validateMetadataUpdate(secret, old),
    ...(secret.type === old.type ? [] : [invalidField('type', secret.type, 'field is immutable')]),
    ...validateImmutable(secret, old, ['data']),
    ...validateSecret(secret),
  ],
  columns: [
    nameColumn(),
    column('Type', 'Used to facilitate programmatic handling of secret data.', (secret) => secret.type ?? ''),
    integerColumn('Data', 'Data contains the secret data.', (secret) => Object.keys(secret.data ?? {}).length),
    ageColumn(),
  ],
  fieldSelectors: { type: (secret) => secret.type ?? '' },
  unconditionalUpdate: true,
});

function validateSecret(secret: Secret): FieldError[] {
  const errors = validateMetadata(secret, true, dns1123SubdomainName);
  const data = secret.data ?? {};
  let total = 0;
  for (const [key, value] of Object.entries(data)) {
    for (const why of whyNotConfigKey(key)) errors.push(invalidField(`data[${key}]`, key, why));
    total += base64Bytes(value);
  }
  if (total > mostBytes) errors.push(tooLongField('data', mostBytes));
  for (const key of typeKeys[secret.type ?? ''] ?? []) {
    if (!Object.hasOwn(data, key)) errors.push(requiredField(`data[${key}]`));
  }
  if (secret.type === 'kubernetes.io/service-account-token') {
    const account = secret.metadata?.annotations?.[accountAnnotation] ?? '';
    if (account === '') errors.push(requiredField(`metadata.annotations[${accountAnnotation}]`));
  }
  if (secret.type === 'kubernetes.io/basic-auth' && !('username' in data) && !('password' in data)) {
    errors.push(requiredField('data[username]'), requiredField('data[password]'));
  }
  return errors;
}
