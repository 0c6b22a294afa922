/**
 * What a namespace asks of its pods, by labels `pod-security.kubernetes.io/…`.
 *
 *   enforce=restricted  enforce-version=v1.30  audit=…  audit-version=…  warn=…  warn-version=…
 *
 * Without labels: privileged, latest. Upstream: k8s.io/pod-security-admission/api.
 */
import type { FieldError } from '../field-errors.ts';
import { invalidField } from '../field-errors.ts';

const levels = ['privileged', 'baseline', 'restricted'] as const;
export type Level = (typeof levels)[number];

export interface LevelVersion {
  readonly level: Level;
  /** `latest`, or `v1.N`. */
  readonly version: string;
}

export type Mode = 'enforce' | 'audit' | 'warn';

export type Policy = Readonly<Record<Mode, LevelVersion>>;

type Labels = Readonly<Record<string, string>>;

const labelPrefix = 'pod-security.kubernetes.io/';

/** Whether the labels say anything of it; where not, nothing needs to be judged. */
export function asksForPodSecurity(labels: Labels | undefined): boolean {
  for (const key in labels) if (key.startsWith(labelPrefix)) return true;
  return false;
}

/**
 * A policy in any case: of a level that cannot be read, `enforce` is restricted, while audit and warn let everything pass.
 * `warn` follows `enforce` unless it is said.
 */
export function policyOf(labels: Labels = {}): { readonly policy: Policy; readonly errors: readonly FieldError[] } {
  const errors: FieldError[] = [];
  const read = (mode: Mode): LevelVersion => ({
    level: readLevel(labels, mode, errors),
    version: readVersion(labels, mode, errors),
  });
  const policy = { enforce: read('enforce'), audit: read('audit'), warn: read('warn') };
  if (labels[`${labelPrefix}warn`] !== undefined) return { policy, errors };
  const { enforce } = policy;
  const asked = labels[`${labelPrefix}enforce`];
  if (!isLevel(asked) || stricter(asked, policy.warn.level) <= 0) return { policy, errors };
  const own = labels[`${labelPrefix}warn-version`] !== undefined;
  const warn = { level: enforce.level, version: own ? policy.warn.version : enforce.version };
  return { policy: { ...policy, warn }, errors };
}

export function sameLevel(a: LevelVersion, b: LevelVersion): boolean {
  return a.level === b.level && a.version === b.version;
}

/** Above 0: `a` allows less than `b`. */
export function stricter(a: Level, b: Level): number {
  return levels.indexOf(a) - levels.indexOf(b);
}

export function textOf({ level, version }: LevelVersion): string {
  return `${level}:${version}`;
}

/** The N of `v1.N`; of `latest`, more than any. */
export function minorOf(version: string): number {
  return version === 'latest' ? Infinity : Number(version.slice('v1.'.length));
}

function readLevel(labels: Labels, mode: Mode, errors: FieldError[]): Level {
  const label = labelPrefix + mode;
  const value = labels[label];
  if (value === undefined) return 'privileged';
  if (isLevel(value)) return value;
  errors.push(invalidField(`metadata.labels[${label}]`, value, `must be one of ${levels.join(', ')}`));
  return mode === 'enforce' ? 'restricted' : 'privileged';
}

function readVersion(labels: Labels, mode: Mode, errors: FieldError[]): string {
  const label = `${labelPrefix}${mode}-version`;
  const value = labels[label];
  if (value === undefined || isVersion(value)) return value ?? 'latest';
  errors.push(invalidField(`metadata.labels[${label}]`, value, 'must be "latest" or "v1.x"'));
  return 'latest';
}

function isLevel(text: string | undefined): text is Level {
  return levels.some((level) => level === text);
}

const mostMinor = 2n ** 63n - 1n;

function isVersion(text: string): boolean {
  if (text === 'latest') return true;
  const minor = /^v1\.(0|[1-9]\d*)$/.exec(text)?.[1];
  return minor !== undefined && BigInt(minor) <= mostMinor;
}
