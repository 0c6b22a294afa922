/** What both operations share: the kind they work on, and what a change of the object means for those who own parts of it. */
import type { ObjectMeta } from '../gen/types.ts';
import { compareObjects } from './compare.ts';
import type { Comparison } from './compare.ts';
import type { FieldSet } from './field-set.ts';
import { difference, intersection, isEmpty, recursiveDifference, setOfPaths } from './field-set.ts';
import type { Manager, Managers } from './managers.ts';
import type { MergeType } from './merge-type.ts';
import { reconcileSet } from './reconcile.ts';

/** An object as the engine sees it. */
export interface ManagedObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

export interface ManagedKind {
  readonly type: MergeType;
  /** Of the request: `v1`, `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** All served apiVersions of the kind; entries of others are forgotten. */
  readonly versions: ReadonlySet<string>;
  /** By apiVersion: those that have other fields. All further `versions` are of this one's schema (conversion None). */
  readonly others?: ReadonlyMap<string, VersionForm>;
  /** What this endpoint does not write (/status of the object itself, spec of /status): nobody gets to own it here. */
  readonly reset: FieldSet;
}

/** A version with fields of its own, and how an object of the request's gets there and back. */
export interface VersionForm {
  readonly type: MergeType;
  readonly convert: <T extends ManagedObject>(object: T) => T;
  readonly back: <T extends ManagedObject>(object: T) => T;
}

export function formOf(kind: ManagedKind, apiVersion: string): VersionForm {
  const same = <T extends ManagedObject>(object: T): T => object;
  return kind.others?.get(apiVersion) ?? { type: kind.type, convert: same, back: same };
}

/** One change of an object, as each version sees it. */
export type Changes = (apiVersion: string) => Comparison;

/** `comparison`: of the two, in the request's version. */
export function changesOf(
  kind: ManagedKind,
  comparison: Comparison,
  before: ManagedObject,
  after: ManagedObject,
): Changes {
  const own = filtered(kind, comparison);
  const known = new Map<string, Comparison>();
  return (apiVersion) => {
    const form = kind.others?.get(apiVersion);
    if (form === undefined) return own;
    let seen = known.get(apiVersion);
    if (seen === undefined) {
      seen = filtered(kind, compareObjects(form.type, form.convert(before), form.convert(after)));
      known.set(apiVersion, seen);
    }
    return seen;
  };
}

/** Never owned. Upstream: internal/stripmeta.go. */
const stripped = setOfPaths([
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields'].map(
    (name) => ['f:metadata', `f:${name}`],
  ),
  ['f:metadata', 'f:resourceVersion'],
]);

export function withoutServerFields(set: FieldSet): FieldSet {
  return difference(set, stripped);
}

export function withoutReset(kind: ManagedKind, set: FieldSet): FieldSet {
  return recursiveDifference(set, kind.reset);
}

export function filtered(kind: ManagedKind, { changed, removed }: Comparison): Comparison {
  return { changed: withoutReset(kind, changed), removed: withoutReset(kind, removed) };
}

/** Before anything was there, Go's structs are. */
export function emptyObject({ apiVersion, kind }: ManagedKind): ManagedObject {
  return { apiVersion, kind, metadata: {} };
}

export function withoutManagedFields<T extends ManagedObject>(object: T): T {
  if (object.metadata?.managedFields === undefined) return object;
  return { ...object, metadata: { ...object.metadata, managedFields: undefined } };
}

/** Entries of versions that are served no more go; sets follow a schema that became atomic. */
export function reconciled(kind: ManagedKind, managers: Managers): Managers {
  const out: Managers = new Map();
  for (const [id, entry] of managers) {
    if (!kind.versions.has(entry.apiVersion)) continue;
    const set = reconcileSet(formOf(kind, entry.apiVersion).type, entry.set);
    out.set(id, set === entry.set ? entry : { ...entry, set });
  }
  return out;
}

/** What of others' fields a change touches, by identity. */
export function conflictsOf(
  managers: Managers,
  changes: Changes,
  except: string | undefined,
): ReadonlyMap<string, FieldSet> {
  const conflicts = new Map<string, FieldSet>();
  for (const [id, entry] of managers) {
    if (id === except) continue;
    const set = intersection(entry.set, changes(entry.apiVersion).changed);
    if (!isEmpty(set)) conflicts.set(id, set);
  }
  return conflicts;
}

/** Others lose what was changed or removed; who has nothing left goes. */
export function yieldFields(managers: Managers, changes: Changes, except: string | undefined): Managers {
  const out: Managers = new Map();
  for (const [id, entry] of managers) {
    const { changed, removed } = changes(entry.apiVersion);
    const set = id === except ? entry.set : difference(difference(entry.set, changed), removed);
    if (!isEmpty(set)) out.set(id, set === entry.set ? entry : ({ ...entry, set } satisfies Manager));
  }
  return out;
}
