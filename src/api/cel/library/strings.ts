/** Strings and regular expressions. Upstream: cel-go/ext/strings.go (version 2), apiserver/pkg/cel/library/regex.go. */
import { shortEscapes } from '../../go-text.ts';
import { EvalError } from '../issues.ts';
import { goRegExp } from '../regexp.ts';
import type { Declaration } from '../signature.ts';
import type { Value } from '../values.ts';
import { typeName } from '../values.ts';
import { formatted } from './format-string.ts';

/** Indices count characters, not UTF-16 units. */
const runes = (text: string): readonly string[] => [...text];

function outOfRange(index: bigint): EvalError {
  return new EvalError(`index out of range: ${String(index)}`);
}

function charAt(text: string, index: bigint): string {
  const all = runes(text);
  if (index < 0n || index > BigInt(all.length)) throw outOfRange(index);
  return all[Number(index)] ?? '';
}

function matchesAt(all: readonly string[], part: readonly string[], at: number): boolean {
  return part.every((rune, index) => all[at + index] === rune);
}

function indexOf(text: string, part: string, offset = 0n): bigint {
  if (part === '') return offset;
  if (offset < 0n) throw outOfRange(offset);
  const all = runes(text);
  const wanted = runes(part);
  for (let at = Number(offset); at <= all.length - wanted.length; at++)
    if (matchesAt(all, wanted, at)) return BigInt(at);
  return -1n;
}

function lastIndexOf(text: string, part: string, offset?: bigint): bigint {
  const all = runes(text);
  if (part === '') return offset ?? BigInt(all.length);
  if (offset !== undefined && offset < 0n) throw outOfRange(offset);
  if (offset !== undefined && offset >= BigInt(all.length)) return -1n;
  const wanted = runes(part);
  const from = Math.min(Number(offset ?? BigInt(all.length)), all.length - wanted.length);
  for (let at = from; at >= 0; at--) if (matchesAt(all, wanted, at)) return BigInt(at);
  return -1n;
}

function substring(text: string, start: bigint, end?: bigint): string {
  const all = runes(text);
  const to = end ?? BigInt(all.length);
  if (end !== undefined && start > end) {
    throw new EvalError(`invalid substring range. start: ${String(start)}, end: ${String(end)}`);
  }
  for (const index of [start, to]) if (index < 0n || index > BigInt(all.length)) throw outOfRange(index);
  return all.slice(Number(start), Number(to)).join('');
}

function replace(text: string, old: string, by: string, limit = -1n): string {
  if (limit < 0n)
    return old === ''
      ? `${by}${runes(text)
          .map((rune) => rune + by)
          .join('')}`
      : text.replaceAll(old, by);
  let result = '';
  let rest = text;
  for (let count = 0n; count < limit; count++) {
    const at = rest.indexOf(old);
    if (at < 0) break;
    if (old === '') {
      const [first = ''] = runes(rest);
      result += by + first;
      if (first === '') break;
      rest = rest.slice(first.length);
      continue;
    }
    result += rest.slice(0, at) + by;
    rest = rest.slice(at + old.length);
  }
  return result + rest;
}

function split(text: string, separator: string, limit = -1n): readonly string[] {
  if (limit === 0n) return [];
  const parts = separator === '' ? runes(text) : text.split(separator);
  if (limit < 0n || BigInt(parts.length) <= limit) return parts;
  const kept = parts.slice(0, Number(limit) - 1);
  return [...kept, parts.slice(Number(limit) - 1).join(separator)];
}

function join(list: readonly Value[], separator = ''): string {
  const texts = list.map((item) => {
    if (typeof item !== 'string') throw new EvalError(`join: invalid input: ${typeName(item)}`);
    return item;
  });
  return texts.join(separator);
}

function quote(text: string): string {
  return `"${text.toWellFormed().replace(/[\x07-\r"\\]/g, (character) => shortEscapes[character] ?? character)}"`;
}

function findAll(text: string, pattern: string, limit = -1n): readonly string[] {
  const regexp = goRegExp(pattern);
  const found: string[] = [];
  for (const [match] of text.matchAll(new RegExp(regexp.source, `${regexp.flags}g`))) {
    if (limit >= 0n && BigInt(found.length) >= limit) break;
    found.push(match);
  }
  return found;
}

export const strings = (): readonly Declaration[] => [
  { id: 'string_char_at_int', of: 'string.charAt(int) string', call: charAt },
  { id: 'string_index_of_string', of: 'string.indexOf(string) int', call: indexOf },
  { id: 'string_index_of_string_int', of: 'string.indexOf(string, int) int', call: indexOf },
  { id: 'string_last_index_of_string', of: 'string.lastIndexOf(string) int', call: lastIndexOf },
  { id: 'string_last_index_of_string_int', of: 'string.lastIndexOf(string, int) int', call: lastIndexOf },
  {
    id: 'string_lower_ascii',
    of: 'string.lowerAscii() string',
    call: (text: string) => text.replace(/[A-Z]+/g, (part) => part.toLowerCase()),
  },
  { id: 'string_replace_string_string', of: 'string.replace(string, string) string', call: replace },
  { id: 'string_replace_string_string_int', of: 'string.replace(string, string, int) string', call: replace },
  { id: 'string_split_string', of: 'string.split(string) list<string>', call: split },
  { id: 'string_split_string_int', of: 'string.split(string, int) list<string>', call: split },
  { id: 'string_substring_int', of: 'string.substring(int) string', call: substring },
  { id: 'string_substring_int_int', of: 'string.substring(int, int) string', call: substring },
  { id: 'string_trim', of: 'string.trim() string', call: (text: string) => text.trim() },
  {
    id: 'string_upper_ascii',
    of: 'string.upperAscii() string',
    call: (text: string) => text.replace(/[a-z]+/g, (part) => part.toUpperCase()),
  },
  { id: 'string_format', of: 'string.format(list<dyn>) string', call: formatted },
  { id: 'strings_quote', of: 'strings:quote(string) string', call: quote },
  { id: 'list_join', of: 'list<string>.join() string', call: join },
  { id: 'list_join_string', of: 'list<string>.join(string) string', call: join },
  {
    id: 'string_find_string',
    of: 'string.find(string) string',
    call: (text: string, pattern: string) => goRegExp(pattern).exec(text)?.[0] ?? '',
  },
  { id: 'string_find_all_string', of: 'string.findAll(string) list<string>', call: findAll },
  { id: 'string_find_all_string_int', of: 'string.findAll(string, int) list<string>', call: findAll },
];
