/** apiextensions.k8s.io/v1 CustomResourceDefinition. Upstream: apiextensions-apiserver/pkg/registry/customresourcedefinition. */
import type { CustomResourceDefinition } from '../gen/types.ts';
import {
  acceptNames,
  cleanupFinalizer,
  setCondition,
  validateDefinition,
  validateDefinitionStatus,
  validateDefinitionUpdate,
} from '../custom/index.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { nameColumn } from './columns.ts';
import { sameValue } from './equal.ts';

export const customResourceDefinitionKind = defineKind<CustomResourceDefinition>({
  resource: resources.customResourceDefinitions,
  storageVersion: 'v1beta1',
  applyDefaults(definition) {
    // A body without spec is refused by what validation finds missing.
    const spec = (definition.spec ??= { group: '', scope: '', names: { plural: '', kind: '' }, versions: [] });
    spec.names ??= { plural: '', kind: '' };
    const { names } = spec;
    names.plural ??= '';
    names.kind ??= '';
    spec.versions ??= [];
    if (names.kind !== '') {
      names.singular ??= names.kind.toLowerCase();
      names.listKind ??= `${names.kind}List`;
    }
    spec.conversion ??= { strategy: 'None' };
    const service = spec.conversion.webhook?.clientConfig?.service;
    if (service !== undefined) service.port ??= 443;
  },
  prepareForCreate(definition) {
    definition.status = {};
    storeVersion(definition);
    definition.metadata = { ...definition.metadata, generation: 1 };
  },
  prepareForUpdate(definition, old) {
    definition.status = structuredClone(old.status ?? {});
    storeVersion(definition);
    const before = old.metadata.generation ?? 1;
    const same = sameValue(definition.spec, old.spec);
    definition.metadata = { ...definition.metadata, generation: same ? before : before + 1 };
  },
  prepareForDelete(definition) {
    const finalizers = definition.metadata?.finalizers ?? [];
    if (!finalizers.includes(cleanupFinalizer)) {
      definition.metadata = { ...definition.metadata, finalizers: [...finalizers, cleanupFinalizer] };
    }
    setCondition(definition, {
      type: 'Terminating',
      status: 'True',
      reason: 'InstanceDeletionPending',
      message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
    });
  },
  validate: validateDefinition,
  validateUpdate: validateDefinitionUpdate,
  status: {
    prepareForUpdate(definition, old) {
      definition.spec = structuredClone(old.spec);
      definition.metadata = { ...structuredClone(old.metadata) };
    },
    validateUpdate: validateDefinitionStatus,
  },
  columns: [
    nameColumn(),
    {
      name: 'Created At',
      type: 'date',
      description: 'CreationTimestamp is a timestamp representing the server time when this object was created.',
      priority: 0,
      cell: (definition) => definition.metadata.creationTimestamp,
    },
  ],
  onWrite(view, definition, old) {
    if (definition === undefined) return;
    const { group } = definition.spec;
    const name = definition.metadata?.name;
    const others = [...view.list(resources.customResourceDefinitions)].filter(
      (other) => other.spec.group === group && other.metadata.name !== name,
    );
    if (old === undefined || definition.metadata?.deletionTimestamp === undefined) acceptNames(definition, others);
  },
  unconditionalUpdate: false,
});

function storeVersion(definition: CustomResourceDefinition): void {
  const name = definition.spec.versions.find(({ storage }) => storage)?.name;
  const status = (definition.status ??= {});
  status.storedVersions ??= [];
  if (name !== undefined && !status.storedVersions.includes(name)) status.storedVersions.push(name);
}
