/**
 * An object against its structural schema, in the words of upstream: kube-openapi/pkg/validation (errors, validate) as
 * apiextensions-apiserver/pkg/apiserver/validation turns them into field errors.
 *
 *   type ─ allOf, anyOf, oneOf, not ─ text ─ number ─ list ─ enum ─ object       every check that applies runs; all errors come back
 *
 * On update what has not changed is not held against the object (ratcheting, KEP-4008); what a composition says still is.
 */
import type { FieldError } from '../field-errors.ts';
import {
  duplicateField,
  invalidField,
  notSupportedField,
  requiredField,
  tooLongField,
  tooManyField,
} from '../field-errors.ts';
import { sameJson } from '../patch/json.ts';
import { fitsFormat, goPattern } from './formats.ts';
import { childPath, isEmbedded, isObject, itemsOf, propertyOf, valuesOf } from './schema.ts';
import type { Json, Schema } from './schema.ts';

/** `old`: what was stored, undefined on create. */
export function validateAgainst(value: unknown, schema: Schema, old?: unknown, path = ''): FieldError[] {
  return check({ value, schema, path, old });
}

interface Place {
  readonly value: unknown;
  readonly schema: Schema;
  readonly path: string;
  /** undefined: there is nothing to compare with. */
  readonly old: unknown;
}

function check(place: Place): FieldError[] {
  const { value, schema, path } = place;
  const wrongType = checkType(place);
  if (value === null) return wrongType;
  return [
    ...wrongType,
    ...checkCompositions(place),
    ...(typeof value === 'string' ? checkText(value, schema, path) : []),
    ...(typeof value === 'number' ? checkNumber(value, schema, path) : []),
    ...(Array.isArray(value) ? checkList(value as unknown[], place) : []),
    ...checkEnum(place),
    ...(isObject(value) ? checkObject(value, place) : []),
  ];
}

/** A part of something: unchanged, it stays as it is. */
function checkChild(place: Place): FieldError[] {
  if (place.old !== undefined && sameJson(place.value, place.old)) return [];
  return check(place);
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function checkType({ value, schema, path }: Place): FieldError[] {
  const allowed = schema['x-kubernetes-int-or-string'] === true ? ['integer', 'string'] : [schema.type ?? ''];
  const found = typeName(value);
  if (found === 'null')
    return schema.nullable === true || allowed[0] === '' ? [] : [typeError(path, allowed.join(','), 'null')];
  if (allowed[0] === '' || allowed.includes(found)) {
    if (typeof value === 'string' && schema.format !== undefined && !fitsFormat(schema.format, value)) {
      return [typeError(path, schema.format, value)];
    }
    return [];
  }
  if (found === 'integer' && allowed.includes('number')) return [];
  return [typeError(path, allowed.join(','), found)];
}

function typeError(path: string, type: string, found: string): FieldError {
  const text = `${inBody(path)} must be of type ${type}: ${JSON.stringify(found)}`;
  return { ...invalidField(path, found, text), type: 'FieldValueTypeInvalid' };
}

function inBody(path: string): string {
  return `${path} in body`;
}

/** These have no field upstream, and say so. */
function compositionError(path: string, text: string): FieldError {
  return invalidField('<nil>', '', `${JSON.stringify(path)} ${text}`);
}

function checkCompositions(place: Place): FieldError[] {
  const { schema, path } = place;
  if (
    schema.allOf === undefined &&
    schema.anyOf === undefined &&
    schema.oneOf === undefined &&
    schema.not === undefined
  ) {
    return [];
  }
  const against = (other: Schema): FieldError[] => check({ ...place, schema: other, old: undefined });
  const errors: FieldError[] = [];
  if (schema.anyOf !== undefined && schema.anyOf.length > 0)
    errors.push(...checkAnyOf(schema.anyOf.map(against), path));
  if (schema.oneOf !== undefined && schema.oneOf.length > 0)
    errors.push(...checkOneOf(schema.oneOf.map(against), path));
  if (schema.allOf !== undefined && schema.allOf.length > 0)
    errors.push(...checkAllOf(schema.allOf.map(against), path));
  if (schema.not !== undefined && against(schema.not).length === 0) {
    errors.push(compositionError(path, 'must not validate the schema (not)'));
  }
  return errors;
}

function nearest(results: readonly (readonly FieldError[])[]): readonly FieldError[] {
  return results.reduce((best, result) => (result.length < best.length ? result : best));
}

function checkAnyOf(results: readonly (readonly FieldError[])[], path: string): readonly FieldError[] {
  if (results.some((result) => result.length === 0)) return [];
  return [compositionError(path, 'must validate at least one schema (anyOf)'), ...nearest(results)];
}

function checkOneOf(results: readonly (readonly FieldError[])[], path: string): readonly FieldError[] {
  const valid = results.filter((result) => result.length === 0).length;
  if (valid === 1) return [];
  const head = 'must validate one and only one schema (oneOf).';
  if (valid > 1) return [compositionError(path, `${head} Found ${String(valid)} valid alternatives`)];
  return [compositionError(path, `${head} Found none valid`), ...nearest(results)];
}

function checkAllOf(results: readonly (readonly FieldError[])[], path: string): readonly FieldError[] {
  const errors = results.flat();
  if (errors.length === 0) return [];
  const none = results.every((result) => result.length > 0) ? '. None validated' : '';
  return [compositionError(path, `must validate all the schemas (allOf)${none}`), ...errors];
}

function checkText(value: string, schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const length = schema.maxLength === undefined && schema.minLength === undefined ? 0 : [...value].length;
  if (schema.maxLength !== undefined && length > schema.maxLength) errors.push(tooLongField(path, schema.maxLength));
  if (schema.minLength !== undefined && length < schema.minLength) {
    errors.push(invalidField(path, value, `${inBody(path)} should be at least ${String(schema.minLength)} chars long`));
  }
  if ((schema.pattern ?? '') !== '' && !goPattern(schema.pattern ?? '').test(value)) {
    errors.push(invalidField(path, value, `${inBody(path)} should match '${schema.pattern ?? ''}'`));
  }
  return errors;
}

function checkNumber(value: number, schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const refuse = (why: string): number => errors.push(invalidField(path, value, `${inBody(path)} should be ${why}`));
  const { maximum, minimum, multipleOf } = schema;
  if (multipleOf !== undefined && multipleOf > 0 && !Number.isInteger(value / multipleOf)) {
    refuse(`a multiple of ${String(multipleOf)}`);
  }
  if (maximum !== undefined) {
    if (schema.exclusiveMaximum === true) {
      if (value >= maximum) refuse(`less than ${String(maximum)}`);
    } else if (value > maximum) refuse(`less than or equal to ${String(maximum)}`);
  }
  if (minimum !== undefined) {
    if (schema.exclusiveMinimum === true) {
      if (value <= minimum) refuse(`greater than ${String(minimum)}`);
    } else if (value < minimum) refuse(`greater than or equal to ${String(minimum)}`);
  }
  return errors;
}

function checkEnum({ value, schema, path }: Place): FieldError[] {
  const allowed = schema.enum;
  if (allowed === undefined || allowed.length === 0 || allowed.some((one) => sameJson(one, value))) return [];
  return [
    notSupportedField(
      path,
      value,
      allowed.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))),
    ),
  ];
}

function checkList(list: readonly unknown[], { schema, path, old }: Place): FieldError[] {
  const errors: FieldError[] = [];
  const { minItems, maxItems } = schema;
  if (minItems !== undefined && list.length < minItems) {
    errors.push(invalidField(path, list, `${inBody(path)} should have at least ${String(minItems)} items`));
  }
  if (maxItems !== undefined && list.length > maxItems) errors.push(tooManyField(path, list.length, maxItems));
  const items = itemsOf(schema);
  if (items === undefined) return errors;
  const before = oldItems(schema, old);
  for (const [index, value] of list.entries()) {
    errors.push(...checkChild({ value, schema: items, path: childPath(path, index), old: before(value) }));
  }
  return [...errors, ...checkUnique(list, schema, items, path)];
}

/** Only the items of maps can be told to be the same ones. */
function oldItems(schema: Schema, old: unknown): (item: unknown) => unknown {
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return () => undefined;
  const known = new Map(old.map((item: unknown) => [keyOfItem(item, schema, itemsOf(schema)), item]));
  return (item) => known.get(keyOfItem(item, schema, itemsOf(schema)));
}

/** Upstream: pkg/apiserver/schema/listtype/validation.go. */
function checkUnique(list: readonly unknown[], schema: Schema, items: Schema, path: string): FieldError[] {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return [];
  const seen = new Set<string>();
  return list.flatMap((item, index) => {
    const key = type === 'set' ? canonical(item) : keyOfItem(item, schema, items);
    const first = !seen.has(key);
    seen.add(key);
    if (first) return [];
    return [duplicateField(childPath(path, index), type === 'set' ? item : (JSON.parse(key) as unknown))];
  });
}

function keyOfItem(item: unknown, schema: Schema, items: Schema | undefined): string {
  const key: Json = {};
  for (const name of schema['x-kubernetes-list-map-keys'] ?? []) {
    const value = isObject(item) && Object.hasOwn(item, name) ? item[name] : items?.properties?.[name]?.default;
    if (value !== undefined) key[name] = value;
  }
  return canonical(key);
}

/** Equal values have equal texts, whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    isObject(one) ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))) : one,
  );
}

function checkObject(object: Json, { schema, path, old }: Place): FieldError[] {
  const errors: FieldError[] = [];
  const size = Object.keys(object).length;
  if (schema.minProperties !== undefined && size < schema.minProperties) {
    const least = String(schema.minProperties);
    errors.push(invalidField(path, schema.minProperties, `${inBody(path)} should have at least ${least} properties`));
  }
  if (schema.maxProperties !== undefined && size > schema.maxProperties) {
    errors.push(tooManyField(path, size, schema.maxProperties));
  }
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(object, name)) errors.push(requiredField(childPath(path, name)));
  }
  if (isEmbedded(schema)) errors.push(...checkEmbedded(object, path));
  const before = isObject(old) ? old : {};
  const values = valuesOf(schema);
  for (const [key, value] of Object.entries(object)) {
    const property = propertyOf(schema, key) ?? values;
    if (property === undefined) continue;
    const was = Object.hasOwn(before, key) ? before[key] : undefined;
    errors.push(...checkChild({ value, schema: property, path: childPath(path, key), old: was }));
  }
  return errors;
}

/** Upstream: pkg/apiserver/schema/objectmeta/validation.go. */
function checkEmbedded(object: Json, path: string): FieldError[] {
  return ['apiVersion', 'kind'].flatMap((field) =>
    object[field] === undefined || object[field] === ''
      ? [requiredField(childPath(path, field), 'must not be empty')]
      : [],
  );
}
