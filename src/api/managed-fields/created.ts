/**
 * What who creates an object owns. That depends on which fields there are and not on what is in them, and the objects of one client
 * are mostly alike: so the set is worked out once for each outline.
 *
 *   { metadata: { labels: { app: "a" } }, spec: { ports: [ … ] } }  ─ outline ─>  {8:metadata{6:labels{3:app.}}4:spec{5:ports[…]}}
 */
import { compareObjects } from './compare.ts';
import { itemElement } from './element.ts';
import type { FieldSet } from './field-set.ts';
import { ordered } from './field-set.ts';
import { isMap } from './json.ts';
import type { MergeType } from './merge-type.ts';
import { deducedValue, shapeOfValue, shapeToWalk } from './merge-type.ts';
import { emptyObject, filtered, withoutServerFields } from './ownership.ts';
import type { ManagedKind, ManagedObject } from './ownership.ts';

const known = new WeakMap<ManagedKind, Map<string, FieldSet>>();
/** Of one kind, and of those that are not too long: a client that makes up new keys each time shall not fill the memory. */
const mostOutlines = 64;
const longestOutline = 4096;

/** As FieldsV1 writes it, frozen, shared. Throws MergeError. */
export function fieldsOfNew(kind: ManagedKind, object: ManagedObject): FieldSet {
  let sets = known.get(kind);
  if (sets === undefined) known.set(kind, (sets = new Map<string, FieldSet>()));
  const text = outline(kind.type, object);
  let fields = sets.get(text);
  if (fields === undefined) {
    const { changed } = filtered(kind, compareObjects(kind.type, emptyObject(kind), object));
    fields = frozen(ordered(withoutServerFields(changed)));
    if (sets.size >= mostOutlines) sets.clear();
    if (text.length <= longestOutline) sets.set(text, fields);
  }
  return fields;
}

/** Two values with the same outline have the same paths. Lengths stand before keys, so that no key can look like something else. */
function outline(type: MergeType, value: unknown): string {
  const shape = shapeToWalk(type, shapeOfValue(type, value));
  if (shape === 'map' && type.map?.atomic === false && isMap(value)) {
    let text = '{';
    for (const key in value) {
      const inner = type.map.fields.get(key)?.type ?? type.map.element ?? deducedValue;
      text += value[key] === undefined ? '?' : `${key.length}:${key}${outline(inner, value[key])}`;
    }
    return `${text}}`;
  }
  if (shape === 'list' && type.list?.atomic === false && Array.isArray(value)) {
    let text = '[';
    for (const item of value as readonly unknown[]) {
      const element = itemElement(type.list, item);
      text += `${element.length}:${element}${outline(type.list.element, item)}`;
    }
    return `${text}]`;
  }
  return mark(value);
}

/** Of what is owned as one: what is as good as nothing is told from the rest. */
function mark(value: unknown): string {
  if (value === null) return 'n';
  if (Array.isArray(value)) return value.length === 0 ? 'l' : '.';
  if (typeof value === 'object') return Object.values(value).some((item) => item !== undefined) ? '.' : 'm';
  return '.';
}

function frozen(set: FieldSet): FieldSet {
  for (const element in set) frozen(set[element] ?? set);
  return Object.freeze(set);
}
