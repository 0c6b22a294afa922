/**
 * Defaulting from the schema, in place. A null where the schema allows none counts as missing: it takes the default, or goes.
 * Upstream: apiextensions-apiserver/pkg/apiserver/schema/defaulting (algorithm.go, prunenulls.go).
 */
import { copyJson, isObject, itemsOf, propertyOf, valuesOf } from './schema.ts';
import type { Json, Schema } from './schema.ts';

export function applySchemaDefaults(value: unknown, schema: Schema | undefined): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) defaultList(value, schema);
  else if (isObject(value)) defaultObject(value, schema);
}

function defaultObject(object: Json, schema: Schema): void {
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (property.default === undefined) continue;
    if (!Object.hasOwn(object, key) || isBadNull(object[key], property)) object[key] = copyJson(property.default);
  }
  const values = valuesOf(schema);
  for (const key of Object.keys(object)) {
    const property = propertyOf(schema, key) ?? values;
    if (property === undefined) continue;
    if (isBadNull(object[key], property)) {
      if (property.default === undefined) {
        Reflect.deleteProperty(object, key);
        continue;
      }
      object[key] = copyJson(property.default);
    }
    applySchemaDefaults(object[key], property);
  }
}

function defaultList(list: unknown[], schema: Schema): void {
  const items = itemsOf(schema);
  if (items === undefined) return;
  for (const [index, item] of list.entries()) {
    if (isBadNull(item, items) && items.default !== undefined) list[index] = copyJson(items.default);
    applySchemaDefaults(list[index], items);
  }
}

function isBadNull(value: unknown, schema: Schema): boolean {
  return value === null && schema.nullable !== true;
}
