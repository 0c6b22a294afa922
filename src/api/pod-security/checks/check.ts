/**
 * One check of Pod Security, and the words that checks share.
 *
 *   privileged (container "c" must not set securityContext.privileged=true)
 *   └ reason ┘  └─────────────────────── detail ──────────────────────────┘
 *
 * Upstream: k8s.io/pod-security-admission/policy (checks.go, helpers.go, visitor.go).
 */
import type { Container, PodSpec } from '../../gen/types.ts';

/** A pod, or the template of one. */
export interface PodLike {
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
}

export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

export type PodCheck = (pod: PodLike) => Violation | undefined;

export interface Check {
  readonly id: string;
  /** What baseline forbids, restricted forbids too. */
  readonly level: 'baseline' | 'restricted';
  /** From the oldest: each holds until the next one. */
  readonly versions: readonly CheckVersion[];
}

export interface CheckVersion {
  /** The N of 1.N. */
  readonly since: number;
  readonly check: PodCheck;
  /** A check of baseline that this one says more of. */
  readonly overrides?: string;
}

/** In upstream's order, which messages follow. Ephemeral containers have all that is looked at. */
export function containersOf({ initContainers = [], containers = [], ephemeralContainers = [] }: PodSpec): Container[] {
  return [...initContainers, ...containers, ...(ephemeralContainers as Container[])];
}

/** Names of the containers that are so. */
export function containersThat(spec: PodSpec, are: (container: Container) => boolean): string[] {
  return containersOf(spec)
    .filter(are)
    .map(({ name }) => name);
}

/** `container "a"`, `containers "a", "b"` */
export function named(what: string, names: readonly string[]): string {
  return `${plural(what, names)} ${quoted(names)}`;
}

export function plural(what: string, of: { readonly length: number }): string {
  return of.length === 1 ? what : `${what}s`;
}

export function quoted(names: readonly string[]): string {
  return names.length === 0 ? '' : `"${names.join('", "')}"`;
}

export function sorted(values: Iterable<string>): string[] {
  return [...new Set(values)].sort();
}

/** Who set it: `pod and container "c"`; '' when nobody did. */
export function setters(pod: boolean, containers: readonly string[]): string {
  const all = pod ? ['pod'] : [];
  if (containers.length > 0) all.push(named('container', containers));
  return all.join(' and ');
}

/** Validation of the pod refuses these fields for Windows, so there is nothing to ask for. */
export function unlessWindows(check: PodCheck): PodCheck {
  return (pod) => (pod.spec.os?.name === 'windows' ? undefined : check(pod));
}

/** Root in a user namespace is nobody outside. KEP-127. */
export function unlessUserNamespace(check: PodCheck): PodCheck {
  return (pod) => (pod.spec.hostUsers === false ? undefined : check(pod));
}
