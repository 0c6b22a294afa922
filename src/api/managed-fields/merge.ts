/**
 * An applied configuration laid over the live object: its leaves win, everything else stays; elements of lists are found by their
 * identity and keep an order in which neither side's own order is broken where it can be helped.
 * Upstream: structured-merge-diff typed/merge.go.
 */
import { itemElement } from './element.ts';
import { isEmptyMap, isMap } from './json.ts';
import type { JsonMap } from './json.ts';
import { MergeError } from './merge-error.ts';
import type { ListType, MapType, MergeType, Shape } from './merge-type.ts';
import { deducedValue, fieldType, shapeOfValue, shapeToWalk } from './merge-type.ts';

/** The result shares with both arguments. undefined: nothing is left. */
export function mergeValues(type: MergeType, live: unknown, config: unknown): unknown {
  const left = shapeOfValue(type, live);
  const right = shapeOfValue(type, config);
  return mergeAs(type, shapeToWalk(type, config === undefined ? left : right), live, config);
}

function mergeAs(type: MergeType, shape: Shape, live: unknown, config: unknown): unknown {
  if (shape === 'map' && type.map?.atomic === false) {
    const [left, right] = [isMap(live) ? live : {}, isMap(config) ? config : {}];
    if (!isEmptyMap(left) || !isEmptyMap(right)) return mergeMaps(type.map, left, right);
  } else if (shape === 'list' && type.list?.atomic === false) {
    const [left, right] = [listOf(live), listOf(config)];
    if (left.length + right.length > 0) return mergeLists(type.list, left, right);
  }
  return config === undefined ? live : config;
}

function mergeMaps(map: MapType, live: JsonMap, config: JsonMap): JsonMap | undefined {
  const out: JsonMap = {};
  for (const key of new Set([...Object.keys(live), ...Object.keys(config)])) {
    if (live[key] === undefined && config[key] === undefined) continue;
    const merged = mergeValues(fieldType(map, key) ?? deducedValue, live[key], config[key]);
    if (merged !== undefined) out[key] = merged;
  }
  return isEmptyMap(out) ? undefined : out;
}

interface Indexed {
  readonly elements: readonly string[];
  readonly items: ReadonlyMap<string, unknown>;
}

function mergeLists(list: ListType, live: readonly unknown[], config: readonly unknown[]): unknown[] | undefined {
  const right = indexItems(list, config, false);
  const left = indexItems(list, live, true);
  const shared = right.elements.filter((element) => left.items.has(element));
  const out: unknown[] = [];
  const add = (before: unknown, after: unknown): void => {
    const merged = mergeValues(list.element, before, after);
    if (merged !== undefined) out.push(merged);
  };
  const done = new Set<string>();
  const takeRight = (element: string): void => {
    done.add(element);
    add(left.items.get(element), right.items.get(element));
  };
  let nextShared = shared.shift();
  for (let l = 0, r = 0; l < left.elements.length || r < right.elements.length;) {
    const [mine, theirs] = [left.elements[l], right.elements[r]];
    if (mine !== undefined && theirs !== undefined) {
      if (mine === theirs) {
        takeRight(mine);
        l++;
        r++;
        nextShared = shared.shift();
        continue;
      }
      if (right.items.has(mine) && nextShared !== undefined && nextShared !== mine) {
        l++;
        continue;
      }
    }
    if (mine !== undefined) {
      if (!right.items.has(mine)) {
        // The element itself, not the one of its identity: there may be several.
        add(live[l], undefined);
        l++;
        continue;
      }
      if (done.has(mine)) l++;
    }
    if (theirs !== undefined) {
      takeRight(theirs);
      r++;
      if (theirs === nextShared) nextShared = shared.shift();
    }
  }
  return out.length > 0 ? out : undefined;
}

function indexItems(list: ListType, items: readonly unknown[], duplicates: boolean): Indexed {
  const elements: string[] = [];
  const found = new Map<string, unknown>();
  for (const item of items) {
    const element = itemElement(list, item);
    if (!found.has(element)) found.set(element, item);
    else if (!duplicates) throw new MergeError(`duplicate entries for key ${element}`);
    // Several of one identity are not merged with what is applied.
    else found.set(element, null);
    elements.push(element);
  }
  return { elements, items: found };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
