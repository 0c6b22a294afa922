/** Conflicts of an apply, in upstream's words: apimachinery pkg/util/managedfields/internal/conflict.go. */
import type { ApiError } from '../errors.ts';
import { apiError } from '../errors.ts';
import { compareText } from './element.ts';
import type { FieldSet } from './field-set.ts';
import { hasPath, pathText, pathsOf } from './field-set.ts';
import type { Manager, Managers } from './managers.ts';

export interface Conflict {
  /** Identity of the manager. */
  readonly id: string;
  readonly manager: Manager;
  readonly path: readonly string[];
}

export function listConflicts(managers: Managers, sets: ReadonlyMap<string, FieldSet>): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  for (const [id, set] of [...sets].sort(([a], [b]) => compareText(a, b))) {
    const manager = managers.get(id);
    if (manager === undefined) continue;
    for (const path of pathsOf(set)) conflicts.push({ id, manager, path });
  }
  return conflicts;
}

export function outside(conflicts: readonly Conflict[], allowed: FieldSet): readonly Conflict[] {
  return conflicts.filter(({ path }) => !hasPath(allowed, path));
}

/** 409 with a cause per field. */
export function conflictError(conflicts: readonly Conflict[]): ApiError {
  const causes = conflicts.map(({ manager, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${managerText(manager)}`,
    field: pathText(path),
  }));
  return apiError(409, 'Conflict', conflictMessage(conflicts), { causes });
}

function conflictMessage(conflicts: readonly Conflict[]): string {
  const [first] = conflicts;
  if (first !== undefined && conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${managerText(first.manager)}: ${pathText(first.path)}`;
  }
  const lines = [...Map.groupBy(conflicts, ({ id }) => id).values()].flatMap((group) => [
    ...group.slice(0, 1).map(({ manager }) => `conflicts with ${managerText(manager)}:`),
    ...group.map(({ path }) => `- ${pathText(path)}`),
  ]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
}

function managerText({ manager, operation, apiVersion, subresource }: Manager): string {
  const name = JSON.stringify(manager) + (subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}
