/**
 * The JSONPath of printer columns, selectable fields and scale: `.spec.replicas`, `.metadata.labels.a\.b`, `['x']`, `[0]`, `[*]`,
 * `.conditions[?(@.type=="Ready")].status`. Upstream: client-go/util/jsonpath.
 */
import { isObject } from './schema.ts';

type Step =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'slice'; readonly from: number; readonly to: number | undefined }
  | { readonly kind: 'all' }
  | { readonly kind: 'descend' }
  | { readonly kind: 'filter'; readonly test: (item: unknown) => boolean };

export type JsonPath = readonly Step[];

export class JsonPathError extends Error {}

const token =
  /\.(?=\.)|\.?\*|\.(?<name>(?:\\.|[^.[\]\\*])+)|\[\*\]|\[(?<index>-?\d+)\]|\[(?<from>\d*):(?<to>\d*)\]|\['(?<quoted>(?:\\.|[^'\\])*)'\]|\["(?<double>(?:\\.|[^"\\])*)"\]|\[\?\((?<filter>(?:"[^"]*"|'[^']*'|[^)"'])*)\)\]/y;

/** Throws JsonPathError. */
export function parseJsonPath(text: string): JsonPath {
  const steps: Step[] = [];
  const source = text.replace(/^\{(.*)\}$/s, '$1').replace(/^\$/, '');
  for (let at = 0; at < source.length;) {
    token.lastIndex = at;
    const match = token.exec(source);
    if (match === null)
      throw new JsonPathError(`unrecognized character in action: ${JSON.stringify(source.slice(at, at + 1))}`);
    at += match[0].length;
    // A filter has paths of its own.
    steps.push(stepOf(match[0], match.groups ?? {}));
  }
  return steps;
}

function stepOf(text: string, groups: Readonly<Record<string, string | undefined>>): Step {
  const { name, index, from, to, quoted, double, filter } = groups;
  const key = name ?? quoted ?? double;
  if (key !== undefined) return { kind: 'key', key: key.replace(/\\(.)/g, '$1') };
  if (index !== undefined) return { kind: 'index', index: Number(index) };
  if (from !== undefined) return { kind: 'slice', from: Number(from), to: to === '' ? undefined : Number(to) };
  if (filter !== undefined) return { kind: 'filter', test: parseFilter(filter) };
  return text === '.' ? { kind: 'descend' } : { kind: 'all' };
}

/** All that the path leads to; empty where it leads nowhere. */
export function findAll(value: unknown, path: JsonPath): unknown[] {
  let found: unknown[] = [value];
  for (const step of path) found = found.flatMap((one) => walk(one, step));
  return found;
}

function walk(value: unknown, step: Step): unknown[] {
  switch (step.kind) {
    case 'key':
      return isObject(value) && Object.hasOwn(value, step.key) ? [value[step.key]] : [];
    case 'index': {
      const item: unknown = Array.isArray(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case 'slice':
      return Array.isArray(value) ? (value.slice(step.from, step.to) as unknown[]) : [];
    case 'all':
      return Array.isArray(value) ? (value as unknown[]) : isObject(value) ? Object.values(value) : [];
    case 'filter':
      return Array.isArray(value) ? (value as unknown[]).filter(step.test) : [];
    case 'descend':
      return descend(value);
  }
}

function descend(value: unknown): unknown[] {
  const children = Array.isArray(value) ? (value as unknown[]) : isObject(value) ? Object.values(value) : [];
  return [value, ...children.flatMap(descend)];
}

const comparisons: Readonly<Record<string, (a: unknown, b: unknown) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => order(a, b) < 0,
  '<=': (a, b) => order(a, b) <= 0,
  '>': (a, b) => order(a, b) > 0,
  '>=': (a, b) => order(a, b) >= 0,
};

function order(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  return Number.NaN;
}

function parseFilter(text: string): (item: unknown) => boolean {
  const match = /^\s*(@[^=!<>]*?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?))?\s*$/s.exec(text);
  if (match === null) throw new JsonPathError(`invalid filter ${JSON.stringify(text)}`);
  const path = parseJsonPath((match[1] ?? '').slice(1));
  const compare = comparisons[match[2] ?? ''];
  if (compare === undefined) return (item) => findAll(item, path).length > 0;
  const right = match[3] ?? '';
  const rightPath = right.startsWith('@') ? parseJsonPath(right.slice(1)) : undefined;
  const literal = rightPath === undefined ? parseLiteral(right) : undefined;
  return (item) => {
    const [left] = findAll(item, path);
    const other = rightPath === undefined ? literal : findAll(item, rightPath)[0];
    return left !== undefined && compare(left, other);
  };
}

function parseLiteral(text: string): unknown {
  const quoted = /^'(.*)'$|^"(.*)"$/s.exec(text);
  if (quoted !== null) return (quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/g, '$1');
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  if (Number.isNaN(number)) throw new JsonPathError(`unrecognized literal ${text}`);
  return number;
}
