/** core/v1 ServiceAccount. Upstream: pkg/registry/core/serviceaccount/strategy.go. */
import type { ServiceAccount } from '../gen/types.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { dns1123SubdomainName, validateMetadata, validateMetadataUpdate } from '../validation/index.ts';
import { ageColumn, integerColumn, nameColumn } from './columns.ts';

export const serviceAccountKind = defineKind<ServiceAccount>({
  resource: resources.serviceAccounts,
  returnsDeleted: true,
  prepareForCreate: keepSecretNames,
  prepareForUpdate: keepSecretNames,
  validate: (account) => validateMetadata(account, true, dns1123SubdomainName),
  validateUpdate: (account, old) => [
    ...validateMetadataUpdate(account, old),
    ...validateMetadata(account, true, dns1123SubdomainName),
  ],
  columns: [
    nameColumn(),
    integerColumn(
      'Secrets',
      'Secrets is a list of the secrets in the same namespace that pods running using this ServiceAccount are allowed to use.',
      (account) => (account.secrets ?? []).length,
    ),
    ageColumn(),
  ],
  unconditionalUpdate: true,
});

function keepSecretNames(account: ServiceAccount): void {
  if (account.secrets === undefined) return;
  account.secrets = account.secrets.map(({ name }) => (name === undefined ? {} : { name }));
}
