/** Text → tokens. Upstream: cel-go/parser/gen/CEL.g4. */
import { CompileError } from './issues.ts';
import type { Issue } from './issues.ts';
import { Uint } from './values.ts';
import type { Value } from './values.ts';

export interface Token {
  readonly kind: 'literal' | 'ident' | 'quoted' | 'op' | 'end';
  /** As it stands in the source; of an identifier its name. */
  readonly text: string;
  readonly at: number;
  readonly value?: Value;
}

const operators = ['==', '!=', '<=', '>=', '&&', '||', ...'<>+-*/%!?:.,()[]{}'];
const space = /[\t\n\f\r ]+|\/\/[^\n]*/y;
const word = /[_a-zA-Z][_a-zA-Z0-9]*/y;
const number = /0x[0-9a-fA-F]+[uU]?|(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?|\d+[uU]?)/y;
const stringStart = /(?:[rR][bB]|[bB][rR]|[rRbB])?("""|'''|"|')/y;
const quotedIdent = /`([a-zA-Z0-9_.\-/ ]+)`/y;

/** `issues`: takes what is no token; reading goes on behind it. */
export function tokenize(source: string, issues: Issue[]): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  while (at < source.length) {
    const skipped = match(space);
    if (skipped !== null) {
      at += skipped[0].length;
      continue;
    }
    const read = readString(source, at, match(stringStart)) ?? readPlain(source, at, match);
    if (read.token === undefined) {
      issues.push({ at, message: `Syntax error: token recognition error at: '${source.slice(at, read.end)}'` });
    } else tokens.push(read.token);
    at = read.end;
  }
  tokens.push({ kind: 'end', text: '<EOF>', at: source.length });
  return tokens;
}

interface Read {
  readonly token: Token | undefined;
  readonly end: number;
}

function readPlain(source: string, at: number, match: (pattern: RegExp) => RegExpExecArray | null): Read {
  const digits = match(number);
  if (digits !== null) {
    const [text] = digits;
    return { token: { kind: 'literal', text, at, value: numberOf(source, text, at) }, end: at + text.length };
  }
  const name = match(word);
  if (name !== null) {
    const [text] = name;
    return { token: wordOf(text, at), end: at + text.length };
  }
  const quoted = match(quotedIdent);
  if (quoted !== null) {
    return { token: { kind: 'quoted', text: quoted[1] ?? '', at }, end: at + quoted[0].length };
  }
  const text = operators.find((one) => source.startsWith(one, at));
  // What could have begun a longer operator takes the character with it that it is not.
  if (text === undefined) return { token: undefined, end: at + (/[=&|]/.test(source[at] ?? '') ? 2 : 1) };
  return { token: { kind: 'op', text, at }, end: at + text.length };
}

function wordOf(text: string, at: number): Token {
  if (text === 'true' || text === 'false') return { kind: 'literal', text, at, value: text === 'true' };
  if (text === 'null') return { kind: 'literal', text, at, value: null };
  return { kind: text === 'in' ? 'op' : 'ident', text, at };
}

const mostInt = 2n ** 63n;
const mostUint = 2n ** 64n;

function numberOf(source: string, text: string, at: number): Value {
  const hex = text.startsWith('0x');
  if (!hex && /[.eE]/.test(text)) return Number(text);
  if (/[uU]$/.test(text)) {
    const value = BigInt(text.slice(0, -1));
    if (value < mostUint) return new Uint(value);
    throw new CompileError(source, [{ at, message: 'invalid uint literal' }]);
  }
  const value = BigInt(text);
  // One more than fits: a minus sign may come before it.
  if (value <= mostInt) return value;
  throw new CompileError(source, [{ at, message: 'invalid int literal' }]);
}

function readString(source: string, at: number, start: RegExpExecArray | null): Read | undefined {
  if (start === null) return undefined;
  const [head, quote = ''] = start;
  const prefix = head.slice(0, head.length - quote.length).toLowerCase();
  const raw = prefix.includes('r');
  const bytes = prefix.includes('b');
  let end = at + head.length;
  while (!source.startsWith(quote, end)) {
    const broken = end >= source.length || (quote.length === 1 && /[\n\r]/.test(source[end] ?? ''));
    if (broken) return { token: undefined, end };
    end += !raw && source[end] === '\\' ? 2 : 1;
  }
  const inner = source.slice(at + head.length, end);
  end += quote.length;
  const text = source.slice(at, end);
  const fail = (): never => {
    throw new CompileError(source, [{ at, message: 'invalid syntax' }]);
  };
  const value = bytes ? bytesOf(inner, raw, fail) : raw ? inner : unescape(inner, fail);
  return { token: { kind: 'literal', text, at, value }, end };
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '`': '`',
  '?': '?',
};
const escape = /\\(?:([abfnrtv\\'"`?])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|)/g;

function unescape(text: string, fail: () => never): string {
  return text.replace(escape, (_all, simple?: string, hex?: string, u?: string, big?: string, octal?: string) => {
    if (simple !== undefined) return escapes[simple] ?? '';
    const digits = hex ?? u ?? big;
    const code = digits !== undefined ? parseInt(digits, 16) : octal !== undefined ? parseInt(octal, 8) : NaN;
    if (Number.isNaN(code) || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return fail();
    return String.fromCodePoint(code);
  });
}

/** In bytes `\x` and octals are bytes, everything else is UTF-8. */
function bytesOf(text: string, raw: boolean, fail: () => never): Uint8Array {
  if (raw) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  let last = 0;
  for (const found of text.matchAll(escape)) {
    parts.push(Buffer.from(text.slice(last, found.index), 'utf8'));
    last = found.index + found[0].length;
    const [, simple, hex, u, big, octal] = found;
    if (simple !== undefined) parts.push(Buffer.from(escapes[simple] ?? ''));
    else if (hex !== undefined) parts.push(Buffer.from([parseInt(hex, 16)]));
    else if (octal !== undefined) parts.push(Buffer.from([parseInt(octal, 8)]));
    else if (u === undefined && big === undefined) return fail();
    else return fail();
  }
  parts.push(Buffer.from(text.slice(last), 'utf8'));
  return new Uint8Array(Buffer.concat(parts));
}
