/**
 * Who owns which field (metadata.managedFields), and server-side apply. Pure: objects in, objects and managedFields out.
 *
 *   managedFieldsAfter    after a create, update, or patch that is no apply
 *   applyConfiguration    application/apply-patch+yaml
 *   applyUnowned          the same, by somebody who will own nothing: a policy
 *   builtInType, structuralType   how a kind merges: from our schema, or from a CustomResourceDefinition's
 */
export { applyConfiguration } from './apply.ts';
export { applyUnowned } from './apply-unowned.ts';
export type { Applied, ApplyRequest } from './apply.ts';
export { builtInType, mergeNotes } from './built-in.ts';
export type { FieldSet } from './field-set.ts';
export { setOfPaths } from './field-set.ts';
export { managedFieldsError } from './managers.ts';
export { MergeError } from './merge-error.ts';
export type { MergeType } from './merge-type.ts';
export type { ManagedKind, ManagedObject, VersionForm } from './ownership.ts';
export { managedFieldsOfParent, managedFieldsOfScale } from './scale.ts';
export { structuralType } from './structural.ts';
export type { StructuralSchema } from './structural.ts';
export { managedFieldsAfter } from './update.ts';
export type { OwnershipUpdate } from './update.ts';
