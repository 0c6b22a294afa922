/** A value without the fields and elements of a set. A map or list that lost all it had is null. Upstream: typed/remove.go. */
import { itemElement } from './element.ts';
import type { FieldSet } from './field-set.ts';
import { childrenOf, isEmpty, isMember } from './field-set.ts';
import { isMap } from './json.ts';
import type { JsonMap } from './json.ts';
import type { MergeType } from './merge-type.ts';
import { deducedValue, fieldType, shapeOfValue, shapeToWalk } from './merge-type.ts';

export function removeItems(type: MergeType, value: unknown, set: FieldSet): unknown {
  if (isEmpty(set)) return value;
  switch (shapeToWalk(type, shapeOfValue(type, value))) {
    case 'scalar':
      return value;
    case 'list':
      return Array.isArray(value) && type.list?.atomic === false ? fromList(type, value, set) : null;
    case 'map':
      return isMap(value) && type.map?.atomic === false ? fromMap(type, value, set) : null;
  }
}

function fromList(type: MergeType, value: readonly unknown[], set: FieldSet): unknown[] | null {
  const { list } = type;
  if (list === undefined) return null;
  const kept: unknown[] = [];
  for (const item of value) {
    const node = set[itemElement(list, item)];
    if (!isMember(node)) kept.push(removeItems(list.element, item, childrenOf(node)));
  }
  return kept.length > 0 ? kept : null;
}

function fromMap({ map }: MergeType, value: JsonMap, set: FieldSet): JsonMap | null {
  const kept: JsonMap = {};
  let some = false;
  for (const [key, child] of Object.entries(value)) {
    const node = set[`f:${key}`];
    if (child === undefined || isMember(node)) continue;
    const type = (map === undefined ? undefined : fieldType(map, key)) ?? deducedValue;
    kept[key] = removeItems(type, child, childrenOf(node));
    some = true;
  }
  return some ? kept : null;
}
