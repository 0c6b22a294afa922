/**
 * managedFields of an object as its /scale shows them, and back: who owns the replicas there owns `.spec.replicas` here.
 * Upstream: apimachinery pkg/util/managedfields/scalehandler.go.
 */
import type { ManagedFieldsEntry } from '../gen/types.ts';
import { difference, hasPath, isEmpty, setOfPaths } from './field-set.ts';
import { identityOf, readManagers, writeManagers } from './managers.ts';
import type { Managers } from './managers.ts';

const scaleVersion = 'autoscaling/v1';
const replicasInScale = ['f:spec', 'f:replicas'];

export function managedFieldsOfScale(
  parent: readonly ManagedFieldsEntry[] | undefined,
  replicas: readonly string[],
): ManagedFieldsEntry[] | undefined {
  const out: Managers = new Map();
  for (const entry of readManagers(parent).values()) {
    if (!hasPath(entry.set, replicas)) continue;
    const seen = { ...entry, apiVersion: scaleVersion, set: setOfPaths([replicasInScale]) };
    out.set(identityOf(seen), seen);
  }
  return writeManagers(out);
}

/** `scale`: the Scale's managedFields after the write. */
export function managedFieldsOfParent(
  parent: readonly ManagedFieldsEntry[] | undefined,
  scale: readonly ManagedFieldsEntry[] | undefined,
  replicas: readonly string[],
  apiVersion: string,
): ManagedFieldsEntry[] | undefined {
  const owners = readManagers(scale);
  const out: Managers = new Map();
  for (const [id, entry] of readManagers(parent)) {
    if (!hasPath(entry.set, replicas)) {
      out.set(id, entry);
      continue;
    }
    const idInScale = identityOf({ ...entry, apiVersion: scaleVersion });
    if (owners.delete(idInScale)) {
      out.set(id, entry);
      continue;
    }
    const set = difference(entry.set, setOfPaths([replicas]));
    if (!isEmpty(set)) out.set(id, { ...entry, set });
  }
  for (const entry of owners.values()) {
    if (!hasPath(entry.set, replicasInScale)) continue;
    const owner = { ...entry, apiVersion, set: setOfPaths([replicas]) };
    out.set(identityOf(owner), owner);
  }
  return writeManagers(out);
}
