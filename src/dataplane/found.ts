/**
 * An entry as the kernel has it. Of its endpoints only the bytes are there until somebody asks: nearly always they are those
 * that are wanted, and texts for 100,000 of them would be made to be thrown away.
 *
 *   FoundSlots   the slots of all keys, packed:  add ── add ── add ── sorted by key when the first one is asked for
 *   FoundEntry   a Held;  adopt(wanted)  its endpoints are those lists, if the bytes say so
 *                         forget()       back to bytes, which are a tenth of it
 */
import type { Family } from '../model/index.ts';
import { addressWidth, endpointIs, endpointText } from './bytes.ts';
import type { Held, Sticky } from './held.ts';
import { nearOffset } from './ruleset.ts';

type Pools = Held['plain'];

export class FoundSlots {
  readonly #family: Family;
  /** Of an endpoint: address and port, padded. */
  readonly #width: number;
  /** By element. */
  #keys = new Int32Array(1024);
  #slots = new Int32Array(1024);
  #endpoints: Buffer;
  #count = 0;
  /** By key, where its elements begin in `order`; made when all elements are there. */
  #starts: Int32Array | undefined;
  #order = new Int32Array(0);

  constructor(family: Family) {
    this.#family = family;
    this.#width = addressWidth(family) + 4;
    this.#endpoints = Buffer.alloc(1024 * this.#width);
  }

  /** An element of the key with this number. False: there is no such slot. */
  add(key: number, slot: number, bytes: Buffer, value: number): boolean {
    if (slot >= nearOffset * 2) return false;
    if (this.#count === this.#keys.length) this.#grow();
    const element = this.#count++;
    this.#keys[element] = key;
    this.#slots[element] = slot;
    const at = element * this.#width;
    for (let i = 0; i < this.#width; i++) this.#endpoints[at + i] = bytes[value + i] ?? 0;
    return true;
  }

  /** Tells each endpoint, as often as it is in a slot. */
  each(visit: (bytes: Buffer, at: number) => void): void {
    for (let element = 0; element < this.#count; element++) visit(this.#endpoints, element * this.#width);
  }

  /** The endpoints of a key by slot; '' where there is a hole. */
  read(key: number): Pools {
    const pools: [string[], string[]] = [[], []];
    const [start, end] = this.#elementsOf(key);
    for (let i = start; i < end; i++) {
      const element = this.#order[i] ?? 0;
      const slot = this.#slots[element] ?? 0;
      const [list, index] = slot < nearOffset ? [pools[0], slot] : [pools[1], slot - nearOffset];
      while (list.length < index) list.push('');
      list[index] = endpointText(this.#endpoints, this.#family, element * this.#width);
    }
    return pools;
  }

  /** Whether these are the endpoints of a key, each in its slot. */
  are(key: number, pools: Pools): boolean {
    const [start, end] = this.#elementsOf(key);
    // No slot is there twice, so with as many of them there is no hole either.
    if (end - start !== pools[0].length + pools[1].length) return false;
    for (let i = start; i < end; i++) {
      const element = this.#order[i] ?? 0;
      const slot = this.#slots[element] ?? 0;
      const text = slot < nearOffset ? pools[0][slot] : pools[1][slot - nearOffset];
      if (text === undefined || !endpointIs(text, this.#endpoints, this.#family, element * this.#width)) return false;
    }
    return true;
  }

  #elementsOf(key: number): [start: number, end: number] {
    const starts = this.#starts ?? this.#sort();
    return [starts[key] ?? this.#count, starts[key + 1] ?? this.#count];
  }

  /** Counts the elements of each key, and puts them one behind the other. */
  #sort(): Int32Array {
    const keys = this.#keys.subarray(0, this.#count);
    let highest = -1;
    for (const key of keys) if (key > highest) highest = key;
    const starts = new Int32Array(highest + 2);
    for (const key of keys) starts[key + 1] = (starts[key + 1] ?? 0) + 1;
    for (let key = 0; key <= highest; key++) starts[key + 1] = (starts[key + 1] ?? 0) + (starts[key] ?? 0);
    const next = starts.slice();
    this.#order = new Int32Array(this.#count);
    for (const [element, key] of keys.entries()) {
      const place = next[key] ?? 0;
      this.#order[place] = element;
      next[key] = place + 1;
    }
    this.#starts = starts;
    return starts;
  }

  #grow(): void {
    const double = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const bigger = new Int32Array(old.length * 2);
      bigger.set(old);
      return bigger;
    };
    this.#keys = double(this.#keys);
    this.#slots = double(this.#slots);
    this.#endpoints = Buffer.concat([this.#endpoints, Buffer.alloc(this.#endpoints.length)]);
  }
}

export class FoundEntry implements Held {
  readonly key: string;
  readonly family: Family;
  internal = 0;
  external = 0;
  readonly sticky: [Sticky[], Sticky[]] = [[], []];
  sources: string[] | undefined = undefined;
  sourceNat: 'all' | 'own' | undefined = undefined;
  readonly #number: number;
  readonly #slots: FoundSlots;
  #plain: Pools | undefined;

  /** `number`: the key's, in `slots`. */
  constructor(key: string, family: Family, number: number, slots: FoundSlots) {
    this.key = key;
    this.family = family;
    this.#number = number;
    this.#slots = slots;
  }

  get plain(): Pools {
    return (this.#plain ??= this.#slots.read(this.#number));
  }

  /** Where its endpoints are these, in these slots, they are these very lists: nothing is read, and who compares is done. */
  adopt(pools: Pools): void {
    if (this.#slots.are(this.#number, pools)) this.#plain = [pools[0], pools[1]];
  }

  forget(): void {
    this.#plain = undefined;
  }
}
