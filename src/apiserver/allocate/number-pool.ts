/**
 * Which numbers of a range are taken. Below `dynamicFrom` is the static band, kept for people who choose a number
 * (KEP-3070 for addresses, KEP-3668 for ports): random allocation starts above it and goes there only when the rest is full.
 *
 *   first ├── static band ──┤ dynamicFrom ├────────── dynamic band ──────────┤ last
 */

export interface Range {
  readonly first: number;
  readonly last: number;
  readonly dynamicFrom: number;
}

export type Taken = 'taken' | 'already allocated' | 'out of range';

export class NumberPool {
  readonly #range: Range;
  readonly #used = new Set<number>();
  #staticUsed = 0;

  constructor(range: Range) {
    this.#range = range;
  }

  get free(): number {
    return this.#range.last - this.#range.first + 1 - this.#used.size;
  }

  has(number: number): boolean {
    return this.#used.has(number);
  }

  take(number: number): Taken {
    const { first, last } = this.#range;
    if (number < first || number > last) return 'out of range';
    if (this.#used.has(number)) return 'already allocated';
    this.#add(number);
    return 'taken';
  }

  /** undefined: the range is full. */
  takeAny(): number | undefined {
    const { first, last, dynamicFrom } = this.#range;
    const dynamicUsed = this.#used.size - this.#staticUsed;
    const number =
      this.#search(dynamicFrom, last, dynamicUsed) ?? this.#search(first, dynamicFrom - 1, this.#staticUsed);
    if (number !== undefined) this.#add(number);
    return number;
  }

  /** Giving back what is not taken does nothing. */
  release(number: number): void {
    if (this.#used.delete(number) && number < this.#range.dynamicFrom) this.#staticUsed--;
  }

  #add(number: number): void {
    this.#used.add(number);
    if (number < this.#range.dynamicFrom) this.#staticUsed++;
  }

  /** A random start, then the next free one: a few steps unless the band is nearly full. */
  #search(from: number, to: number, used: number): number | undefined {
    const size = to - from + 1;
    if (size <= used) return undefined;
    let number = from + Math.floor(Math.random() * size);
    while (this.#used.has(number)) number = number === to ? from : number + 1;
    return number;
  }
}
