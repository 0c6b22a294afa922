/**
 * The data plane on nftables: every change is one netlink transaction over both families, and costs what it changes, not what
 * there is.
 *
 *   start   rules stand? read everything back; entry by entry as they come, commit the difference   (the kernel went on meanwhile)
 *   apply   plan, difference in memory, commit; the kernel refuses: it is not as we think ──> mend
 *   audit   generation as after our last commit? nothing to do : mend
 *   mend    rules, then read everything back and commit the difference
 */
import { NetlinkError, NftError, openNft, openNftElements } from '../kernel/index.ts';
import type { ElementChange, Nft, NftElements } from '../kernel/index.ts';
import type { TableEntry } from '../model/index.ts';
import { mustParseCidr } from '../util/ip.ts';
import { log } from '../util/log.ts';
import { FamilyTable } from './family-table.ts';
import { planOf } from './plan.ts';
import type { PlanOptions } from './plan.ts';
import { familiesOf, planOptions, rulesetOptions } from './settings.ts';
import type { Applied, DataPlane, DataPlaneOptions, TableDiff } from './types.ts';

const logger = log('dataplane');
/** Keys in one transaction of a start: between them the process answers probes and health checks. */
const chunk = 1_000;

/** What a transaction is about. */
type Keys = ReadonlyMap<FamilyTable, ReadonlySet<string>>;

export function createDataPlane(options: DataPlaneOptions): DataPlane {
  return new NftDataPlane(options);
}

class NftDataPlane implements DataPlane {
  readonly #nft: Nft;
  readonly #kernel: NftElements;
  readonly #tables: readonly FamilyTable[];
  readonly #plan: PlanOptions;
  /** The kernel's after our last commit; NaN, which is like no other: what is there is not known. */
  #generation = Number.NaN;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: DataPlaneOptions) {
    this.#nft = openNft(options.netns);
    this.#kernel = openNftElements(options.netns);
    const localPods = options.podCidrs.map(mustParseCidr);
    this.#tables = familiesOf(options).map(
      (family) => new FamilyTable(this.#nft, this.#kernel, rulesetOptions(family, options), localPods),
    );
    this.#plan = planOptions(options);
  }

  start(entries: Iterable<TableEntry>): Promise<Applied> {
    return this.#serially(async () => ({ ...(await this.#mend(entries)), mended: undefined }));
  }

  apply(diff: TableDiff): Promise<Applied> {
    return this.#serially(async () => {
      const keys = this.#noKeys();
      for (const key of diff.remove) {
        for (const [table, names] of keys) {
          table.unwant(key);
          names.add(key);
        }
      }
      for (const entry of diff.set) {
        const table = this.#want(entry);
        if (table !== undefined) keys.get(table)?.add(entry.key);
      }
      const began = performance.now();
      try {
        return { changes: this.#commit(keys), milliseconds: performance.now() - began };
      } catch (error) {
        // Whatever the reason, chains and maps may be gone, or others: only to look at them tells.
        if (!(error instanceof NetlinkError || error instanceof NftError)) throw error;
        logger.warn({ err: error.message }, 'the kernel does not hold what was written: reading it back');
        return await this.#mend();
      }
    });
  }

  audit(): Promise<Applied> {
    return this.#serially(async () => {
      if (this.#kernel.generation() !== this.#generation) return this.#mend();
      const commits = this.#ruleCommits();
      for (const table of this.#tables) table.prune();
      this.#generation += this.#ruleCommits() - commits;
      return { changes: 0, milliseconds: 0 };
    });
  }

  remove(): Promise<void> {
    return this.#serially(async () => {
      for (const table of this.#tables) table.rules.delete();
    });
  }

  close(): void {
    this.#nft.close();
    this.#kernel.close();
  }

  /** One after the other, also when one fails. */
  #serially<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #want(entry: TableEntry): FamilyTable | undefined {
    const table = this.#tables.find(({ family }) => family === entry.frontend.family);
    if (table === undefined) return undefined;
    table.want(planOf(entry, this.#plan));
    return table;
  }

  async #mend(entries: Iterable<TableEntry> = []): Promise<Applied> {
    try {
      return await this.#readAndWrite(entries);
    } catch (error) {
      // Half done: the next audit must not take it for whole.
      this.#generation = Number.NaN;
      throw error;
    }
  }

  /** `entries`: what is wanted, at a start. They are looked at as they come, so that none is kept. */
  async #readAndWrite(entries: Iterable<TableEntry>): Promise<Applied> {
    const began = performance.now();
    // Counted from before we look: whatever others do meanwhile is looked at again by the next audit.
    this.#generation = this.#kernel.generation();
    const found: string[] = [];
    let changes = 0;
    for (const table of this.#tables) {
      const commits = table.rules.commits;
      if (table.rules.ensure()) found.push(`rules of table ${table.family}`);
      this.#generation += table.rules.commits - commits;
      const strays = table.read();
      if (strays.length > 0) this.#write(strays);
      changes += size(strays);
    }
    const unclaimed: string[] = [];
    for (const keys of this.#inChunks(entries, unclaimed)) {
      changes += this.#commit(keys);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const table of this.#tables) table.believe();
    if (changes > 0) found.push(`${String(changes)} elements`);
    const mended = found.length > 0 ? `rewritten: ${found.join(', ')}` : undefined;
    return { changes, milliseconds: performance.now() - began, unclaimed, ...(mended === undefined ? {} : { mended }) };
  }

  /**
   * The keys of the entries, which are wanted from then on, and last those that are in another state than they should be; of these
   * `unclaimed` gets those that nobody wants.
   */
  *#inChunks(entries: Iterable<TableEntry>, unclaimed: string[]): Generator<Keys> {
    let keys = this.#noKeys();
    let count = 0;
    for (const entry of entries) {
      const table = this.#want(entry);
      if (table !== undefined) keys.get(table)?.add(entry.key);
      if (++count % chunk !== 0) continue;
      yield keys;
      keys = this.#noKeys();
    }
    yield keys;
    for (const table of this.#tables) {
      unclaimed.push(...table.unclaimed());
      const rest = [...table.unsettled()];
      for (let i = 0; i < rest.length; i += chunk) yield new Map([[table, new Set(rest.slice(i, i + chunk))]]);
    }
  }

  #noKeys(): Map<FamilyTable, Set<string>> {
    return new Map(this.#tables.map((table) => [table, new Set()]));
  }

  /** One transaction over these keys; returns how many elements it changed. */
  #commit(keys: Keys): number {
    const commits = this.#ruleCommits();
    const steps = [...keys].map(([table, names]) => table.changes(names));
    this.#generation += this.#ruleCommits() - commits;
    const changes = steps.flatMap((step) => step.changes);
    if (changes.length > 0) this.#write(changes);
    for (const step of steps) step.accept();
    return size(changes);
  }

  #write(changes: readonly ElementChange[]): void {
    this.#kernel.commit(changes);
    this.#generation++;
  }

  #ruleCommits(): number {
    return this.#tables.reduce((sum, { rules }) => sum + rules.commits, 0);
  }
}

function size(changes: readonly ElementChange[]): number {
  return changes.reduce((sum, { elements }) => sum + elements.length, 0);
}
