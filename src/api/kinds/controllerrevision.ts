/** apps/v1 ControllerRevision: a template that a DaemonSet or StatefulSet had. Upstream: ValidateControllerRevision. */
import type { ControllerRevision } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  validateNonNegative,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { validateImmutable } from './lifecycle.ts';

export const controllerRevisionKind = defineKind<ControllerRevision>({
  resource: resources.controllerRevisions,
  validate: (revision) => [...validateRevision(revision), ...validateData(revision)],
  validateUpdate: (revision, old) => [
    ...validateMetadataUpdate(revision, old),
    ...validateRevision(revision),
    ...validateImmutable(revision.data, old.data, 'data'),
  ],
  columns: [
    nameColumn(),
    column('Controller', 'Controller of the object', controllerText),
    column('Revision', 'Revision indicates the revision of the state represented by Data.', ({ revision }) => revision),
    ageColumn(),
  ],
  unconditionalUpdate: true,
});

function validateRevision(revision: ControllerRevision): FieldError[] {
  const errors = validateMetadata(revision, true, dns1123SubdomainName);
  return [...errors, ...validateNonNegative(revision.revision, 'revision')];
}

function validateData({ data }: ControllerRevision): FieldError[] {
  if (data === undefined || data === null) return [requiredField('data', 'data is mandatory')];
  const isObject = typeof data === 'object' && !Array.isArray(data);
  return isObject ? [] : [requiredField('data', 'data must be a valid JSON object')];
}

/** `daemonset.apps/web` */
function controllerText({ metadata }: Live<ControllerRevision>): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return '<none>';
  const slash = owner.apiVersion.indexOf('/');
  const group = slash < 0 ? '' : `.${owner.apiVersion.slice(0, slash)}`;
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}
