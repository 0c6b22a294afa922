/**
 * Numbers for entry keys as they lie in the kernel's answers: 0 for the first key, 1 for the next new one. Reading a table back
 * asks for one of 10,000 keys 100,000 times, in the order of the kernel's hash; nothing is allocated for that.
 */
import { wordAt } from './bytes.ts';

const noKey = -1;

export class KeyIndex {
  readonly #words: number;
  /** The keys, one after the other. */
  #keys: Int32Array;
  /** Open addressing: the number of the key, or noKey. A power of two, at most half full. */
  #cells: Int32Array;
  #count = 0;

  /** `width`: bytes of a key, a multiple of four. */
  constructor(width: number, capacity = 1024) {
    this.#words = width / 4;
    this.#keys = new Int32Array(capacity * this.#words);
    this.#cells = new Int32Array(capacity * 2).fill(noKey);
  }

  get count(): number {
    return this.#count;
  }

  /** The key's number; a key that was not asked for before gets the next one. */
  of(bytes: Buffer, start: number): number {
    const mask = this.#cells.length - 1;
    let cell = this.#hash(bytes, start) & mask;
    for (;;) {
      const number = this.#cells[cell] ?? noKey;
      if (number === noKey) return this.#add(bytes, start, cell);
      if (this.#isAt(number, bytes, start)) return number;
      cell = (cell + 1) & mask;
    }
  }

  #add(bytes: Buffer, start: number, cell: number): number {
    const number = this.#count++;
    const at = number * this.#words;
    for (let word = 0; word < this.#words; word++) this.#keys[at + word] = wordAt(bytes, start + word * 4);
    this.#cells[cell] = number;
    if (this.#count * 2 >= this.#cells.length) this.#grow();
    return number;
  }

  #isAt(number: number, bytes: Buffer, start: number): boolean {
    const at = number * this.#words;
    for (let word = 0; word < this.#words; word++) {
      if (this.#keys[at + word] !== (wordAt(bytes, start + word * 4) | 0)) return false;
    }
    return true;
  }

  #hash(bytes: Buffer, start: number): number {
    let hash = 0;
    for (let word = 0; word < this.#words; word++) hash = stir(hash, wordAt(bytes, start + word * 4));
    return finish(hash);
  }

  #grow(): void {
    const keys = new Int32Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
    this.#cells = new Int32Array(this.#cells.length * 2).fill(noKey);
    const mask = this.#cells.length - 1;
    for (let number = 0; number < this.#count; number++) {
      let hash = 0;
      for (let word = 0; word < this.#words; word++) hash = stir(hash, keys[number * this.#words + word] ?? 0);
      let cell = finish(hash) & mask;
      while (this.#cells[cell] !== noKey) cell = (cell + 1) & mask;
      this.#cells[cell] = number;
    }
  }
}

/** MurmurHash3's round and end. */
function stir(hash: number, word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51);
  const turned = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593) ^ hash;
  return (Math.imul((turned << 13) | (turned >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
