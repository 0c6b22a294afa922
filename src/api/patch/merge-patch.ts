/** JSON merge patch, RFC 7386: maps are merged, null deletes, everything else (lists too) is replaced. */
import { apiError } from '../errors.ts';
import { checkDepth, checkKey, isObject } from './json.ts';

/** The result shares with both arguments what did not change. */
export function applyMergePatch(object: unknown, patch: unknown): unknown {
  if (!isObject(patch)) throw apiError(400, 'BadRequest', 'error decoding patch: a merge patch must be an object');
  return merge(object, patch, 0);
}

function merge(target: unknown, patch: unknown, depth: number): unknown {
  checkDepth(depth);
  if (!isObject(patch)) return patch;
  const out: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    checkKey(key);
    if (value === null) delete out[key];
    else out[key] = merge(Object.hasOwn(out, key) ? out[key] : undefined, value, depth + 1);
  }
  return out;
}
