/**
 * The paths that an applied configuration owns: every leaf, every element of a list, every key of a map; of a struct its fields but
 * not itself. Upstream: structured-merge-diff typed/tofieldset.go.
 */
import { itemElement } from './element.ts';
import type { FieldSet, MutableSet } from './field-set.ts';
import { childrenOf, emptySet, leaf, nodeOf } from './field-set.ts';
import { isEmptyMap, isMap } from './json.ts';
import type { JsonMap } from './json.ts';
import type { ListType, MapType, MergeType } from './merge-type.ts';
import { deducedValue, fieldType, shapeOfValue, shapeToWalk } from './merge-type.ts';

export function fieldSetOf(type: MergeType, value: unknown): FieldSet {
  return childrenOf(nodeFor(type, value));
}

/** Own membership included, where the value itself says so. */
function nodeFor(type: MergeType, value: unknown): FieldSet | undefined {
  switch (shapeToWalk(type, shapeOfValue(type, value))) {
    case 'scalar':
      return leaf;
    case 'list':
      if (type.list?.atomic !== false) return leaf;
      return Array.isArray(value) ? nodeOf(false, itemsOf(type.list, value)) : undefined;
    case 'map':
      if (type.map?.atomic !== false) return leaf;
      return isMap(value) ? nodeOf(false, keysOf(type.map, value)) : undefined;
  }
}

function itemsOf(list: ListType, items: readonly unknown[]): FieldSet {
  const out: MutableSet = {};
  for (const item of items) {
    const element = itemElement(list, item);
    // Elements of the same identity are owned as one.
    out[element] = out[element] === undefined ? member(nodeFor(list.element, item)) : leaf;
  }
  return out;
}

function keysOf(map: MapType, value: JsonMap): FieldSet {
  const out: MutableSet = {};
  for (const [key, child] of Object.entries(value)) {
    if (child === undefined) continue;
    const node = nodeFor(fieldType(map, key) ?? deducedValue, child);
    const own = child === null || (isMap(child) && isEmptyMap(child)) || !map.fields.has(key);
    const kept = own ? member(node) : node;
    if (kept !== undefined) out[`f:${key}`] = kept;
  }
  return out;
}

function member(node: FieldSet | undefined): FieldSet {
  return nodeOf(true, childrenOf(node)) ?? emptySet;
}
