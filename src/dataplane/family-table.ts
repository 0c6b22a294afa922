/**
 * Our table of one address family: what it should hold, what it does hold, and the changes between. Everything but ensure()
 * and read() is memory; the data plane commits the changes of both families in one transaction.
 */
import type { ElementChange, Nft, NftElement, NftElements } from '../kernel/index.ts';
import type { Family } from '../model/index.ts';
import type { Cidr } from '../util/ip.ts';
import { addressText, pairBytes } from './bytes.ts';
import { encodeElement, setNameOf } from './element-bytes.ts';
import { FoundEntry } from './found.ts';
import { differ, settle } from './held.ts';
import type { Allocation, ElementWords, Held } from './held.ts';
import type { Plan } from './plan.ts';
import { readBack } from './read-back.ts';
import { Rules } from './rules.ts';
import { withinAny, withinAnyBytes } from './ranges.ts';
import { familyWord, nearOffset } from './ruleset.ts';
import type { Picker, RulesetOptions } from './ruleset.ts';
import { StickyIds } from './sticky-ids.ts';

export class FamilyTable {
  readonly family: Family;
  readonly rules: Rules;
  readonly #kernel: NftElements;
  readonly #table: string;
  readonly #isLocal: (endpoint: string) => boolean;
  readonly #isLocalAt: (bytes: Buffer, at: number) => boolean;
  readonly #hasLocalPods: boolean;
  /** What was asked for and is not in the kernel yet; undefined: to be taken away. */
  readonly #pending = new Map<string, Plan | undefined>();
  /** What the kernel should hold: as it was committed. */
  readonly #held = new Map<string, Held>();
  /** What it does hold, while that may be something else: from read() until everything is put right. */
  #found: Map<string, Held> | undefined;
  /** How many entries lead to a pod of this node. */
  #hairpin = new Map<string, number>();
  readonly #ids = new StickyIds();
  /** Since prune() looked. */
  #hasChanged = false;

  constructor(nft: Nft, kernel: NftElements, options: RulesetOptions, localPods: readonly Cidr[]) {
    this.family = options.family;
    this.rules = new Rules(nft, kernel, options);
    this.#kernel = kernel;
    this.#table = options.table;
    const ranges = localPods.filter((cidr) => cidr.family === options.family);
    this.#hasLocalPods = ranges.length > 0;
    this.#isLocal = withinAny(ranges);
    this.#isLocalAt = withinAnyBytes(ranges);
  }

  want(plan: Plan): void {
    this.#pending.set(plan.key, plan);
  }

  unwant(key: string): void {
    this.#pending.set(key, undefined);
  }

  /** Keys that something was asked for, and those that the kernel was found to hold otherwise than it should. */
  unsettled(): Set<string> {
    const keys = new Set(this.#pending.keys());
    if (this.#found === undefined) return keys;
    for (const [key, held] of this.#held) if (this.#found.get(key) !== held) keys.add(key);
    for (const key of this.#found.keys()) if (!this.#held.has(key)) keys.add(key);
    return keys;
  }

  /** Keys that the kernel was found to hold and nobody wants. */
  unclaimed(): readonly string[] {
    const isWanted = (key: string): boolean => this.#held.has(key) || this.#pending.get(key) !== undefined;
    return [...(this.#found?.keys() ?? [])].filter((key) => !isWanted(key));
  }

  /** Reads the kernel, to be compared key by key. Returns the changes that clear away what nobody of us wrote. */
  read(): ElementChange[] {
    const { held, slots, hairpin, strays, ids } = readBack(this.#kernel, this.family, this.#table);
    this.#found = held;
    this.#ids.recount(ids);
    this.#hairpin = new Map();
    for (const entry of held.values()) this.#countSticky(entry, 1);
    // As #count would, without making their texts.
    slots.each((bytes, at) => {
      if (this.#isLocalAt(bytes, at)) this.#countPod(addressText(bytes, at, this.family), 1);
    });
    const changes: ElementChange[] = strays.map(({ set, element }) => this.#change('delete', set, [element]));
    const wrong = [...hairpin].filter((address) => !this.#hairpin.has(address));
    const missing = [...this.#hairpin.keys()].filter((address) => !hairpin.has(address));
    if (wrong.length > 0) changes.push(this.#change('delete', 'hairpin', wrong.map(pairElement)));
    if (missing.length > 0) changes.push(this.#change('add', 'hairpin', missing.map(pairElement)));
    return changes;
  }

  /** After read(), when nothing is unsettled() any more: from now on what was committed is what is there. */
  believe(): void {
    this.#found = undefined;
  }

  /** What it takes to bring these keys where they should be; `accept` once the kernel has it. */
  changes(keys: Iterable<string>): { readonly changes: ElementChange[]; readonly count: number; accept(): void } {
    const removed = new Map<string, NftElement[]>();
    const added = new Map<string, NftElement[]>();
    const put =
      (into: Map<string, NftElement[]>) =>
      (words: ElementWords): void => {
        const name = setNameOf(words);
        const elements = into.get(name);
        if (elements === undefined) into.set(name, [encodeElement(words)]);
        else elements.push(encodeElement(words));
      };
    const sink = { remove: put(removed), add: put(added) };
    const pickers: Picker[] = [];
    const allocation: Allocation = {
      stick: (group, before) => this.#ids.of(group, before),
      rankOf: (seconds) => this.rules.rankOf(seconds),
      use: (picker) => {
        if (!this.rules.has(picker)) pickers.push(picker);
      },
    };
    const settled: [string, Held | undefined][] = [];
    for (const key of keys) {
      const before = this.#before(key);
      const plan = this.#pending.get(key);
      const likely = plan?.pools ?? this.#held.get(key)?.plain;
      if (before instanceof FoundEntry && likely !== undefined) before.adopt(likely);
      const after =
        plan !== undefined
          ? settle(plan, before, allocation)
          : this.#pending.has(key)
            ? undefined
            : this.#held.get(key);
      differ(before, after, nearOffset, sink);
      settled.push([key, after]);
    }
    if (pickers.length > 0) this.rules.add(pickers);
    const pods = this.#podChanges(settled);
    const deletions = [...removed].map(([set, elements]) => this.#change('delete', set, elements));
    const additions = [...added].map(([set, elements]) => this.#change('add', set, elements));
    const changes = [...deletions, ...pods, ...additions];
    return {
      changes,
      count: changes.reduce((sum, { elements }) => sum + elements.length, 0),
      accept: () => {
        for (const [key, after] of settled) this.#accept(key, after);
      },
    };
  }

  #before(key: string): Held | undefined {
    return (this.#found ?? this.#held).get(key);
  }

  #accept(key: string, after: Held | undefined): void {
    const before = this.#before(key);
    if (after !== before) {
      this.#hasChanged = true;
      // In this order: what stays is never counted as gone.
      this.#count(after, 1);
      this.#count(before, -1);
    }
    this.#pending.delete(key);
    if (after instanceof FoundEntry) after.forget();
    for (const map of [this.#held, this.#found]) {
      if (after === undefined) map?.delete(key);
      else map?.set(key, after);
    }
  }

  /** Chains for sizes that no entry has any more. */
  prune(): void {
    if (this.rules.extras === 0 || !this.#hasChanged) return;
    this.#hasChanged = false;
    const codes = new Set<number>();
    for (const { internal, external } of this.#held.values()) codes.add(internal).add(external);
    this.rules.prune(codes);
  }

  #podChanges(settled: readonly (readonly [string, Held | undefined])[]): ElementChange[] {
    const delta = new Map<string, number>();
    const add = (entry: Held | undefined, by: number): void => {
      if (entry === undefined) return;
      for (const address of this.#podsOf(entry)) delta.set(address, (delta.get(address) ?? 0) + by);
    };
    for (const [key, after] of settled) {
      const before = this.#before(key);
      if (before === after) continue;
      add(before, -1);
      add(after, 1);
    }
    const [gone, come]: [string[], string[]] = [[], []];
    for (const [address, by] of delta) {
      const old = this.#hairpin.get(address) ?? 0;
      if (old > 0 && old + by <= 0) gone.push(address);
      if (old === 0 && by > 0) come.push(address);
    }
    const changes: ElementChange[] = [];
    if (gone.length > 0) changes.push(this.#change('delete', 'hairpin', gone.map(pairElement)));
    if (come.length > 0) changes.push(this.#change('add', 'hairpin', come.map(pairElement)));
    return changes;
  }

  #count(entry: Held | undefined, by: 1 | -1): void {
    if (entry === undefined) return;
    this.#countSticky(entry, by);
    if (!this.#hasLocalPods) return;
    for (const pool of entry.plain) {
      for (const endpoint of pool) if (this.#isLocal(endpoint)) this.#countPod(addressOf(endpoint), by);
    }
  }

  #countSticky({ sticky }: Held, by: 1 | -1): void {
    for (const pool of sticky) {
      for (const one of pool) {
        this.#ids.count(one, by);
        if (this.#hasLocalPods && this.#isLocal(one.endpoint)) this.#countPod(addressOf(one.endpoint), by);
      }
    }
  }

  #countPod(address: string, by: 1 | -1): void {
    const count = (this.#hairpin.get(address) ?? 0) + by;
    if (count > 0) this.#hairpin.set(address, count);
    else this.#hairpin.delete(address);
  }

  #podsOf({ plain, sticky }: Held): string[] {
    if (!this.#hasLocalPods) return [];
    const found: string[] = [];
    for (const pool of [0, 1] as const) {
      for (const endpoint of plain[pool]) if (this.#isLocal(endpoint)) found.push(addressOf(endpoint));
      for (const { endpoint } of sticky[pool]) if (this.#isLocal(endpoint)) found.push(addressOf(endpoint));
    }
    return found;
  }

  #change(verb: 'add' | 'delete', set: string, elements: readonly NftElement[]): ElementChange {
    return { verb, family: familyWord(this.family), table: this.#table, set, elements };
  }
}

function addressOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.indexOf(' '));
}

function pairElement(address: string): NftElement {
  return { key: pairBytes(address) };
}
