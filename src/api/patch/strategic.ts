/**
 * Strategic merge patch: a merge patch that knows which lists are really maps (src/api/merge-keys.ts), so that
 * `containers: [{name: web, image: new}]` changes one container.
 *
 *   {"$patch": "replace" | "delete" | "merge"}     in a map, or as an element of a merged list
 *   "$retainKeys": [...]                           drop all other keys of the map
 *   "$setElementOrder/ports": [...]                order of a merged list
 *   "$deleteFromPrimitiveList/finalizers": [...]   take values out of a set
 *
 * Upstream: apimachinery pkg/util/strategicpatch/patch.go.
 */
import type { FieldSchema } from '../schema.ts';
import { apiError } from '../errors.ts';
import { mergeKey, patchStrategy } from '../merge-keys.ts';
import { schemaField } from '../schema.ts';
import { checkDepth, checkKey, isObject } from './json.ts';
import { mergeMaps, mergeSets, orderElements } from './lists.ts';

type JsonMap = Record<string, unknown>;

const patchKey = '$patch';
const retainKey = '$retainKeys';
const orderPrefix = '$setElementOrder/';
const deletePrefix = '$deleteFromPrimitiveList/';

/** `type`: of the object, `Resource.schema`. A type that is not known merges as RFC 7386. */
export function applyStrategicMergePatch(type: string, object: unknown, patch: unknown): unknown {
  if (!isObject(patch))
    throw apiError(400, 'BadRequest', 'error decoding patch: a strategic merge patch must be an object');
  return mergeMap(type, isObject(object) ? object : {}, patch, 0);
}

function mergeMap(type: string | undefined, original: JsonMap, patch: JsonMap, depth: number): JsonMap {
  checkDepth(depth);
  const directive = patch[patchKey];
  if (directive === 'replace') return clean(without(patch, patchKey), depth) as JsonMap;
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') {
    throw badPatch(`unknown patch type ${JSON.stringify(directive)}, use replace, delete or merge`);
  }
  const out = retain({ ...original }, patch);
  for (const [key, value] of Object.entries(patch)) {
    checkKey(key);
    if (key === patchKey || key === retainKey || key.startsWith(orderPrefix)) continue;
    if (key.startsWith(deletePrefix)) {
      deleteFromSet(out, key.slice(deletePrefix.length), value);
    } else if (value === null) {
      delete out[key];
    } else {
      out[key] = mergeField(type, key, Object.hasOwn(out, key) ? out[key] : undefined, value, depth);
    }
  }
  for (const key of Object.keys(patch)) {
    if (key.startsWith(orderPrefix)) setOrder(type, out, original, patch, key);
  }
  return out;
}

function mergeField(type: string | undefined, key: string, original: unknown, value: unknown, depth: number): unknown {
  const schema = type === undefined ? undefined : schemaField(type, key);
  if (isObject(value)) {
    if (patchStrategy(type, key) === 'replace') return clean(value, depth);
    // Nothing there to merge with: the directives must not stay in the result.
    return isObject(original) ? mergeMap(schema?.ref, original, value, depth + 1) : clean(value, depth);
  }
  const by = mergeKey(type, key);
  if (!Array.isArray(value) || by === undefined) return clean(value, depth);
  const list: unknown[] = value;
  const before: unknown[] = Array.isArray(original) ? original : [];
  if (by === '') return mergeSets(before, list);
  return mergeElements(schema, before, list, by, depth);
}

function mergeElements(
  schema: FieldSchema | undefined,
  original: readonly unknown[],
  patch: readonly unknown[],
  by: string,
  depth: number,
): readonly unknown[] {
  const elements = patch.map((element) => {
    if (isObject(element)) return element;
    throw badPatch(`list elements must be objects with the merge key ${JSON.stringify(by)}`);
  });
  const plain = elements.filter((element) => element[patchKey] === undefined);
  if (elements.some((element) => element[patchKey] === 'replace')) return clean(plain, depth) as unknown[];
  const removed = new Set<unknown>();
  for (const element of elements) {
    if (element[patchKey] === 'delete') removed.add(keyOf(element, by));
    else if (element[patchKey] !== undefined) throw badPatch('merging lists cannot yet be specified in the patch');
  }
  for (const element of plain) keyOf(element, by);
  const kept = original.filter((element) => !isObject(element) || !removed.has(element[by]));
  return mergeMaps(kept, plain, by, (before, element) =>
    before === undefined ? clean(element, depth) : mergeMap(schema?.items?.ref, before, element, depth + 1),
  );
}

/** `$retainKeys`: what the client knows of; keys of other clients' unions go. */
function retain(out: JsonMap, patch: JsonMap): JsonMap {
  const keep = patch[retainKey];
  if (keep === undefined) return out;
  if (!Array.isArray(keep)) throw badPatch('$retainKeys must be a list of field names');
  const names = new Set<unknown>(keep);
  for (const key of Object.keys(patch)) {
    if (!key.startsWith('$') && patch[key] !== null && !names.has(key)) {
      throw badPatch(`the field ${JSON.stringify(key)} is patched but not in $retainKeys`);
    }
  }
  for (const key of Object.keys(out)) if (!names.has(key)) delete out[key];
  return out;
}

function deleteFromSet(out: JsonMap, field: string, values: unknown): void {
  if (!Array.isArray(values)) throw badPatch(`${deletePrefix}${field} must be a list`);
  const gone = new Set<unknown>(values);
  const list = Object.hasOwn(out, checkKey(field)) ? out[field] : undefined;
  if (Array.isArray(list)) out[field] = list.filter((value) => !gone.has(value));
}

function setOrder(type: string | undefined, out: JsonMap, original: JsonMap, patch: JsonMap, key: string): void {
  const field = checkKey(key.slice(orderPrefix.length));
  const order = patch[key];
  const list = Object.hasOwn(out, field) ? out[field] : undefined;
  if (!Array.isArray(order)) throw badPatch(`${key} must be a list`);
  if (!Array.isArray(list)) return;
  const by = mergeKey(type, field) ?? '';
  const identity = (element: unknown): unknown => (isObject(element) ? element[by] : element);
  const patched = Array.isArray(patch[field]) ? (patch[field] as unknown[]) : [];
  const known = new Set((order as unknown[]).map(identity));
  for (const element of patched) {
    const special = isObject(element) && element[patchKey] !== undefined;
    if (!special && !known.has(identity(element))) {
      throw badPatch(
        `the order in patch list: ${JSON.stringify(patched)} doesn't match $setElementOrder list: ${JSON.stringify(order)}`,
      );
    }
  }
  const server = Array.isArray(original[field]) ? (original[field] as unknown[]) : [];
  out[field] = orderElements(list, order, server, identity);
}

/** A value that is new as a whole: its nulls and directives have done their work. */
function clean(value: unknown, depth: number): unknown {
  checkDepth(depth);
  if (Array.isArray(value)) {
    return value
      .filter((item) => !isObject(item) || item[patchKey] === undefined || item[patchKey] === 'merge')
      .map((item) => clean(item, depth + 1));
  }
  if (!isObject(value)) return value;
  const out: JsonMap = {};
  for (const [key, item] of Object.entries(value)) {
    if (item === null || key === patchKey || key === retainKey) continue;
    if (key.startsWith(orderPrefix) || key.startsWith(deletePrefix)) continue;
    out[checkKey(key)] = clean(item, depth + 1);
  }
  return out;
}

function keyOf(element: JsonMap, by: string): unknown {
  const value = element[by];
  if (value === undefined || value === null) {
    throw badPatch(`map: ${JSON.stringify(element)} does not contain declared merge key: ${by}`);
  }
  return value;
}

function without(map: JsonMap, key: string): JsonMap {
  const { [key]: _, ...rest } = map;
  return rest;
}

function badPatch(why: string): Error {
  return apiError(400, 'BadRequest', why);
}
