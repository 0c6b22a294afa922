/**
 * Merging and ordering of lists whose elements have an identity. The order of the result: the patch's elements in the
 * patch's order, the others in the server's order, woven together so that an other stays before what it was before.
 * Upstream: strategicpatch normalizeElementOrder, mergeSortedSlice.
 */
import { isObject } from './json.ts';

type Identity = (element: unknown) => unknown;

/** Sets of plain values: union. */
export function mergeSets(original: readonly unknown[], patch: readonly unknown[]): readonly unknown[] {
  return orderElements([...new Set([...original, ...patch])], [...new Set(patch)], original, (element) => element);
}

/** Lists of maps by merge key. `merge` gets the element that is there, undefined when it is new. */
export function mergeMaps(
  original: readonly unknown[],
  patch: readonly Record<string, unknown>[],
  by: string,
  merge: (before: Record<string, unknown> | undefined, element: Record<string, unknown>) => unknown,
): readonly unknown[] {
  const identity: Identity = (element) => (isObject(element) ? element[by] : element);
  const merged = [...original];
  const places = new Map<unknown, number>();
  for (const [index, element] of original.entries()) {
    if (!places.has(identity(element))) places.set(identity(element), index);
  }
  for (const element of patch) {
    const place = places.get(identity(element));
    const before = place === undefined ? undefined : merged[place];
    const result = merge(isObject(before) ? before : undefined, element);
    if (place !== undefined) merged[place] = result;
    else {
      places.set(identity(element), merged.length);
      merged.push(result);
    }
  }
  return orderElements(merged, patch, original, identity);
}

/** `order`: identities (as values or elements) of those that come in this order. */
export function orderElements(
  list: readonly unknown[],
  order: readonly unknown[],
  server: readonly unknown[],
  identity: Identity,
): readonly unknown[] {
  const wanted = positions(order, identity);
  const before = positions(server, identity);
  const place = (element: unknown, of: ReadonlyMap<unknown, number>): number => of.get(identity(element)) ?? -1;
  const ordered = list
    .filter((element) => wanted.has(identity(element)))
    .sort((a, b) => place(a, wanted) - place(b, wanted));
  const others = list.filter((element) => !wanted.has(identity(element)));
  others.sort((a, b) => place(a, before) - place(b, before));
  return weave(others, ordered, (other, element) => {
    const [left, right] = [place(other, before), place(element, before)];
    return left >= 0 && right >= 0 && left < right;
  });
}

function weave(
  others: readonly unknown[],
  ordered: readonly unknown[],
  isBefore: (other: unknown, element: unknown) => boolean,
): readonly unknown[] {
  const out: unknown[] = [];
  let next = 0;
  for (const element of ordered) {
    while (next < others.length && isBefore(others[next], element)) out.push(others[next++]);
    out.push(element);
  }
  return [...out, ...others.slice(next)];
}

function positions(list: readonly unknown[], identity: Identity): ReadonlyMap<unknown, number> {
  const map = new Map<unknown, number>();
  for (const [index, element] of list.entries()) if (!map.has(identity(element))) map.set(identity(element), index);
  return map;
}
