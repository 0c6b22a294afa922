/**
 * From client-side to server-side apply: kubectl's annotation says what it applied before there were owners, so kubectl may take
 * over these fields, and the annotation follows what it applies now (`kubectl apply` without --server-side reads it again).
 * Upstream: apimachinery pkg/util/managedfields/internal/lastappliedmanager.go, lastappliedupdater.go.
 */
import { sortedJson } from '../go-text.ts';
import { compareObjects } from './compare.ts';
import type { FieldSet } from './field-set.ts';
import { difference, emptySet } from './field-set.ts';
import { isMap } from './json.ts';
import { MergeError } from './merge-error.ts';
import { checkValue } from './check.ts';
import type { ManagedKind, ManagedObject } from './ownership.ts';
import { withoutManagedFields } from './ownership.ts';
import { fieldSetOf } from './to-field-set.ts';

const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
/** Of all annotations of an object together (validation.TotalAnnotationSizeLimitB). */
const mostAnnotationBytes = 256 * 1024;

/** Only this manager is known to keep the annotation. */
export function keepsLastApplied(manager: string): boolean {
  return manager === 'kubectl';
}

/** What was applied and still stands as it was; empty: no annotation that says so. */
export function lastAppliedFields(kind: ManagedKind, live: ManagedObject): FieldSet {
  const config = parse(live.metadata?.annotations?.[annotation] ?? '');
  if (!isMap(config) || config['apiVersion'] !== kind.apiVersion || checkValue(kind.type, config).length > 0) {
    return emptySet;
  }
  try {
    const { changed, removed } = compareObjects(kind.type, config, withoutManagedFields(live));
    return difference(difference(fieldSetOf(kind.type, config), changed), removed);
  } catch (error) {
    if (error instanceof MergeError) return emptySet;
    throw error;
  }
}

/** The object with the annotation brought up to date, where it has one. */
export function withLastApplied<T extends ManagedObject>(object: T, config: ManagedObject): T {
  const annotations = object.metadata?.annotations ?? {};
  if ((annotations[annotation] ?? '') === '') return object;
  const next: Record<string, string> = { ...annotations, [annotation]: lastAppliedText(config) };
  const size = Object.entries(next).reduce((sum, [key, value]) => sum + Buffer.byteLength(key + value), 0);
  if (size > mostAnnotationBytes) Reflect.deleteProperty(next, annotation);
  return { ...object, metadata: { ...object.metadata, annotations: next } };
}

function lastAppliedText(config: ManagedObject): string {
  const { [annotation]: _old, ...annotations } = config.metadata?.annotations ?? {};
  const had = config.metadata?.annotations !== undefined;
  const metadata = { ...config.metadata, ...(had ? { annotations } : {}) };
  return `${goJson({ ...config, metadata })}\n`;
}

/** As Go's encoder writes a map: keys in order, `<`, `>` and `&` escaped. */
function goJson(value: unknown): string {
  return sortedJson(value).replace(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
