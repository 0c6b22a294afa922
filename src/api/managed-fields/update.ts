/**
 * Ownership after a create, update or patch that is no apply: who changes a field owns it, whoever had it loses it.
 *
 *   managedFieldsAfter({ kind, live, next, … }) ──> metadata.managedFields of what will be stored
 *
 * Upstream: structured-merge-diff merge/update.go (Update); apimachinery pkg/util/managedfields/internal: fieldmanager.go,
 * managedfieldsupdater.go, skipnonapplied.go, capmanagers.go.
 */
import type { ManagedFieldsEntry } from '../gen/types.ts';
import { compareObjects } from './compare.ts';
import { fieldsOfNew } from './created.ts';
import { isEmpty, union } from './field-set.ts';
import { sameValue } from './json.ts';
import { MergeError } from './merge-error.ts';
import {
  capUpdates,
  identityOf,
  isReset,
  readClientManagers,
  readManagers,
  writeManagers,
  writtenEntry,
} from './managers.ts';
import type { Managers } from './managers.ts';
import type { Changes, ManagedKind, ManagedObject } from './ownership.ts';
import {
  changesOf,
  emptyObject,
  reconciled,
  withoutManagedFields,
  withoutServerFields,
  yieldFields,
} from './ownership.ts';

export interface OwnershipUpdate {
  readonly kind: ManagedKind;
  /** undefined: a create. */
  readonly live: ManagedObject | undefined;
  readonly next: ManagedObject;
  /** managedFields of the request's object; a subresource cannot set them. */
  readonly asked: readonly ManagedFieldsEntry[] | undefined;
  readonly manager: string;
  readonly subresource: string;
  readonly now: string;
}

export function managedFieldsAfter(update: OwnershipUpdate): ManagedFieldsEntry[] | undefined {
  const { kind, live, next, subresource } = update;
  const stored = live?.metadata?.managedFields;
  const asked = subresource === '' && !sameValue(update.asked, stored) ? update.asked : undefined;
  const managers = currentManagers(stored, asked);
  // Who forgot all owners is not tracked again before the first apply.
  if (managers.size === 0 && live !== undefined) return undefined;
  try {
    if (live === undefined && managers.size === 0) return firstOwner(update);
    const before = live === undefined ? emptyObject(kind) : withoutManagedFields(live);
    const object = withoutManagedFields(next);
    const comparison = compareObjects(kind.type, before, object);
    if (asked === undefined && isEmpty(comparison.changed) && isEmpty(comparison.removed)) return stored;
    const after = recordUpdate(update, managers, changesOf(kind, comparison, before, object));
    capUpdates(after);
    return writeManagers(after);
  } catch (error) {
    // Upstream's UpdateNoErrors: rather no owners than wrong ones.
    if (error instanceof MergeError) return undefined;
    throw error;
  }
}

/** Of an object that is new: most creates are this. */
function firstOwner({ kind, next, manager, subresource, now }: OwnershipUpdate): ManagedFieldsEntry[] | undefined {
  const set = fieldsOfNew(kind, withoutManagedFields(next));
  if (isEmpty(set)) return undefined;
  const entry = { manager: managerOf(manager), operation: 'Update', apiVersion: kind.apiVersion, subresource } as const;
  return [writtenEntry({ ...entry, time: now, set }, set)];
}

function managerOf(asked: string): string {
  return asked === '' ? 'unknown' : asked;
}

function currentManagers(
  stored: readonly ManagedFieldsEntry[] | undefined,
  asked: readonly ManagedFieldsEntry[] | undefined,
): Managers {
  if (asked === undefined) return readManagers(stored);
  if (isReset(asked)) return new Map();
  const sent = readClientManagers(asked);
  return sent === undefined || sent.size === 0 ? readManagers(stored) : sent;
}

type Recorded = Pick<OwnershipUpdate, 'kind' | 'manager' | 'subresource' | 'now'>;

/** The operation's own entry gets what was changed, and its time only when that is something. */
export function recordUpdate(
  { kind, manager, subresource, now }: Recorded,
  before: Managers,
  changes: Changes,
): Managers {
  const managers = yieldFields(reconciled(kind, before), changes, undefined);
  const own = withoutServerFields(changes(kind.apiVersion).changed);
  if (isEmpty(own)) return managers;
  const entry = { manager: managerOf(manager), operation: 'Update', subresource } as const;
  const identity = { ...entry, apiVersion: kind.apiVersion };
  const id = identityOf(identity);
  const previous = managers.get(id);
  managers.set(id, { ...identity, time: now, set: union(own, previous?.set ?? {}) });
  return managers;
}
