/** core/v1 Namespace. Upstream: pkg/registry/core/namespace/strategy.go. */
import type { Namespace } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { invalidField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { dns1123LabelName, validateMetadata, validateMetadataUpdate } from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { clone } from '../clone.ts';

const nameLabel = 'kubernetes.io/metadata.name';

export const namespaceKind = defineKind<Namespace>({
  resource: resources.namespaces,
  applyDefaults(namespace) {
    const name = namespace.metadata?.name ?? '';
    // Every namespace can be selected by its name; a name that is still to be generated comes later.
    if (namespace.metadata === undefined || name === '') return;
    namespace.metadata.labels = { ...namespace.metadata.labels, [nameLabel]: name };
  },
  prepareForCreate(namespace) {
    namespace.status = { phase: 'Active' };
    const finalizers = namespace.spec?.finalizers ?? [];
    // The namespace controller takes it away when the namespace is empty.
    namespace.spec = { finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'] };
  },
  prepareForUpdate(namespace, old) {
    namespace.spec = clone(old.spec ?? {});
    namespace.status = clone(old.status ?? {});
  },
  validate: (namespace) => validateMetadata(namespace, false, dns1123LabelName),
  validateUpdate: (namespace, old) => [
    ...validateMetadataUpdate(namespace, old),
    ...validateMetadata(namespace, false, dns1123LabelName),
  ],
  status: {
    prepareForUpdate(namespace, old) {
      namespace.spec = clone(old.spec ?? {});
    },
    validateUpdate: validateStatus,
  },
  columns: [
    nameColumn(),
    column('Status', 'The status of the namespace', (namespace) => namespace.status?.phase ?? ''),
    ageColumn(),
  ],
  fieldSelectors: { 'status.phase': (namespace) => namespace.status?.phase ?? '' },
  unconditionalUpdate: true,
});

function validateStatus(namespace: Namespace, old: Live<Namespace>): FieldError[] {
  const errors = validateMetadataUpdate(namespace, old);
  const phase = namespace.status?.phase ?? '';
  if (old.metadata.deletionTimestamp === undefined) {
    if (phase !== 'Active') {
      errors.push(invalidField('status.Phase', phase, "may only be 'Active' if `deletionTimestamp` is empty"));
    }
  } else if (phase !== 'Terminating') {
    errors.push(invalidField('status.Phase', phase, "may only be 'Terminating' if `deletionTimestamp` is not empty"));
  }
  return errors;
}
