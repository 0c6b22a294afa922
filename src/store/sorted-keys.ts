/**
 * Texts in order, each once, in blocks: an insertion moves the rest of one block, not of all. In one array, which the keys of 10,000
 * Services and their addresses filled, insertions were 4 % of the CPU of a create, and grew with the number of objects. What is added
 * waits until somebody asks for the order: where many are made and few look, they are put in place many at a time.
 */
const largestBlock = 512;

export class SortedKeys {
  /** Never an empty block. */
  readonly #blocks: string[][] = [];
  #waiting: string[] = [];

  /** `key` must not be there. */
  add(key: string): void {
    this.#waiting.push(key);
  }

  #place(): void {
    if (this.#waiting.length === 0) return;
    // In order, so that each comes to the block of the one before.
    for (const key of this.#waiting.sort()) this.#insert(key);
    this.#waiting = [];
  }

  #insert(key: string): void {
    const at = Math.min(this.#blockOf(key), this.#blocks.length - 1);
    const block = this.#blocks[at];
    if (block === undefined) {
      this.#blocks.push([key]);
      return;
    }
    block.splice(position(block, key), 0, key);
    if (block.length > largestBlock) this.#blocks.splice(at + 1, 0, block.splice(largestBlock / 2));
  }

  delete(key: string): void {
    this.#place();
    const at = this.#blockOf(key);
    const block = this.#blocks[at];
    const index = block === undefined ? 0 : position(block, key);
    if (block?.[index] !== key) return;
    block.splice(index, 1);
    if (block.length === 0) this.#blocks.splice(at, 1);
  }

  /** From `from` on, up to and without `to`. */
  *between(from = '', to?: string): Generator<string> {
    this.#place();
    for (let at = this.#blockOf(from); at < this.#blocks.length; at++) {
      for (const key of this.#blocks[at] ?? []) {
        if (to !== undefined && key >= to) return;
        if (key >= from) yield key;
      }
    }
  }

  /** The first block whose last key is not before `key`; the number of blocks when there is none. */
  #blockOf(key: string): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#blocks[middle]?.at(-1) ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Of the first one that is not before `key`. */
function position(block: readonly string[], key: string): number {
  let low = 0;
  let high = block.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((block[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
