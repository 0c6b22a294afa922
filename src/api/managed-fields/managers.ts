/**
 * metadata.managedFields as the engine holds it: who owns which paths, by an identity that leaves out what may change.
 *
 *   Update entries are told apart by manager, apiVersion and subresource; Apply entries by manager and subresource.
 *
 * Upstream: apimachinery pkg/util/managedfields/internal/managedfields.go, capmanagers.go.
 */
import type { ManagedFieldsEntry } from '../gen/types.ts';
import { compareText } from './element.ts';
import type { FieldSet } from './field-set.ts';
import { ordered, readSet, union } from './field-set.ts';
import { isEmptyMap } from './json.ts';

export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  /** RFC 3339. */
  readonly time: string | undefined;
  readonly set: FieldSet;
}

export type Managers = Map<string, Manager>;

type Identity = Pick<Manager, 'manager' | 'operation' | 'apiVersion' | 'subresource'>;

/** Sorts as upstream's does, which is the JSON of these fields. */
export function identityOf({ manager, operation, apiVersion, subresource }: Identity): string {
  return JSON.stringify({
    ...(manager === '' ? {} : { manager }),
    operation,
    ...(operation === 'Apply' ? {} : { apiVersion }),
    ...(subresource === '' ? {} : { subresource }),
  });
}

/** What the server wrote itself is read as it is. */
export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers {
  return readWith(entries, (fields) => (fields ?? {}) as FieldSet);
}

/** What a client sent; undefined: it is no managedFields, and the live ones stand. */
export function readClientManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers | undefined {
  return managedFieldsError(entries) === undefined ? readWith(entries, readSet) : undefined;
}

/** Why it is no managedFields. Upstream: ValidateManagedFields. */
export function managedFieldsError(entries: readonly ManagedFieldsEntry[] | undefined): string | undefined {
  for (const [index, { operation, apiVersion, fieldsType, fieldsV1 }] of (entries ?? []).entries()) {
    if (operation !== 'Apply' && operation !== 'Update') return 'operation must be `Apply` or `Update`';
    if ((apiVersion ?? '') === '') return 'apiVersion must not be empty';
    if ((fieldsType ?? '') === '') return `missing fieldsType in managed fields entry ${index}`;
    if (fieldsType !== 'FieldsV1') {
      return `invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${index}`;
    }
    try {
      readSet(fieldsV1);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return `error decoding set: ${error.message}`;
    }
  }
  return undefined;
}

/** A list that is there and empty, or holds one empty entry, asks to forget all owners. */
export function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (entries === undefined) return false;
  return entries.length === 0 || (entries.length === 1 && isEmptyMap(entries[0] ?? {}));
}

function readWith(entries: readonly ManagedFieldsEntry[] | undefined, read: (fields: unknown) => FieldSet): Managers {
  const managers: Managers = new Map();
  for (const entry of entries ?? []) {
    const manager: Manager = {
      manager: entry.manager ?? '',
      operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
      apiVersion: entry.apiVersion ?? '',
      subresource: entry.subresource ?? '',
      time: entry.time,
      set: read(entry.fieldsV1),
    };
    managers.set(identityOf(manager), manager);
  }
  return managers;
}

/** undefined: nobody owns anything, and the field is left out. */
export function writeManagers(managers: Managers): ManagedFieldsEntry[] | undefined {
  if (managers.size === 0) return undefined;
  return [...managers.values()].sort(compareManagers).map((entry) => writtenEntry(entry, ordered(entry.set)));
}

/** `fields`: the entry's set in order. */
export function writtenEntry(entry: Manager, fields: FieldSet): ManagedFieldsEntry {
  return {
    ...(entry.manager === '' ? {} : { manager: entry.manager }),
    operation: entry.operation,
    apiVersion: entry.apiVersion,
    ...(entry.time === undefined ? {} : { time: entry.time }),
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
    ...(entry.subresource === '' ? {} : { subresource: entry.subresource }),
  };
}

function compareManagers(a: Manager, b: Manager): number {
  return (
    compareText(a.operation, b.operation) ||
    secondsOf(a.time) - secondsOf(b.time) ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

function secondsOf(time: string | undefined): number {
  return time === undefined ? 0 : Math.trunc(Date.parse(time) / 1000);
}

const mostUpdates = 10;
const bucketName = 'ancient-changes';

/** At most ten Update entries: the oldest of one version are put together. Changes `managers`. */
export function capUpdates(managers: Managers): void {
  if (managers.size <= mostUpdates) return;
  const updates = [...managers].filter(([, { operation }]) => operation === 'Update');
  let count = updates.length;
  if (count <= mostUpdates) return;
  updates.sort(([idA, a], [idB, b]) => secondsOf(a.time) - secondsOf(b.time) || compareText(idA, idB));
  const first = new Map<string, string>();
  for (const [id, entry] of updates) {
    if (count <= mostUpdates) return;
    const { apiVersion } = entry;
    const oldest = first.get(apiVersion);
    if (oldest === undefined) {
      first.set(apiVersion, id);
      continue;
    }
    const bucket: Identity = { manager: bucketName, operation: 'Update', apiVersion, subresource: '' };
    const bucketId = identityOf(bucket);
    const before = managers.get(bucketId) ?? managers.get(oldest);
    if (!managers.has(bucketId)) managers.delete(oldest);
    managers.delete(id);
    managers.set(bucketId, { ...bucket, time: entry.time, set: union(entry.set, before?.set ?? {}) });
    count--;
  }
}
