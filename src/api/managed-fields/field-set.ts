/**
 * Sets of paths, held as the JSON of FieldsV1 itself, so that nothing is parsed or rendered when a write passes by:
 *
 *   { "f:spec": { "f:ports": { ".": {}, "k:{…}": { "f:port": {} } } } }
 *
 *   A node is a member of the set when it is empty or has ".".  A node with neither member nor children does not exist.
 *   The root is no member of itself: `{}` there is the empty set.
 *
 * Sets are never changed; results share what did not change. Upstream: structured-merge-diff fieldpath/set.go, serialize.go.
 */
import { canonicalElement, compareElements, elementText } from './element.ts';
import { isEmptyMap, isMap } from './json.ts';
import type { MergeType } from './merge-type.ts';
import { fieldType } from './merge-type.ts';

export interface FieldSet {
  readonly [element: string]: FieldSet;
}
export type MutableSet = Record<string, FieldSet>;

/** The node of a member without children. */
export const leaf: FieldSet = Object.freeze({});
export const emptySet: FieldSet = leaf;

export function isEmpty(set: FieldSet): boolean {
  return isEmptyMap(set);
}

export function isMember(node: FieldSet | undefined): boolean {
  return node !== undefined && (node['.'] !== undefined || isEmptyMap(node));
}

/** The node of a path: a member or not, with these children; undefined when that is nothing. */
export function nodeOf(member: boolean, children: FieldSet | undefined): FieldSet | undefined {
  if (children === undefined || isEmptyMap(children)) return member ? leaf : undefined;
  return member ? { '.': leaf, ...children } : children;
}

/** What is below a node, as a set of its own. */
export function childrenOf(node: FieldSet | undefined): FieldSet {
  if (node === undefined) return emptySet;
  if (node['.'] === undefined) return node;
  const { '.': _self, ...children } = node;
  return children;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptyMap(a)) return b;
  if (isEmptyMap(b)) return a;
  const out: MutableSet = { ...a };
  for (const [element, right] of Object.entries(b)) {
    const left = out[element];
    if (left === undefined) out[element] = right;
    else if (left !== right)
      put(out, element, isMember(left) || isMember(right), union(childrenOf(left), childrenOf(right)));
  }
  return out;
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const out: MutableSet = {};
  for (const [element, left] of Object.entries(a)) {
    const right = b[element];
    if (right === undefined) continue;
    put(out, element, isMember(left) && isMember(right), intersection(childrenOf(left), childrenOf(right)));
  }
  return out;
}

/** Members of `b` leave, what is below them stays. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return subtract(a, b, false);
}

/** Members of `b` leave, with all that is below them. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  return subtract(a, b, true);
}

function subtract(a: FieldSet, b: FieldSet, whole: boolean): FieldSet {
  if (isEmptyMap(b)) return a;
  const out: MutableSet = {};
  for (const [element, left] of Object.entries(a)) {
    const right = b[element];
    if (right === undefined) {
      out[element] = left;
      continue;
    }
    const gone = isMember(right);
    if (gone && whole) continue;
    put(out, element, isMember(left) && !gone, subtract(childrenOf(left), childrenOf(right), whole));
  }
  return out;
}

/** Declared fields on the way to a member become members: so a struct goes and comes with its last field. */
export function withNamedFields(set: FieldSet, type: MergeType | undefined): FieldSet {
  const out: MutableSet = {};
  for (const [element, node] of Object.entries(set)) {
    const children = childrenOf(node);
    const field = element.startsWith('f:') ? element.slice(2) : undefined;
    const named = field !== undefined && type?.map?.fields.has(field) === true;
    put(out, element, isMember(node) || named, withNamedFields(children, below(type, field)));
  }
  return out;
}

function below(type: MergeType | undefined, field: string | undefined): MergeType | undefined {
  if (type === undefined) return undefined;
  if (field === undefined) return type.list?.element;
  return type.map === undefined ? undefined : fieldType(type.map, field);
}

function put(out: MutableSet, element: string, member: boolean, children: FieldSet): void {
  const node = nodeOf(member, children);
  if (node === undefined) Reflect.deleteProperty(out, element);
  else out[element] = node;
}

export function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) node = node?.[element];
  return path.length > 0 && isMember(node);
}

export function setOfPaths(paths: readonly (readonly string[])[]): FieldSet {
  return paths.map((path) => chain(path)).reduce(union, emptySet);
}

function chain(path: readonly string[]): FieldSet {
  return path.reduceRight<FieldSet>((node, element) => ({ [element]: node }), leaf);
}

/** All members, parents before children, in upstream's order. */
export function* pathsOf(set: FieldSet, prefix: readonly string[] = []): Generator<readonly string[]> {
  const elements = Object.keys(set)
    .filter((element) => element !== '.')
    .sort(compareElements);
  for (const element of elements) if (isMember(set[element])) yield [...prefix, element];
  for (const element of elements) yield* pathsOf(childrenOf(set[element]), [...prefix, element]);
}

export function pathText(path: readonly string[]): string {
  return path.map(elementText).join('');
}

/** The order in which FieldsV1 is written: "." first. */
export function ordered(set: FieldSet): FieldSet {
  if (isEmptyMap(set)) return leaf;
  const out: MutableSet = {};
  if (set['.'] !== undefined) out['.'] = leaf;
  const elements = Object.keys(set);
  // Fields alone are in the order of their texts, which sort() knows without asking.
  if (elements.every(isField)) elements.sort();
  else elements.sort(compareElements);
  for (const element of elements) if (element !== '.') out[element] = ordered(set[element] ?? leaf);
  return out;
}

/** Or the node itself, which is written first in any case. */
function isField(element: string): boolean {
  return element.startsWith('f:') || element === '.';
}

/** FieldsV1 as a client sent it. Throws SyntaxError. */
export function readSet(fields: unknown): FieldSet {
  if (fields === undefined || fields === null) return emptySet;
  if (!isMap(fields)) throw new SyntaxError('not a set of fields');
  const out: MutableSet = {};
  for (const [text, child] of Object.entries(fields)) {
    if (text === '.') continue;
    const element = canonicalElement(text);
    if (element === undefined) continue;
    if (!isMap(child)) throw new SyntaxError(`not a set of fields: ${text}`);
    const member = Object.hasOwn(child, '.') || isEmptyMap(child);
    put(out, element, member || isMember(out[element]), union(childrenOf(out[element]), readSet(child)));
  }
  return out;
}
