/**
 * Pruning: what the schema does not name goes. Works in place on a private object and tells what went, for `unknown field` warnings.
 * The root's apiVersion, kind and metadata are not the schema's (metadata is decoded as ObjectMeta).
 * Upstream: apiextensions-apiserver/pkg/apiserver/schema/pruning/algorithm.go.
 */
import {
  allowsAny,
  childPath,
  isEmbedded,
  isObject,
  itemsOf,
  preservesUnknown,
  propertyOf,
  valuesOf,
} from './schema.ts';
import type { Json, Schema } from './schema.ts';

const objectFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/** The paths that were removed. */
export function prune(object: Json, schema: Schema): readonly string[] {
  const removed: string[] = [];
  pruneObject(object, schema, '', true, removed);
  return removed;
}

function pruneValue(value: unknown, schema: Schema | undefined, path: string, removed: string[]): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    for (const [index, item] of value.entries()) pruneValue(item, items, childPath(path, index), removed);
  } else if (isObject(value)) pruneObject(value, schema, path, isEmbedded(schema), removed);
}

function pruneObject(object: Json, schema: Schema, path: string, keepMeta: boolean, removed: string[]): void {
  const values = valuesOf(schema);
  for (const key of Object.keys(object)) {
    if (keepMeta && objectFields.has(key)) continue;
    const known = propertyOf(schema, key) ?? values;
    if (known !== undefined) pruneValue(object[key], known, childPath(path, key), removed);
    else if (!allowsAny(schema) && !preservesUnknown(schema)) {
      Reflect.deleteProperty(object, key);
      removed.push(childPath(path, key));
    }
  }
}
