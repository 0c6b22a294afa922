/**
 * Server-side apply: a configuration is the whole opinion of its manager.
 *
 *   live ─ merge(config) ─ prune what the manager applied before and nobody wants now ─┬─ conflicts with others' fields: 409
 *                                                                                     └─ force: they lose them
 *   ──> { object to be stored (not defaulted), its managedFields }
 *
 * Upstream: structured-merge-diff merge/update.go (Apply, prune); apimachinery pkg/util/managedfields/internal: fieldmanager.go,
 * structuredmerge.go, versioncheck.go, skipnonapplied.go.
 */
import { apiError } from '../errors.ts';
import type { ManagedFieldsEntry } from '../gen/types.ts';
import { checkValue, joinErrors } from './check.ts';
import { compareObjects } from './compare.ts';
import { conflictError, listConflicts, outside } from './conflict.ts';
import type { Conflict } from './conflict.ts';
import type { FieldSet } from './field-set.ts';
import { difference, emptySet, intersection, isEmpty, union, withNamedFields } from './field-set.ts';
import { isMap, sameValue } from './json.ts';
import { keepsLastApplied, lastAppliedFields, withLastApplied } from './last-applied.ts';
import { identityOf, readManagers, writeManagers } from './managers.ts';
import type { Manager, Managers } from './managers.ts';
import { MergeError } from './merge-error.ts';
import { mergeValues } from './merge.ts';
import type { Changes, ManagedKind, ManagedObject } from './ownership.ts';
import {
  changesOf,
  conflictsOf,
  emptyObject,
  formOf,
  reconciled,
  withoutManagedFields,
  withoutReset,
  withoutServerFields,
  yieldFields,
} from './ownership.ts';
import { removeItems } from './remove.ts';
import { fieldSetOf } from './to-field-set.ts';
import { recordUpdate } from './update.ts';

export interface ApplyRequest {
  readonly kind: ManagedKind;
  /** undefined: there is none yet. */
  readonly live: ManagedObject | undefined;
  readonly config: ManagedObject;
  readonly manager: string;
  readonly subresource: string;
  readonly force: boolean;
  readonly now: string;
}

export interface Applied {
  readonly object: ManagedObject;
  readonly managedFields: ManagedFieldsEntry[] | undefined;
}

/** Throws ApiError: 400, 409 (conflicts), 500 (what does not fit the schema, as upstream has it). */
export function applyConfiguration(request: ApplyRequest): Applied {
  const { kind, config } = request;
  checkConfiguration(kind, config);
  const live = request.live === undefined ? emptyObject(kind) : withoutManagedFields(request.live);
  try {
    const result = applyTo(request, live);
    const managedFields = writeManagers(result.managers);
    const object = keepsLastApplied(request.manager) ? withLastApplied(result.object, config) : result.object;
    return { object, managedFields };
  } catch (error) {
    if (error instanceof MergeError) throw apiError(500, '', `failed to merge config: ${error.message}`);
    throw error;
  }
}

interface Result {
  readonly object: ManagedObject;
  readonly managers: Managers;
}

function applyTo(request: ApplyRequest, live: ManagedObject): Result {
  const plan = planApply(request, live);
  if (request.force || plan.conflicts.length === 0) return commit(request, live, plan);
  if (!keepsLastApplied(request.manager)) throw conflictError(plan.conflicts);
  const left = outside(plan.conflicts, lastAppliedFields(request.kind, live));
  if (left.length > 0) throw conflictError(left);
  return commit(request, live, plan);
}

interface Plan extends Result {
  /** Identity of the applier. */
  readonly id: string;
  readonly changes: Changes;
  readonly conflicts: readonly Conflict[];
}

function planApply(request: ApplyRequest, live: ManagedObject): Plan {
  const { kind, config, manager, subresource } = request;
  const managers = reconciled(kind, ownersBefore(request, live));
  const identity = { manager, operation: 'Apply', apiVersion: kind.apiVersion, subresource } as const;
  const id = identityOf(identity);
  const last = managers.get(id);
  const set = withoutReset(kind, fieldSetOf(kind.type, config));
  managers.set(id, { ...identity, time: last?.time, set });
  const merged = mergeValues(kind.type, live, config);
  const object = prune(kind, merged as ManagedObject, managers, last);
  const changes = changesOf(kind, compareObjects(kind.type, live, object), live, object);
  const conflicts = listConflicts(managers, conflictsOf(managers, changes, id));
  return { object, managers, id, changes, conflicts };
}

/** An object that nobody was recorded for belongs to `before-first-apply`. */
function ownersBefore({ kind, now, subresource, live: stored }: ApplyRequest, live: ManagedObject): Managers {
  const managers = readManagers(stored?.metadata?.managedFields);
  if (managers.size > 0 || stored === undefined) return managers;
  const empty = emptyObject(kind);
  const changes = changesOf(kind, compareObjects(kind.type, empty, live), empty, live);
  return recordUpdate({ kind, manager: 'before-first-apply', subresource, now }, managers, changes);
}

function commit({ now }: ApplyRequest, live: ManagedObject, plan: Plan): Result {
  const managers = yieldFields(plan.managers, plan.changes, plan.id);
  const own = managers.get(plan.id);
  if (own !== undefined) {
    const set = withoutServerFields(own.set);
    // An apply that changes nothing keeps its time, and the object its version.
    const time = sameValue(live, plan.object) ? own.time : now;
    if (isEmpty(set)) managers.delete(plan.id);
    else managers.set(plan.id, { ...own, set, time });
  }
  return { object: plan.object, managers };
}

/** Takes away what this manager applied last time and not now, unless somebody else owns it. Each owner speaks of its own version. */
function prune(kind: ManagedKind, merged: ManagedObject, managers: Managers, last: Manager | undefined): ManagedObject {
  if (last === undefined || isEmpty(last.set)) return merged;
  const form = formOf(kind, last.apiVersion);
  const mine = withNamedFields(last.set, form.type);
  const before = form.convert(merged);
  let kept = form.back(removeItems(form.type, before, mine) as ManagedObject);
  // Back with what others own, or this manager still does …
  for (const [version, owned] of ownedByVersion(kind, managers)) kept = keepOwned(kind, version, merged, kept, owned);
  // … and with what went along though this manager never applied it.
  const all = withNamedFields(fieldSetOf(form.type, before), form.type);
  const left = withNamedFields(fieldSetOf(form.type, form.convert(kept)), form.type);
  return form.back(removeItems(form.type, before, intersection(difference(all, left), mine)) as ManagedObject);
}

/** Versions with the same fields count as one. */
function ownedByVersion(kind: ManagedKind, managers: Managers): ReadonlyMap<string, FieldSet> {
  const owned = new Map<string, FieldSet>();
  for (const { apiVersion, set } of managers.values()) {
    const version = kind.others?.has(apiVersion) === true ? apiVersion : kind.apiVersion;
    owned.set(version, union(owned.get(version) ?? emptySet, set));
  }
  return owned;
}

function keepOwned(
  kind: ManagedKind,
  version: string,
  merged: ManagedObject,
  kept: ManagedObject,
  owned: FieldSet,
): ManagedObject {
  const { type, convert, back } = formOf(kind, version);
  const named = (set: FieldSet): FieldSet => withNamedFields(set, type);
  const object = convert(merged);
  const stays = union(named(fieldSetOf(type, convert(kept))), named(owned));
  return back(removeItems(type, object, difference(named(fieldSetOf(type, object)), stays)) as ManagedObject);
}

function checkConfiguration(kind: ManagedKind, config: ManagedObject): void {
  const { apiVersion = '', kind: name = '', metadata } = config;
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const gvk = `${group ?? ''}/${version ?? ''}, Kind=${name}`;
  if (apiVersion !== kind.apiVersion || name !== kind.kind) {
    throw apiError(400, 'BadRequest', `invalid object type: ${gvk}`);
  }
  if (isMap(metadata) && Object.hasOwn(metadata, 'managedFields')) {
    throw apiError(400, 'BadRequest', 'metadata.managedFields must be nil');
  }
  const errors = checkValue(kind.type, config);
  if (errors.length === 0) return;
  const { namespace = '', name: objectName = '' } = metadata ?? {};
  const where = `${namespace}/${objectName}; ${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${name}`;
  throw apiError(500, '', `failed to create typed patch object (${where}): ${joinErrors(errors)}`);
}
