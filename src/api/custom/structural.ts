/**
 * Is this schema structural, and fit for a CustomResourceDefinition? Upstream: apiextensions-apiserver/pkg/apiserver/schema/validation.go
 * (structure), pkg/apis/apiextensions/validation/validation.go (the dialect), pkg/apiserver/schema/defaulting/validation.go.
 */
import type { FieldError } from '../field-errors.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { sameJson } from '../patch/json.ts';
import { goPattern } from './formats.ts';
import { prune } from './prune.ts';
import { copyJson, isEmbedded, isObject, itemsOf, preservesUnknown, valuesOf } from './schema.ts';
import type { Schema } from './schema.ts';
import { validateAgainst } from './validate.ts';

type Level = 'root' | 'item' | 'field';

export function validateStructural(schema: Schema, field: string): FieldError[] {
  const errors = [...checkDialect(schema, field), ...checkStructure(schema, 'root', field)];
  return errors.length > 0 ? errors : checkDefaults(schema, field);
}

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const unsupported = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const;

function checkDialect(schema: Schema, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const key of unsupported) {
    if (schema[key] !== undefined) errors.push(forbiddenField(`${field}.${key}`, `${key} is not supported`));
  }
  if (schema.uniqueItems === true) {
    const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    errors.push(forbiddenField(`${field}.uniqueItems`, why));
  }
  if (schema.type === 'null')
    errors.push(forbiddenField(`${field}.type`, 'type cannot be set to null, use nullable as an alternative'));
  else if (schema.type !== undefined && !types.includes(schema.type)) {
    errors.push(notSupportedField(`${field}.type`, schema.type, types));
  }
  if (Array.isArray(schema.items))
    errors.push(forbiddenField(`${field}.items`, 'items must be a schema object and not an array'));
  if (
    schema.additionalProperties !== undefined &&
    Object.keys(schema.properties ?? {}).length > 0 &&
    schema.additionalProperties !== true
  ) {
    errors.push(
      forbiddenField(`${field}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'),
    );
  }
  errors.push(...checkListType(schema, field));
  for (const [path, child] of childrenOf(schema, field)) errors.push(...checkDialect(child, path));
  return errors;
}

function* childrenOf(schema: Schema, field: string): Iterable<readonly [string, Schema]> {
  for (const [key, child] of Object.entries(schema.properties ?? {})) yield [`${field}.properties[${key}]`, child];
  const items = itemsOf(schema);
  if (items !== undefined) yield [`${field}.items`, items];
  const values = valuesOf(schema);
  if (values !== undefined) yield [`${field}.additionalProperties`, values];
  for (const junctor of ['allOf', 'anyOf', 'oneOf'] as const) {
    for (const [index, child] of (schema[junctor] ?? []).entries())
      yield [`${field}.${junctor}[${String(index)}]`, child];
  }
  if (schema.not !== undefined) yield [`${field}.not`, schema.not];
}

function checkListType(schema: Schema, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (listType !== undefined) {
    if (schema.type !== 'array') {
      errors.push(
        invalidField(`${field}.type`, schema.type ?? '', 'must be array if x-kubernetes-list-type is specified'),
      );
    }
    if (!['atomic', 'set', 'map'].includes(listType)) {
      errors.push(notSupportedField(`${field}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']));
    }
  }
  const at = `${field}.x-kubernetes-list-map-keys`;
  if (listType !== 'map') {
    return keys.length === 0
      ? errors
      : [...errors, forbiddenField(at, 'must be empty if x-kubernetes-list-type is not map')];
  }
  if (keys.length === 0) errors.push(requiredField(at, 'must not be empty if x-kubernetes-list-type is map'));
  const items = itemsOf(schema);
  if (items !== undefined && items.type !== 'object') {
    errors.push(
      invalidField(
        `${field}.items.type`,
        items.type ?? '',
        "must be object if parent array's x-kubernetes-list-type is map",
      ),
    );
  }
  for (const key of keys) {
    const property = items?.properties?.[key];
    if (property === undefined) errors.push(invalidField(at, keys, 'entries must all be names of item properties'));
    else if (property.default === undefined && !(items?.required ?? []).includes(key)) {
      const why = 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
      errors.push(requiredField(`${field}.items.properties[${key}].default`, why));
    }
  }
  return errors;
}

const emptyType: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

function checkStructure(schema: Schema, level: Level, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const items = itemsOf(schema);
  const values = valuesOf(schema);
  if (schema.type === 'array' && items === undefined) errors.push(requiredField(`${field}.items`, 'must be specified'));
  if (items !== undefined) errors.push(...checkStructure(items, 'item', `${field}.items`));
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    errors.push(...checkStructure(child, 'field', `${field}.properties[${key}]`));
  }
  if (schema.additionalProperties !== undefined && level === 'root') {
    errors.push(forbiddenField(`${field}.additionalProperties`, 'must not be used at the root'));
  }
  if (values !== undefined) errors.push(...checkStructure(values, 'field', `${field}.additionalProperties`));
  errors.push(...checkExtensions(schema, field), ...checkTypeField(schema, level, field));
  errors.push(...checkJunctors(schema, field, isIntOrString(schema.anyOf), isIntOrString(schema.allOf?.[0]?.anyOf)));
  if (level === 'root' || isEmbedded(schema)) errors.push(...checkObjectFields(schema, level, field));
  return errors;
}

function checkExtensions(schema: Schema, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const why = 'must be false if x-kubernetes-int-or-string is true';
  if (schema['x-kubernetes-int-or-string'] === true) {
    if (preservesUnknown(schema)) errors.push(invalidField(`${field}.x-kubernetes-preserve-unknown-fields`, true, why));
    if (isEmbedded(schema)) errors.push(invalidField(`${field}.x-kubernetes-embedded-resource`, true, why));
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    errors.push(invalidField(`${field}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  }
  return errors;
}

function checkTypeField(schema: Schema, level: Level, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const type = schema.type ?? '';
  if (isEmbedded(schema) && type !== 'object') {
    const why = 'must be object if x-kubernetes-embedded-resource is true';
    errors.push(type === '' ? requiredField(`${field}.type`, why) : invalidField(`${field}.type`, type, why));
  } else if (type === '' && schema['x-kubernetes-int-or-string'] !== true && !preservesUnknown(schema)) {
    errors.push(requiredField(`${field}.type`, emptyType[level]));
  }
  if (isEmbedded(schema)) {
    if (schema.additionalProperties !== undefined) {
      errors.push(
        forbiddenField(`${field}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'),
      );
    }
    if (!preservesUnknown(schema) && Object.keys(schema.properties ?? {}).length === 0) {
      const why =
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
      errors.push(requiredField(`${field}.properties`, why));
    }
  }
  if (level === 'root' && type !== '' && type !== 'object') {
    errors.push(invalidField(`${field}.type`, type, 'must be object at the root'));
  }
  return errors;
}

function checkObjectFields(schema: Schema, level: Level, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ['kind', 'apiVersion']) {
    const type = schema.properties?.[name]?.type;
    if (schema.properties?.[name] !== undefined && type !== 'string') {
      errors.push(invalidField(`${field}.properties[${name}].type`, type ?? '', 'must be string'));
    }
  }
  const metadata = schema.properties?.['metadata'];
  if (metadata === undefined) return errors;
  const at = `${field}.properties[metadata]`;
  if (metadata.type !== 'object') errors.push(invalidField(`${at}.type`, metadata.type ?? '', 'must be object'));
  const { type: _type, description: _text, properties = {}, ...rest } = metadata;
  const onlyNames = Object.keys(properties).every((key) => key === 'name' || key === 'generateName');
  if (level === 'root' && (!onlyNames || Object.keys(rest).length > 0)) {
    const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
    errors.push(forbiddenField(at, why));
  }
  return errors;
}

function isIntOrString(anyOf: readonly Schema[] | undefined): boolean {
  return anyOf !== undefined && sameJson(anyOf, [{ type: 'integer' }, { type: 'string' }]);
}

function checkJunctors(schema: Schema, field: string, skipAnyOf: boolean, skipFirst: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (!skipAnyOf) {
    for (const [index, child] of (schema.anyOf ?? []).entries())
      errors.push(...checkNested(child, `${field}.anyOf[${String(index)}]`));
  }
  for (const [index, child] of (schema.allOf ?? []).entries()) {
    errors.push(...checkNested(child, `${field}.allOf[${String(index)}]`, skipFirst && index === 0));
  }
  for (const [index, child] of (schema.oneOf ?? []).entries())
    errors.push(...checkNested(child, `${field}.oneOf[${String(index)}]`));
  if (schema.not !== undefined) errors.push(...checkNested(schema.not, `${field}.not`));
  if (schema.pattern !== undefined) {
    try {
      goPattern(schema.pattern);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      errors.push(
        invalidField(`${field}.pattern`, schema.pattern, `must be a valid regular expression, but isn't: ${why}`),
      );
    }
  }
  return errors;
}

/** What a schema inside a junctor may not say, and how upstream words it. */
const nestedRules: readonly (readonly [keyof Schema, 'empty' | 'undefined' | 'false'])[] = [
  ['type', 'empty'],
  ['additionalProperties', 'undefined'],
  ['default', 'undefined'],
  ['title', 'empty'],
  ['description', 'empty'],
  ['nullable', 'false'],
  ['externalDocs', 'undefined'],
  ['x-kubernetes-preserve-unknown-fields', 'false'],
  ['x-kubernetes-embedded-resource', 'false'],
  ['x-kubernetes-int-or-string', 'false'],
  ['x-kubernetes-list-map-keys', 'empty'],
  ['x-kubernetes-list-type', 'undefined'],
  ['x-kubernetes-map-type', 'undefined'],
  ['x-kubernetes-validations', 'empty'],
];

function checkNested(schema: Schema, field: string, skipAnyOf = false): FieldError[] {
  const errors = checkJunctors(schema, field, skipAnyOf, false);
  const items = itemsOf(schema);
  if (items !== undefined) errors.push(...checkNested(items, `${field}.items`));
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    errors.push(...checkNested(child, `${field}.properties[${key}]`));
  }
  for (const [key, must] of nestedRules) {
    if (schema[key] === undefined || schema[key] === false) continue;
    errors.push(forbiddenField(`${field}.${key}`, `must be ${must} to be structural`));
  }
  if (schema.properties?.['metadata'] !== undefined) {
    errors.push(forbiddenField(`${field}.properties[metadata]`, 'must not be specified in a nested context'));
  }
  return errors;
}

/** A default must be what pruning and validation would let through. */
function checkDefaults(schema: Schema, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.default !== undefined) {
    const holder = { value: copyJson(schema.default) };
    if (prune(holder, { type: 'object', properties: { value: schema } }).length > 0) {
      errors.push(invalidField(`${field}.default`, schema.default, 'must not have unknown fields'));
    }
    errors.push(...validateAgainst(schema.default, schema, undefined, `${field}.default`));
  }
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    errors.push(...checkDefaults(child, `${field}.properties[${key}]`));
  }
  const items = itemsOf(schema);
  if (items !== undefined) errors.push(...checkDefaults(items, `${field}.items`));
  const values = valuesOf(schema);
  if (values !== undefined) errors.push(...checkDefaults(values, `${field}.additionalProperties`));
  return errors;
}

/** How many CEL rules a schema has. */
export function countRules(schema: unknown): number {
  if (Array.isArray(schema)) return schema.reduce((sum: number, item: unknown) => sum + countRules(item), 0);
  if (!isObject(schema)) return 0;
  let sum = 0;
  for (const [key, child] of Object.entries(schema)) {
    if (key === 'x-kubernetes-validations' && Array.isArray(child)) sum += child.length;
    else if (key !== 'default' && key !== 'enum' && key !== 'example') sum += countRules(child);
  }
  return sum;
}
