/**
 * JSON read where it lies: of a list of 45 MB a proxy keeps a tenth, and JSON.parse would make objects of all of it.
 *
 *   const cursor = new JsonCursor(bytes);
 *   cursor.object();
 *   for (let name = cursor.name(wanted); name !== undefined; name = cursor.name(wanted)) {
 *     if (name === 'uid') uid = cursor.text();
 *     else cursor.skip();
 *   }
 *
 * It reads what machines write: names and texts without escapes, in ASCII. Anything else is a NotPlain, and somebody calls
 * JSON.parse. What is skipped may be anything; whether it is JSON is seen by its quotes and brackets only.
 */

export class NotPlain extends SyntaxError {}

/** The members of an object that somebody wants. */
export class Names<T extends string> {
  readonly #byLength: (readonly T[])[] = [];

  constructor(...names: readonly T[]) {
    for (const name of names) this.#byLength[name.length] = [...(this.#byLength[name.length] ?? []), name];
  }

  /** The name that these bytes are; '': none of them. */
  of(bytes: Buffer, start: number, end: number): T | '' {
    const candidates = this.#byLength[end - start];
    if (candidates === undefined) return '';
    // By number: code that runs for a second is hardly compiled, and then an iterator is dear.
    for (let i = 0; i < candidates.length; i++) {
      const name = candidates[i];
      if (name !== undefined && isAt(name, bytes, start)) return name;
    }
    return '';
  }
}

function isAt(text: string, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openObject, closeObject, openArray, closeArray] = [0x7b, 0x7d, 0x5b, 0x5d];
const [letterT, letterF, letterN] = [0x74, 0x66, 0x6e];

/** Bytes from `start`, before `end`. */
export interface Span {
  start: number;
  end: number;
}

const whole: Span = { start: 0, end: 0 };

export class JsonCursor {
  readonly bytes: Buffer;
  /** Of the next byte to read. */
  at: number;
  /** Where the last text began. */
  #text = 0;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** Into an object: its members are told by name(). */
  object(): void {
    this.#expect(openObject);
  }

  /** The next member's name: '' for one that is not wanted; undefined: this was the end of the object. Its value comes next. */
  name<T extends string>(wanted: Names<T>): T | '' | undefined {
    if (this.#ends(closeObject)) return undefined;
    const end = this.#plain();
    const found = wanted.of(this.bytes, this.#text, end);
    this.#expect(colon);
    return found;
  }

  /** Into an array: its items are told by item(). */
  array(): void {
    this.#expect(openArray);
  }

  /** Whether there is one more; it comes next. */
  item(): boolean {
    return !this.#ends(closeArray);
  }

  /** `likely`: what it may well be; then it is that very text. */
  text(likely = ''): string {
    const end = this.#plain();
    const isLikely = end - this.#text === likely.length && isAt(likely, this.bytes, this.#text);
    return isLikely ? likely : this.bytes.toString('latin1', this.#text, end);
  }

  /** Where a text is, without its quotes. */
  textSpan(span: Span): void {
    span.end = this.#plain();
    span.start = this.#text;
  }

  /** Where a value is, as it is written. */
  span(span: Span): void {
    this.peek();
    span.start = this.at;
    this.skip();
    span.end = this.at;
  }

  /** As JSON.parse has it. */
  value(): unknown {
    this.span(whole);
    return JSON.parse(this.bytes.toString('utf8', whole.start, whole.end));
  }

  boolean(): boolean {
    const first = this.peek();
    if (first !== letterT && first !== letterF) throw this.#unexpected();
    this.skip();
    return first === letterT;
  }

  /** Whether it is null, which then is behind us. */
  isNull(): boolean {
    if (this.peek() !== letterN) return false;
    this.skip();
    return true;
  }

  /** Past a value, whatever it is. */
  skip(): void {
    const { bytes } = this;
    const first = this.peek();
    let at = this.at;
    if (first === quote) at = this.#endOfText(at);
    else if (first !== openObject && first !== openArray) while (isWord(bytes[at])) at++;
    else {
      let depth = 0;
      do {
        const byte = bytes[at];
        if (byte === quote) at = this.#endOfText(at);
        else {
          if (byte === undefined) throw this.#unexpected();
          if (byte === openObject || byte === openArray) depth++;
          else if (byte === closeObject || byte === closeArray) depth--;
          at++;
        }
      } while (depth > 0);
    }
    if (at === this.at) throw this.#unexpected();
    this.at = at;
  }

  /** The next byte that is no white space. */
  peek(): number {
    const { bytes } = this;
    while (isSpace(bytes[this.at])) this.at++;
    return bytes[this.at] ?? 0;
  }

  /** Behind the closing bracket, or before the next member or item. */
  #ends(bracket: number): boolean {
    const byte = this.peek();
    if (byte === bracket) {
      this.at++;
      return true;
    }
    if (byte === comma) {
      this.at++;
      this.peek();
    }
    return false;
  }

  /** Past a text; returns where its end quote is. */
  #plain(): number {
    const { bytes } = this;
    if (this.peek() !== quote) throw this.#unexpected();
    this.#text = this.at + 1;
    let at = this.#text;
    for (; ; at++) {
      // Behind the end there is nothing, which is no text either.
      const byte = bytes[at] ?? 0;
      if (byte === quote) break;
      if (byte < 0x20 || byte === backslash || byte > 0x7e) throw new NotPlain(`no plain text at byte ${String(at)}`);
    }
    this.at = at + 1;
    return at;
  }

  #endOfText(start: number): number {
    const { bytes } = this;
    let at = start + 1;
    for (; ; at++) {
      const byte = bytes[at];
      if (byte === quote) return at + 1;
      if (byte === backslash) at++;
      else if (byte === undefined) throw this.#unexpected();
    }
  }

  #expect(byte: number): void {
    if (this.peek() !== byte) throw this.#unexpected();
    this.at++;
  }

  #unexpected(): NotPlain {
    return new NotPlain(`unexpected JSON at byte ${String(this.at)} of ${String(this.bytes.length)}`);
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Of a number, true, false or null. */
function isWord(byte: number | undefined): boolean {
  return byte !== undefined && byte > 0x20 && byte !== comma && byte !== closeObject && byte !== closeArray;
}
