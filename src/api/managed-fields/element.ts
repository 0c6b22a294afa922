/**
 * One step of a path, as FieldsV1 writes it, which is also how the engine holds it:
 *
 *   f:spec                              a field or the key of a map
 *   k:{"port":80,"protocol":"TCP"}      an element of a list by its keys, in order
 *   v:"example.org/hold"                a value of a set
 *   i:0                                 a position (nobody writes it any more)
 *
 * Upstream: structured-merge-diff fieldpath/serialize-pe.go, element.go (order, text).
 */
import { isMap } from './json.ts';
import { MergeError } from './merge-error.ts';
import type { ListType } from './merge-type.ts';

export function fieldElement(name: string): string {
  return `f:${name}`;
}

/** Throws MergeError where the element has no identity. */
export function itemElement(list: ListType, item: unknown): string {
  return list.keys.length === 0 ? valueElement(item) : keyElement(list, item);
}

function valueElement(item: unknown): string {
  if (isMap(item)) throw new MergeError("associative list without keys has an element that's a map type");
  if (Array.isArray(item)) throw new MergeError('not supported: associative list with lists as elements');
  if (item === null) throw new MergeError("associative list without keys has an element that's an explicit null");
  return `v:${JSON.stringify(item)}`;
}

function keyElement(list: ListType, item: unknown): string {
  if (item === null) throw new MergeError('associative list with keys may not have a null element');
  if (!isMap(item)) throw new MergeError('associative list with keys may not have non-map elements');
  const keys: [string, unknown][] = [];
  for (const key of list.keys) {
    const value = item[key] ?? list.element.map?.fields.get(key)?.default;
    if (value !== undefined) keys.push([key, value]);
  }
  if (keys.length === 0) {
    const names = list.keys.map((key) => JSON.stringify(key)).join(' ');
    throw new MergeError(
      `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
    );
  }
  return keysText(keys);
}

function keysText(keys: [string, unknown][]): string {
  if (keys.length > 1) keys.sort(([a], [b]) => compareText(a, b));
  let text = '';
  for (const [key, value] of keys) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${JSON.stringify(value)}`;
  return `k:{${text}}`;
}

/** What a client sent, in our spelling; undefined: a kind of element that is not known, which upstream skips. Throws SyntaxError. */
export function canonicalElement(text: string): string | undefined {
  if (text.length < 2 || text[1] !== ':') throw new SyntaxError(`missing colon: ${text}`);
  const rest = text.slice(2);
  switch (text[0]) {
    case 'f':
      return text;
    case 'v':
      return `v:${JSON.stringify(JSON.parse(rest))}`;
    case 'k': {
      const keys = JSON.parse(rest) as unknown;
      if (!isMap(keys)) throw new SyntaxError(`not a map of keys: ${text}`);
      return keysText(Object.entries(keys));
    }
    case 'i':
      if (!/^-?\d+$/.test(rest)) throw new SyntaxError(`not an index: ${text}`);
      return `i:${String(Number(rest))}`;
    default:
      return undefined;
  }
}

/** `.spec`, `[port=80,protocol="TCP"]`, `[="x"]`, `[0]`. */
export function elementText(element: string): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case 'f':
      return `.${rest}`;
    case 'k': {
      const keys = Object.entries(JSON.parse(rest) as Record<string, unknown>).sort(([a], [b]) => compareText(a, b));
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    }
    case 'v':
      return `[=${rest}]`;
    default:
      return `[${rest}]`;
  }
}

const ranks: Readonly<Record<string, number>> = { f: 0, k: 1, v: 2, i: 3 };

/** Fields, then keys, then values, then positions; numbers by size. */
export function compareElements(a: string, b: string): number {
  const kind = a[0] ?? '';
  if (kind !== b[0]) return (ranks[kind] ?? 4) - (ranks[b[0] ?? ''] ?? 4);
  if (kind === 'f') return compareText(a, b);
  return compareValues(JSON.parse(a.slice(2)), JSON.parse(b.slice(2)));
}

/** Upstream: value.Compare: numbers, texts, booleans, lists, maps, null. */
function compareValues(a: unknown, b: unknown): number {
  const rank = (value: unknown): number => ['number', 'string', 'boolean', 'object'].indexOf(typeof value);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (isMap(a) && isMap(b)) return compareKeys(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return compareText(String(a), String(b));
}

/** Key lists are compared name by name, then by value (value.FieldList.Compare). */
function compareKeys(a: Record<string, unknown>, b: Record<string, unknown>): number {
  const right = Object.entries(b);
  for (const [index, [name, value]] of Object.entries(a).entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    const order = compareText(name, other[0]) || compareValues(value, other[1]);
    if (order !== 0) return order;
  }
  return right.length > Object.keys(a).length ? -1 : 0;
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
