/**
 * Does a configuration fit its type: declared fields, scalars of the right kind, identities of list elements that come once.
 * Returns upstream's texts, each `PATH: what is wrong`. Upstream: structured-merge-diff typed/validate.go, helpers.go.
 */
import { goText } from '../go-text.ts';
import { elementText, itemElement } from './element.ts';
import { isMap } from './json.ts';
import type { JsonMap } from './json.ts';
import { MergeError } from './merge-error.ts';
import type { ListType, MapType, MergeType, ScalarKind } from './merge-type.ts';
import { fieldType, shapeOfValue, shapeToWalk } from './merge-type.ts';

export function checkValue(type: MergeType, value: unknown, path = ''): readonly string[] {
  const error = (message: string): readonly string[] => [path === '' ? message : `${path}: ${message}`];
  switch (shapeToWalk(type, shapeOfValue(type, value))) {
    case 'scalar': {
      const wrong = value === null ? undefined : wrongScalar(type.scalar ?? 'untyped', value);
      return wrong === undefined ? [] : error(wrong);
    }
    case 'list':
      if (value === null) return [];
      if (!Array.isArray(value)) return error(`expected list, got ${goValue(value)}`);
      return type.list === undefined ? [] : checkList(type.list, value, path);
    case 'map':
      if (value === null) return [];
      if (!isMap(value)) return error(`expected map, got ${goValue(value)}`);
      return type.map === undefined ? [] : checkMap(type.map, value, path);
  }
}

/** Several errors are one text, as upstream joins them. */
export function joinErrors(errors: readonly string[]): string {
  return errors.length === 1 ? (errors[0] ?? '') : ['errors:', ...errors.map((text) => `  ${text}`)].join('\n');
}

function checkList(list: ListType, value: readonly unknown[], path: string): readonly string[] {
  const errors: string[] = [];
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    let element = `i:${index}`;
    if (!list.atomic) {
      try {
        element = itemElement(list, item);
      } catch (error) {
        if (!(error instanceof MergeError)) throw error;
        return [...errors, `${path === '' ? '' : `${path}: `}element ${index}: ${error.message}`];
      }
      if (seen.has(element)) errors.push(`${path}: duplicate entries for key ${elementText(element)}`);
      seen.add(element);
    }
    errors.push(...checkValue(list.element, item, path + elementText(element)));
  }
  return errors;
}

function checkMap(map: MapType, value: JsonMap, path: string): readonly string[] {
  const errors: string[] = [];
  for (const [key, child] of Object.entries(value)) {
    const type = fieldType(map, key);
    // Upstream stops at the first field that it does not know.
    if (type === undefined) return [...errors, `${path}.${key}: field not declared in schema`];
    errors.push(...checkValue(type, child, `${path}.${key}`));
  }
  return errors;
}

function wrongScalar(kind: ScalarKind, value: unknown): string | undefined {
  switch (kind) {
    case 'numeric':
      return typeof value === 'number' ? undefined : `expected numeric (int or float), got ${goTypeName(value)}`;
    case 'string':
      return typeof value === 'string' ? undefined : `expected string, got ${goSyntax(value)}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `expected boolean, got ${goValue(value)}`;
    case 'untyped':
      return typeof value === 'object' ? `expected any scalar, got ${goValue(value)}` : undefined;
  }
}

/** %v of a value.valueUnstructured: a pointer to a struct with one member. */
function goValue(value: unknown): string {
  return `&{${goText(value)}}`;
}

/** %#v of the same. */
function goSyntax(value: unknown): string {
  return `&value.valueUnstructured{Value:${goText(value)}}`;
}

function goTypeName(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (isMap(value)) return 'map[string]interface {}';
  return typeof value === 'boolean' ? 'bool' : 'string';
}
