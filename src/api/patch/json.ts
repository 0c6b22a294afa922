/** What the patches share. */
import { apiError } from '../errors.ts';

export const deepest = 1000;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Assigning this key would change the prototype of an object. */
export function checkKey(key: string): string {
  if (key === '__proto__')
    throw apiError(400, 'BadRequest', 'error decoding patch: field name "__proto__" is not allowed');
  return key;
}

export function checkDepth(depth: number): void {
  if (depth > deepest) throw apiError(400, 'BadRequest', 'error decoding patch: exceeded max depth');
}

/** Equality of JSON values; the order of keys does not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  );
}
