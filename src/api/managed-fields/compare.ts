/**
 * What one object has that the other has not.
 *
 *   compareObjects(type, before, after) ──> { changed: added or modified paths, removed: paths that are gone }
 *
 * Nothing (`undefined`) and null differ: a struct that is new owns itself (".") besides its fields, one that was there does not.
 * Where Go has an empty struct and JSON has nothing, both sides count as `{}` (MapField.zero).
 * Upstream: structured-merge-diff typed/compare.go.
 */
import { fieldElement, itemElement } from './element.ts';
import type { FieldSet, MutableSet } from './field-set.ts';
import { emptySet, leaf, nodeOf, union, childrenOf, isMember } from './field-set.ts';
import { isEmptyMap, isMap, sameValue } from './json.ts';
import type { JsonMap } from './json.ts';
import type { ListType, MapField, MapType, MergeType, Shape } from './merge-type.ts';
import { deducedValue, shapeOfValue, shapeToWalk } from './merge-type.ts';

export interface Comparison {
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

/** Of one node, its own membership included; both undefined: no difference. */
interface Difference {
  changed: FieldSet | undefined;
  removed: FieldSet | undefined;
}

export function compareObjects(type: MergeType, before: unknown, after: unknown): Comparison {
  const { changed, removed } = compare(type, before, after);
  return { changed: changed ?? emptySet, removed: removed ?? emptySet };
}

function compare(type: MergeType, before: unknown, after: unknown): Difference {
  if (before === undefined && after !== undefined) return { changed: added(type, after), removed: undefined };
  const left = shapeOfValue(type, before);
  const right = shapeOfValue(type, after);
  if (after === undefined) return compareAs(type, shapeToWalk(type, left), before, after);
  const now = compareAs(type, shapeToWalk(type, right), before, after);
  if (left === right) return now;
  return both(compareAs(type, shapeToWalk(type, left), before, after), now);
}

function compareAs(type: MergeType, shape: Shape, before: unknown, after: unknown): Difference {
  if (shape === 'map' && type.map !== undefined) {
    const [left, right] = [mapOrNothing(before), mapOrNothing(after)];
    const small = (left === undefined || isEmptyMap(left)) && (right === undefined || isEmptyMap(right));
    if (!type.map.atomic && !small) return whole(after, compareMaps(type.map, left, right));
  } else if (shape === 'list' && type.list !== undefined) {
    const [left, right] = [listOrNothing(before), listOrNothing(after)];
    if (!type.list.atomic && left.length + right.length > 0) {
      return whole(after, compareLists(type.list, left, right));
    }
  }
  return compareLeaf(before, after);
}

function compareLeaf(before: unknown, after: unknown): Difference {
  if (after === undefined) return { changed: undefined, removed: before === undefined ? undefined : leaf };
  return { changed: sameValue(before, after) ? undefined : leaf, removed: undefined };
}

/** Children found: the node itself is removed too where nothing is left. */
function whole(after: unknown, children: { changed: FieldSet; removed: FieldSet }): Difference {
  return { changed: nodeOf(false, children.changed), removed: nodeOf(after === undefined, children.removed) };
}

/** The node of a value that was not there: itself and all that is in it. Most of every create is this. */
function added(type: MergeType, value: unknown): FieldSet {
  const shape = shapeToWalk(type, shapeOfValue(type, value));
  if (shape === 'map' && type.map?.atomic === false && isMap(value) && !isEmptyMap(value)) {
    return addedMap(type.map, value);
  }
  if (shape === 'list' && type.list?.atomic === false && Array.isArray(value) && value.length > 0) {
    const node: MutableSet = { '.': leaf };
    // Elements of the same identity are owned as one.
    for (const item of value as readonly unknown[]) {
      const element = itemElement(type.list, item);
      node[element] = node[element] === undefined && item !== undefined ? added(type.list.element, item) : leaf;
    }
    return node;
  }
  return leaf;
}

function addedMap(map: MapType, value: JsonMap): FieldSet {
  const node: MutableSet = { '.': leaf };
  for (const key in value) {
    if (value[key] === undefined) continue;
    const field = map.fields.get(key);
    node[field?.step ?? fieldElement(key)] = added(field?.type ?? map.element ?? deducedValue, value[key]);
  }
  for (const [key, field] of map.fields) {
    if (field.zero !== undefined && value[key] === undefined) node[field.step] = leaf;
  }
  return isLeaf(node) ? leaf : node;
}

/** Nothing in it but itself. */
function isLeaf(node: FieldSet): boolean {
  for (const element in node) if (element !== '.') return false;
  return true;
}

function compareMaps(
  map: MapType,
  before: JsonMap | undefined,
  after: JsonMap | undefined,
): { changed: FieldSet; removed: FieldSet } {
  const found: FoundFields = { changed: {}, removed: {} };
  for (const key in after) {
    if (after[key] === undefined) continue;
    const field = map.fields.get(key);
    compareField(map, key, field, before === undefined ? undefined : (before[key] ?? field?.zero), after[key], found);
  }
  for (const key in before) {
    if (before[key] === undefined || after?.[key] !== undefined) continue;
    const field = map.fields.get(key);
    compareField(map, key, field, before[key], after === undefined ? undefined : field?.zero, found);
  }
  if (before === undefined || after === undefined) {
    const present = before ?? after ?? {};
    for (const [key, field] of map.fields) {
      if (field.zero === undefined || present[key] !== undefined) continue;
      if (before === undefined) compareField(map, key, field, undefined, field.zero, found);
      else compareField(map, key, field, field.zero, undefined, found);
    }
  }
  return found;
}

interface FoundFields {
  readonly changed: MutableSet;
  readonly removed: MutableSet;
}

function compareField(
  map: MapType,
  key: string,
  field: MapField | undefined,
  left: unknown,
  right: unknown,
  found: FoundFields,
): void {
  if (left === right) return;
  const { changed, removed } = compare(field?.type ?? map.element ?? deducedValue, left, right);
  if (changed === undefined && removed === undefined) return;
  const step = field?.step ?? fieldElement(key);
  if (changed !== undefined) found.changed[step] = changed;
  if (removed !== undefined) found.removed[step] = removed;
}

function compareLists(
  list: ListType,
  before: readonly unknown[],
  after: readonly unknown[],
): { changed: FieldSet; removed: FieldSet } {
  const changed: MutableSet = {};
  const removed: MutableSet = {};
  const left = group(list, before);
  const right = group(list, after);
  const elements = left.size === 0 ? right.keys() : new Set([...left.keys(), ...right.keys()]);
  for (const element of elements) {
    const found = compareItems(list.element, left.get(element) ?? [], right.get(element) ?? []);
    if (found.changed !== undefined) changed[element] = found.changed;
    if (found.removed !== undefined) removed[element] = found.removed;
  }
  return { changed, removed };
}

function group(list: ListType, items: readonly unknown[]): Map<string, unknown[]> {
  return Map.groupBy(items, (item) => itemElement(list, item));
}

/** Elements of the same identity are owned as one. */
function compareItems(type: MergeType, left: readonly unknown[], right: readonly unknown[]): Difference {
  if (left.length < 2 && right.length < 2) return compare(type, left[0], right[0]);
  if (left.length > 1 && right.length > 1) {
    return { changed: sameValue(left, right) ? undefined : leaf, removed: undefined };
  }
  if (left.length > 1) {
    const now = right.length === 0 ? nothing : compare(type, undefined, right[0]);
    return { changed: now.changed, removed: nodeOf(true, childrenOf(now.removed)) };
  }
  const past = left.length === 0 ? nothing : compare(type, left[0], undefined);
  return { changed: nodeOf(true, childrenOf(past.changed)), removed: past.removed };
}

const nothing: Difference = { changed: undefined, removed: undefined };

function both(a: Difference, b: Difference): Difference {
  return { changed: join(a.changed, b.changed), removed: join(a.removed, b.removed) };
}

function join(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return nodeOf(isMember(a) || isMember(b), union(childrenOf(a), childrenOf(b)));
}

function mapOrNothing(value: unknown): JsonMap | undefined {
  return isMap(value) ? value : undefined;
}

function listOrNothing(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
