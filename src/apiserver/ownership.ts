/**
 * Field ownership in the write path: which manager writes, and the managedFields that are stored with what it wrote.
 * Upstream computes them after defaulting and before admission, so what admission and the registry add is nobody's.
 */
import { goQuote } from '../api/go-text.ts';
import type { FieldError } from '../api/field-errors.ts';
import type { ManagedFieldsEntry } from '../api/gen/types.ts';
import type { KindDefinition, KindForm } from '../api/kind.ts';
import { builtInType, managedFieldsAfter, setOfPaths } from '../api/managed-fields/index.ts';
import type { ManagedKind, VersionForm } from '../api/managed-fields/index.ts';
import type { KubeObject, Live } from '../api/object.ts';
import { groupResourceOf, groupVersionOf } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import { converter } from '../api/views.ts';
import type { Incoming } from './http/messages.ts';
import { timestamp } from './object-meta.ts';
import type { Draft } from './object-meta.ts';

export type Ownership =
  /** Who changes a field owns it. */
  | { readonly kind: 'update'; readonly manager: string }
  /** The object brings the managedFields it shall have: apply, scale. */
  | { readonly kind: 'given' }
  /** The write is nobody's: as they were. */
  | { readonly kind: 'kept' };

/** Writes of the server itself. */
const ownWrites: Ownership = { kind: 'update', manager: 'kube-apiserver' };

export function ownersOf(
  kind: KindDefinition,
  draft: Draft,
  old: Live<KubeObject> | undefined,
  asked: readonly ManagedFieldsEntry[] | undefined,
  { ownership = ownWrites, subresource = '' }: { readonly ownership?: Ownership; readonly subresource?: string },
): ManagedFieldsEntry[] | undefined {
  switch (ownership.kind) {
    case 'kept':
      return old?.metadata.managedFields;
    case 'given':
      return asked as ManagedFieldsEntry[] | undefined;
    case 'update':
      return managedFieldsAfter({
        kind: managedKind(kind, subresource),
        live: old,
        next: draft,
        asked,
        manager: ownership.manager,
        subresource,
        now: timestamp(),
      });
  }
}

export function setOwners(draft: Draft, managedFields: ManagedFieldsEntry[] | undefined): void {
  if (managedFields === undefined) delete draft.metadata.managedFields;
  else draft.metadata.managedFields = managedFields;
}

const managedKinds = new WeakMap<KindDefinition, Map<string, ManagedKind>>();

export function managedKind(kind: KindDefinition, subresource: string): ManagedKind {
  let bySubresource = managedKinds.get(kind);
  if (bySubresource === undefined) managedKinds.set(kind, (bySubresource = new Map<string, ManagedKind>()));
  let found = bySubresource.get(subresource);
  if (found === undefined) bySubresource.set(subresource, (found = makeManagedKind(kind, subresource)));
  return found;
}

function makeManagedKind({ resource, merging, status, forms }: KindDefinition, subresource: string): ManagedKind {
  const apiVersion = groupVersionOf(resource);
  const others = otherForms(resource, forms ?? []);
  const reset =
    subresource === 'status'
      ? [['f:spec'], ...(alsoReset[groupResourceOf(resource)] ?? [])]
      : status === undefined
        ? []
        : [['f:status']];
  return {
    type: merging?.type ?? builtInType(resource.schema),
    apiVersion,
    kind: resource.kind,
    versions: new Set([apiVersion, ...(merging?.versions ?? []), ...others.keys()]),
    ...(others.size > 0 ? { others } : {}),
    reset: setOfPaths(reset),
  };
}

/** How the fields of this form are those of the kind's others. */
function otherForms(resource: Resource, forms: readonly KindForm[]): ReadonlyMap<string, VersionForm> {
  const others = forms.filter((form) => form.resource !== resource);
  return new Map(
    others.map((form) => {
      const between = (from: Resource, to: Resource) => converter(forms, from, to) as <T>(object: T) => T;
      const version = {
        type: builtInType(form.resource.schema),
        convert: between(resource, form.resource),
        back: between(form.resource, resource),
      };
      return [groupVersionOf(form.resource), version];
    }),
  );
}

/** What /status of a kind leaves alone besides its spec: GetResetFields of pkg/registry/KIND/strategy.go; of custom
 * kinds only the spec (apiextensions-apiserver pkg/registry/customresource/status_strategy.go). */
const alsoReset: Readonly<Record<string, readonly (readonly string[])[]>> = {
  pods: [
    ['f:metadata', 'f:deletionTimestamp'],
    ['f:metadata', 'f:ownerReferences'],
  ],
  'deployments.apps': [['f:metadata', 'f:labels']],
};

const mostManagerBytes = 128;

/** The query's fieldManager, else the program's name in User-Agent (apiserver handlers/create.go, prefixFromUserAgent). */
export function managerName(query: URLSearchParams, request: Incoming): string {
  const asked = query.get('fieldManager') ?? '';
  if (asked !== '') return asked;
  const [program = ''] = (request.headers['user-agent'] ?? '').split('/');
  let name = '';
  for (const sign of program) {
    if (!isPrintable(sign)) continue;
    if (Buffer.byteLength(name + sign) > mostManagerBytes) break;
    name += sign;
  }
  return name;
}

/** metav1 validation: ValidateFieldManager. */
export function checkManager(query: URLSearchParams): readonly FieldError[] {
  const manager = query.get('fieldManager') ?? '';
  const errors: FieldError[] = [];
  if (Buffer.byteLength(manager) > mostManagerBytes) {
    const message = `Too long: may not be more than ${mostManagerBytes} bytes`;
    errors.push({ type: 'FieldValueTooLong', field: 'fieldManager', message });
  }
  let position = 0;
  for (const sign of manager) {
    if (!isPrintable(sign)) {
      const message = `Invalid value: ${goQuote(manager)}: invalid character ${codePoint(sign)} (at position ${position})`;
      errors.push({ type: 'FieldValueInvalid', field: 'fieldManager', message });
    }
    position += Buffer.byteLength(sign);
  }
  return errors;
}

/** unicode.IsPrint: letters, marks, numbers, punctuation, symbols, and the plain space. */
function isPrintable(sign: string): boolean {
  return sign === ' ' || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(sign);
}

/** %#U. */
function codePoint(sign: string): string {
  return `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
