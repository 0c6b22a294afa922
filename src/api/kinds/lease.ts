/** coordination.k8s.io/v1 Lease. Upstream: pkg/apis/coordination/validation. */
import type { Lease } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { invalidField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateMetadataUpdate,
  validateNonNegative,
  validateObjectMeta,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';

export const leaseKind = defineKind<Lease>({
  resource: resources.leases,
  applyDefaults(lease) {
    lease.spec ??= {};
  },
  // Coordinated leader election is off by default upstream.
  prepareForCreate({ spec }) {
    delete spec?.strategy;
    delete spec?.preferredHolder;
  },
  prepareForUpdate({ spec }, old) {
    if (old.spec?.strategy === undefined) delete spec?.strategy;
    if (old.spec?.preferredHolder === undefined) delete spec?.preferredHolder;
  },
  validate: validateLease,
  validateUpdate: (lease, old) => [...validateMetadataUpdate(lease, old), ...validateLease(lease)],
  columns: [
    nameColumn(),
    column(
      'Holder',
      'holderIdentity contains the identity of the holder of a current lease.',
      (lease) => lease.spec?.holderIdentity ?? '',
    ),
    ageColumn(),
  ],
  createOnUpdate: true,
});

function validateLease(lease: Lease): FieldError[] {
  const errors = validateObjectMeta(lease, true, dns1123SubdomainName);
  const { leaseDurationSeconds, leaseTransitions } = lease.spec ?? {};
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
    errors.push(invalidField('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0'));
  }
  return [...errors, ...validateNonNegative(leaseTransitions, 'spec.leaseTransitions')];
}
