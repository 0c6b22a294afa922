/**
 * A pod against a level at a version: the checks that hold there, in upstream's order, and their words.
 *
 *   evaluate({ level: 'restricted', version: 'v1.24' }, pod) ─> violations
 *   detailText(violations)   host namespaces (hostNetwork=true), privileged (container "c" must not …)
 *   reasonText(violations)   host namespaces, privileged
 *
 * Upstream: k8s.io/pod-security-admission/policy/registry.go, checks.go.
 */
import { checks } from './checks/index.ts';
import type { Check, PodLike, Violation } from './checks/index.ts';
import { minorOf } from './policy.ts';
import type { LevelVersion } from './policy.ts';

export function evaluate({ level, version }: LevelVersion, pod: PodLike): Violation[] {
  if (level === 'privileged') return [];
  const minor = Math.min(minorOf(version), newest);
  const checksHere = inForce.getOrInsertComputed(`${level} ${minor}`, () => checksOf(level, minor));
  return checksHere.flatMap((check) => check(pod) ?? []);
}

export function reasonText(violations: readonly Violation[]): string {
  return violations.map(({ reason }) => reason).join(', ');
}

export function detailText(violations: readonly Violation[]): string {
  return violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');
}

type CheckVersion = Check['versions'][number];

/** A later version than any check knows has the checks of today. */
const newest = Math.max(...checks.flatMap(({ versions }) => versions.map(({ since }) => since)));
const inForce = new Map<string, readonly CheckVersion['check'][]>();

function checksOf(level: 'baseline' | 'restricted', minor: number): readonly CheckVersion['check'][] {
  const found = new Map<string, CheckVersion>();
  for (const check of inOrder) {
    const version = level === 'baseline' && check.level === 'restricted' ? undefined : versionAt(check, minor);
    if (version !== undefined) found.set(check.id, version);
  }
  for (const { overrides } of [...found.values()]) if (overrides !== undefined) found.delete(overrides);
  return [...found.values()].map(({ check }) => check);
}

function versionAt({ versions }: Check, minor: number): CheckVersion | undefined {
  return versions.findLast(({ since }) => since <= minor);
}

/** Those of baseline first, then by name. */
const inOrder = checks.toSorted((a, b) => {
  if (a.level !== b.level) return a.level === 'baseline' ? -1 : 1;
  return a.id < b.id ? -1 : 1;
});
