/**
 * Keeps the constant part of a table right: written when it is missing or damaged, left alone when it stands. A mark in the
 * table says which text was written and what the kernel made of it, so that a new process can tell without writing.
 */
import { NetlinkError } from '../kernel/index.ts';
import type { ListedElement, Nft, NftElements, TablePart } from '../kernel/index.ts';
import {
  aboutChain,
  dropCode,
  familyWord,
  pickerCode,
  pickerName,
  pickerOf,
  readyPickers,
  refuseCode,
} from './ruleset.ts';
import type { Picker, RulesetOptions } from './ruleset.ts';
import { aboutScript, digest, isSayable, partNames, pickerScript, rulesetScript, unpickerScript } from './script.ts';

export class Rules {
  readonly #nft: Nft;
  readonly #kernel: NftElements;
  readonly #options: RulesetOptions;
  /** By name. */
  readonly #pickers = new Map<string, Picker>();
  readonly #ranks = new Map<number, number>();
  /** Transactions that this object made. */
  commits = 0;

  constructor(nft: Nft, kernel: NftElements, options: RulesetOptions) {
    this.#nft = nft;
    this.#kernel = kernel;
    this.#options = options;
    for (const picker of readyPickers()) this.#pickers.set(pickerName(picker), picker);
  }

  has(picker: Picker): boolean {
    return this.#pickers.has(pickerName(picker));
  }

  /** `wish`: the rank that the kernel's elements use already. */
  rankOf(seconds: number, wish?: number): number {
    const known = this.#ranks.get(seconds);
    if (known !== undefined) return known;
    const taken = new Set(this.#ranks.values());
    let rank = wish ?? 0;
    while (taken.has(rank)) rank++;
    this.#ranks.set(seconds, rank);
    return rank;
  }

  /** Chains for pool sizes or time-outs that nobody needed so far. */
  add(pickers: readonly Picker[]): void {
    const all = pickers.flatMap(neighbours).filter((picker) => !this.has(picker));
    const fresh = new Map(all.map((picker) => [pickerName(picker), picker]));
    this.#run(pickerScript(this.#options, [...fresh.values()]));
    for (const [name, picker] of fresh) this.#pickers.set(name, picker);
    this.#mark();
  }

  /** Takes away chains that no code in use leads to, in the groups in which they came. */
  prune(codes: ReadonlySet<number>): void {
    const groups = Map.groupBy(this.#extra(), groupName);
    const idle = [...groups.values()].filter((group) => !group.some((picker) => codes.has(pickerCode(picker)))).flat();
    if (idle.length === 0) return;
    this.#run(unpickerScript(this.#options, idle));
    for (const picker of idle) this.#pickers.delete(pickerName(picker));
    const times = new Set([...this.#pickers.values()].map((picker) => (picker.kind === 'stick' ? picker.seconds : 0)));
    for (const seconds of this.#ranks.keys()) if (!times.has(seconds)) this.#ranks.delete(seconds);
    this.#mark();
  }

  /** Chains beyond those that are always there. */
  get extras(): number {
    return this.#extra().length;
  }

  /** Whether the kernel has the rules as they were written. Takes over the pickers that are there. */
  stand(): boolean {
    const { family, table } = this.#options;
    const fingerprint = this.#kernel.fingerprint(familyWord(family), table, aboutChain);
    return fingerprint !== undefined && this.#adoptRoutes() && this.#written() === this.#text(fingerprint);
  }

  /** True when it had to write. */
  ensure(): boolean {
    if (this.stand()) return false;
    const foreign = this.#foreign();
    if (!foreign.every(isSayable)) this.#replace();
    else {
      try {
        this.#run(rulesetScript(this.#options, this.#extra(), foreign));
      } catch (error) {
        // A table of the same name with maps of another shape, by an older version: it can't be changed, only replaced.
        this.#replace(error);
      }
    }
    this.#mark();
    return true;
  }

  #replace(cause?: unknown): void {
    const name = `${familyWord(this.#options.family)} ${this.#options.table}`;
    this.#run(`add table ${name}\ndelete table ${name}\n${rulesetScript(this.#options, this.#extra())}`, cause);
  }

  /** What is in the table and not from us: an older version's, or somebody's who means harm. */
  #foreign(): readonly TablePart[] {
    const { family, table } = this.#options;
    const ours = partNames(this.#options, this.#extra());
    return this.#kernel.parts(familyWord(family), table).filter(({ name }) => !ours.has(name));
  }

  delete(): void {
    const table = `${familyWord(this.#options.family)} ${this.#options.table}`;
    this.#run(`add table ${table}\ndelete table ${table}\n`);
  }

  /** Takes over the pickers of the process before: elements refer to them. False: @route is not as it must be. */
  #adoptRoutes(): boolean {
    const routes = new Map<number, string>();
    for (const { key, verdict } of this.#routes()) {
      if (key.length !== 4) return false;
      routes.set(key.readUInt32LE(0), verdict?.kind === 'goto' ? verdict.chain : (verdict?.kind ?? ''));
    }
    for (const [code, name] of routes) {
      const picker = pickerOf(code, name);
      if (picker === undefined || this.#pickers.has(name)) continue;
      if (picker.kind === 'stick' && this.rankOf(picker.seconds, picker.rank) !== picker.rank) continue;
      this.#pickers.set(name, picker);
    }
    const wanted = [...this.#pickers].map(([name, picker]) => [pickerCode(picker), name] as const);
    const all = [...wanted, [refuseCode, 'refuse'] as const, [dropCode, 'drop'] as const];
    return all.length === routes.size && all.every(([code, name]) => routes.get(code) === name);
  }

  /** A table with our name and without our maps is somebody else's work. */
  #routes(): readonly ListedElement[] {
    const { family, table } = this.#options;
    try {
      return this.#kernel.list(familyWord(family), table, 'route');
    } catch (error) {
      if (error instanceof NetlinkError && error.code === 'ENOENT') return [];
      throw error;
    }
  }

  #extra(): readonly Picker[] {
    const ready = new Set(readyPickers().map(pickerName));
    return [...this.#pickers].flatMap(([name, picker]) => (ready.has(name) ? [] : [picker]));
  }

  #mark(): void {
    const { family, table } = this.#options;
    const fingerprint = this.#kernel.fingerprint(familyWord(family), table, aboutChain) ?? '';
    this.#run(aboutScript(this.#options, this.#text(fingerprint)));
  }

  /** Which text was written, and what the kernel made of it. */
  #text(fingerprint: string): string {
    return `portolan ${digest(rulesetScript(this.#options, []))} ${fingerprint}`;
  }

  /** Not asked of libnftables: it would read every element of the table for it. */
  #written(): string {
    const { family, table } = this.#options;
    return this.#kernel.comments(familyWord(family), table, aboutChain)[0] ?? '';
  }

  #run(script: string, cause?: unknown): void {
    try {
      this.#nft.run(script);
      this.commits++;
    } catch (error) {
      if (cause !== undefined && error instanceof Error) error.cause = cause;
      throw error;
    }
  }
}

const step = 32;

/** Pickers that came together, by neighbours(). */
function groupName(picker: Picker): string {
  const kind = picker.kind === 'pick' ? 'pick' : `stick ${String(picker.seconds)}`;
  return `${kind} ${String(picker.near)} ${String(Math.floor((picker.slots - 1) / step))}`;
}

/**
 * Sizes around this one: libnftables reads the whole map that a new rule refers to (40 ms at 100,000 elements), so a service
 * that grows further pays that once for many sizes.
 */
function neighbours(picker: Picker): readonly Picker[] {
  const first = Math.floor((picker.slots - 1) / step) * step + 1;
  return Array.from({ length: step }, (_, i) => ({ ...picker, slots: first + i }));
}
