/**
 * What who creates an object owns. That depends on which fields there are and not on what is in them, and the objects of one client
 * are mostly alike: so the set is worked out once for each outline, and found again by walking where others have walked before.
 *
 *   { spec: { type: "ClusterIP", ports: [ { port: 80, … } ] } }
 *   start ─ { ─ spec ─ { ─ type ─ leaf ─ ports ─ [ ─ 80 ─ TCP ─ { … } ─ ] ─ } ─ } ─ fields
 */
import { compareObjects } from './compare.ts';
import type { FieldSet } from './field-set.ts';
import { ordered } from './field-set.ts';
import { isMap } from './json.ts';
import type { ListType, MergeType } from './merge-type.ts';
import { deducedValue, shapeOfValue, shapeToWalk } from './merge-type.ts';
import { emptyObject, filtered, withoutServerFields } from './ownership.ts';
import type { ManagedKind, ManagedObject } from './ownership.ts';

const starts = new WeakMap<ManagedKind, Step>();
/** Of one kind: a client that makes up new keys each time shall not fill the memory. */
const mostSteps = 4096;

/** As FieldsV1 writes it, frozen, shared. Throws MergeError. */
export function fieldsOfNew(kind: ManagedKind, object: ManagedObject): FieldSet {
  let start = starts.get(kind);
  if (start === undefined) starts.set(kind, (start = new Step({ size: 0 })));
  const end = walk(start, kind.type, object);
  if (start.tree.size > mostSteps) starts.delete(kind);
  if (end.fields === undefined) {
    const { changed } = filtered(kind, compareObjects(kind.type, emptyObject(kind), object));
    end.fields = frozen(ordered(withoutServerFields(changed)));
  }
  return end.fields;
}

/** What objects have in common that are alike up to here. */
class Step {
  readonly tree: { size: number };
  /** Of those that end here. */
  fields: FieldSet | undefined;
  /** Most steps have one way on. */
  #token: unknown;
  #next: Step | undefined;
  #others: Map<unknown, Step> | undefined;

  constructor(tree: { size: number }) {
    this.tree = tree;
    tree.size++;
  }

  to(token: unknown): Step {
    if (this.#token === token && this.#next !== undefined) return this.#next;
    return this.#others?.get(token) ?? this.#open(token);
  }

  #open(token: unknown): Step {
    const next = new Step(this.tree);
    if (this.#next === undefined) {
      this.#token = token;
      this.#next = next;
    } else (this.#others ??= new Map<unknown, Step>()).set(token, next);
    return next;
  }
}

/** What is no key and no value. */
const mark = {
  map: Symbol('{'),
  endOfMap: Symbol('}'),
  list: Symbol('['),
  endOfList: Symbol(']'),
  leaf: Symbol('leaf'),
  absent: Symbol('absent'),
  null: Symbol('null'),
  emptyList: Symbol('empty list'),
  emptyMap: Symbol('empty map'),
  text: Symbol('JSON'),
} as const;

/** Two values that lead to the same step have the same paths. */
function walk(from: Step, type: MergeType, value: unknown): Step {
  const shape = shapeToWalk(type, shapeOfValue(type, value));
  if (shape === 'map' && type.map?.atomic === false && isMap(value)) {
    let step = from.to(mark.map);
    for (const key in value) {
      const inner = type.map.fields.get(key)?.type ?? type.map.element ?? deducedValue;
      step = step.to(key);
      step = value[key] === undefined ? step.to(mark.absent) : walk(step, inner, value[key]);
    }
    return step.to(mark.endOfMap);
  }
  if (shape === 'list' && type.list?.atomic === false && Array.isArray(value)) {
    let step = from.to(mark.list);
    for (const item of value as readonly unknown[]) {
      step = walk(identity(step, type.list, item), type.list.element, item);
    }
    return step.to(mark.endOfList);
  }
  return from.to(kindOfLeaf(value));
}

/** What tells this item from the others of its list. */
function identity(from: Step, { keys, element }: ListType, item: unknown): Step {
  if (keys.length === 0 || !isMap(item)) return valueStep(from, item);
  let step = from;
  for (const key of keys) step = valueStep(step, item[key] ?? element.map?.fields.get(key)?.default);
  return step;
}

function valueStep(from: Step, value: unknown): Step {
  if (typeof value !== 'object' || value === null) return from.to(value);
  return from.to(mark.text).to(JSON.stringify(value));
}

/** Of what is owned as one: what is as good as nothing is told from the rest. */
function kindOfLeaf(value: unknown): symbol {
  if (value === null) return mark.null;
  if (typeof value !== 'object') return mark.leaf;
  if (Array.isArray(value)) return value.length === 0 ? mark.emptyList : mark.leaf;
  return Object.values(value).some((item) => item !== undefined) ? mark.leaf : mark.emptyMap;
}

function frozen(set: FieldSet): FieldSet {
  for (const element in set) frozen(set[element] ?? set);
  return Object.freeze(set);
}
