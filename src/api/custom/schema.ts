/**
 * Structural schemas as they stand in a CustomResourceDefinition: JSONSchemaProps with its unions resolved. The wire form is the
 * only form there is; nothing is compiled, so listType and mapKeys can be read by whoever merges.
 * Upstream: apiextensions-apiserver/pkg/apiserver/schema/structural.go.
 */
import type { JSONSchemaProps } from '../gen/types.ts';

export type Schema = Readonly<JSONSchemaProps>;
export type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function itemsOf(schema: Schema): Schema | undefined {
  return isObject(schema.items) ? schema.items : undefined;
}

/** Of a map: what its values are. `true` is undefined here, see `allowsAny`. */
export function valuesOf(schema: Schema): Schema | undefined {
  return isObject(schema.additionalProperties) ? schema.additionalProperties : undefined;
}

export function allowsAny(schema: Schema): boolean {
  return schema.additionalProperties === true;
}

/** Own properties only: a field may be called `constructor`. */
export function propertyOf(schema: Schema, key: string): Schema | undefined {
  const { properties } = schema;
  return properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
}

export function preservesUnknown(schema: Schema): boolean {
  return schema['x-kubernetes-preserve-unknown-fields'] === true;
}

export function isEmbedded(schema: Schema): boolean {
  return schema['x-kubernetes-embedded-resource'] === true;
}

/** `spec.list[0].name` */
export function childPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${String(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}

export function copyJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyJson) as T;
  const copy: Json = {};
  for (const key of Object.keys(value)) copy[key] = copyJson((value as Json)[key]);
  return copy as T;
}
