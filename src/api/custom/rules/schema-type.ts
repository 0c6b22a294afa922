/**
 * What a schema is to CEL: a type that also knows how large a value may be. Upstream: apiserver/pkg/cel/common/schemas.go.
 * undefined where CEL cannot look: what has no schema.
 */
import { listOf, mapOf, types } from '../../cel/index.ts';
import type { Type } from '../../cel/index.ts';
import { isEmbedded, isObject, itemsOf, valuesOf } from '../schema.ts';
import type { Schema } from '../schema.ts';
import { escapeField } from './escape.ts';

/** The largest request; what bounds all that no schema bounds. */
export const mostBytes = 3 * 1024 * 1024;

const names: Schema = { type: 'string' };

/** At the root of an object, apiVersion, kind and the names are always there. */
export function withObjectMeta(schema: Schema): Schema {
  const metadata: Schema = { type: 'object', properties: { name: names, generateName: names } };
  return { ...schema, properties: { ...schema.properties, kind: names, apiVersion: names, metadata } };
}

export function schemaType(schema: Schema, root: boolean): Type | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return {
      ...types.dyn,
      least: 1,
      most: schema.maxLength === undefined ? mostBytes - 2 : 4 * bound(schema.maxLength),
    };
  }
  const whole = root ? withObjectMeta(schema) : schema;
  switch (whole.type) {
    case 'array':
      return arrayType(whole);
    case 'object':
      return isObject(whole.additionalProperties) ? mapType(whole) : objectType(whole);
    case 'string':
      return stringType(whole);
    case 'boolean':
      return { ...types.bool, least: 4 };
    case 'number':
      return { ...types.double, least: 1 };
    case 'integer':
      return { ...types.int, least: 1 };
    default:
      return undefined;
  }
}

function bound(value: number): number {
  return Math.max(0, value);
}

function arrayType(schema: Schema): Type | undefined {
  const items = itemsOf(schema);
  const element = items === undefined ? undefined : schemaType(items, isEmbedded(items));
  if (element === undefined) return undefined;
  const fits = Math.floor((mostBytes - 2) / ((element.least ?? 0) + 1));
  return { ...listOf(element, schema.maxItems === undefined ? fits : bound(schema.maxItems)), least: 2 };
}

function mapType(schema: Schema): Type | undefined {
  const values = valuesOf(schema);
  const value = values === undefined ? undefined : schemaType(values, isEmbedded(values));
  if (value === undefined) return undefined;
  const fits = Math.floor((mostBytes - 2) / ((value.least ?? 0) + 6));
  const most = schema.maxProperties === undefined ? fits : bound(schema.maxProperties);
  // Upstream's key has no bound of its own, which its estimates take for none to walk.
  return { ...mapOf(types.string, value, most), least: 2 };
}

function objectType(schema: Schema): Type {
  const fields = new Map<string, Type>();
  const required = new Set(schema.required);
  let least = 2;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const type = schemaType(property, isEmbedded(property));
    if (type === undefined) continue;
    const escaped = escapeField(name);
    if (escaped !== undefined) fields.set(escaped, type);
    if (required.has(name) && property.default === undefined) least += name.length + (type.least ?? 0) + 4;
  }
  return { kind: 'object', name: 'object', params: [], fields, least };
}

function stringType(schema: Schema): Type {
  const { format, maxLength } = schema;
  switch (format) {
    case 'byte':
      return { ...types.bytes, least: 2, most: maxLength === undefined ? mostBytes - 2 : bound(maxLength) };
    case 'duration':
      return { ...types.duration, least: 3, most: 32 };
    case 'date':
      return { ...types.timestamp, least: 12, most: 12 };
    case 'date-time':
      return { ...types.timestamp, least: 21, most: 32 };
    default:
      break;
  }
  if (maxLength !== undefined) return { ...types.string, least: 2, most: 4 * bound(maxLength) };
  const choices = (schema.enum ?? []) as readonly unknown[];
  if (choices.length === 0) return { ...types.string, least: 2, most: mostBytes - 2 };
  const lengths = choices.map((choice) => (typeof choice === 'string' ? Buffer.byteLength(choice) : 0));
  return { ...types.string, least: 2, most: Math.max(...lengths) };
}
