/**
 * Why a text is no JSON, in the words of Go's encoding/json, which clients of the API know. JSON.parse decides whether it is;
 * this only walks again over what it refused.
 *
 *   {"a":1,}  ──> invalid character '}' looking for beginning of object key string
 */
import { goQuote } from './go-text.ts';

class SyntaxProblem extends Error {}

/** undefined: it is JSON. What is nested very deeply is refused too. */
export function jsonSyntaxError(text: string): string | undefined {
  try {
    new Walk(text).whole();
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxProblem) return error.message;
    throw error;
  }
}

/** Go gives up at 10,000, which our stack would not hold; bodies may not be as deep as this (http/body.ts). */
const deepest = 1_000;

class Walk {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): void {
    this.#value();
    this.#space();
    if (this.#at < this.#text.length) this.#bad('after top-level value');
  }

  #value(): void {
    this.#space();
    const first = this.#peek();
    if (first === '{') this.#nested(() => this.#object());
    else if (first === '[') this.#nested(() => this.#array());
    else if (first === '"') this.#string();
    else if (first === '-' || isDigit(first)) this.#number();
    else if (first === 't') this.#literal('true');
    else if (first === 'f') this.#literal('false');
    else if (first === 'n') this.#literal('null');
    else this.#bad('looking for beginning of value');
  }

  #nested(walk: () => void): void {
    if (++this.#depth > deepest) this.#bad('exceeded max depth');
    walk();
    this.#depth--;
  }

  #object(): void {
    this.#at++;
    this.#space();
    if (this.#peek() === '}') return this.#skip();
    for (;;) {
      this.#space();
      if (this.#peek() !== '"') this.#bad('looking for beginning of object key string');
      this.#string();
      this.#space();
      if (this.#peek() !== ':') this.#bad('after object key');
      this.#at++;
      this.#value();
      if (this.#isLast('}', 'after object key:value pair')) return;
    }
  }

  #array(): void {
    this.#at++;
    this.#space();
    if (this.#peek() === ']') return this.#skip();
    do this.#value();
    while (!this.#isLast(']', 'after array element'));
  }

  #isLast(end: string, where: string): boolean {
    this.#space();
    const next = this.#peek();
    if (next !== ',' && next !== end) this.#bad(where);
    this.#at++;
    return next === end;
  }

  #string(): void {
    this.#at++;
    for (let next = this.#peek(); next !== '"'; next = this.#peek()) {
      if (next < ' ') this.#bad('in string literal');
      this.#at++;
      if (next === '\\') this.#escape();
    }
    this.#at++;
  }

  #escape(): void {
    const code = this.#peek();
    if (!'bfnrtu\\/"'.includes(code)) this.#bad('in string escape code');
    this.#at++;
    for (let left = code === 'u' ? 4 : 0; left > 0; left--) {
      if (!/[0-9a-fA-F]/.test(this.#peek())) this.#bad('in \\u hexadecimal character escape');
      this.#at++;
    }
  }

  #number(): void {
    if (this.#peek() === '-') this.#at++;
    if (this.#peek() === '0') this.#at++;
    else this.#digits('in numeric literal');
    if (this.#text[this.#at] === '.') {
      this.#at++;
      this.#digits('after decimal point in numeric literal');
    }
    if (!/[eE]/.test(this.#text[this.#at] ?? '')) return;
    this.#at++;
    if (/[-+]/.test(this.#text[this.#at] ?? '')) this.#at++;
    this.#digits('in exponent of numeric literal');
  }

  #digits(where: string): void {
    if (!isDigit(this.#peek())) this.#bad(where);
    while (isDigit(this.#text[this.#at] ?? '')) this.#at++;
  }

  #literal(word: string): void {
    for (const letter of word) {
      if (this.#peek() !== letter) this.#bad(`in literal ${word} (expecting '${letter}')`);
      this.#at++;
    }
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #skip(): void {
    this.#at++;
  }

  #peek(): string {
    const next = this.#text[this.#at];
    if (next === undefined) throw new SyntaxProblem('unexpected end of JSON input');
    return next;
  }

  #bad(where: string): never {
    const character = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    const quoted = character === "'" ? "\\'" : character === '"' ? '"' : goQuote(character).slice(1, -1);
    throw new SyntaxProblem(`invalid character '${quoted}' ${where}`);
  }
}

function isDigit(text: string): boolean {
  return text >= '0' && text <= '9' && text.length === 1;
}
