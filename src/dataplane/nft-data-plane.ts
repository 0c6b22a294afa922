/**
 * The data plane on nftables: every change is one netlink transaction over both families, and costs what it changes, not what
 * there is.
 *
 *   start   rules stand? read everything back, commit the difference        (the kernel went on meanwhile)
 *   apply   plan, difference in memory, commit; the kernel says "not as you think" ──> mend
 *   audit   generation as after our last commit? nothing to do : mend
 *   mend    rules, then read everything back and commit the difference
 */
import { NetlinkError, openNft, openNftElements } from '../kernel/index.ts';
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
/** Entries in one transaction of a start: between them the process answers probes and health checks. */
const chunk = 1_000;

export function createDataPlane(options: DataPlaneOptions): DataPlane {
  return new NftDataPlane(options);
}

class NftDataPlane implements DataPlane {
  readonly #nft: Nft;
  readonly #kernel: NftElements;
  readonly #tables: readonly FamilyTable[];
  readonly #plan: PlanOptions;
  /** The kernel's after our last commit. */
  #generation = -1;
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
    return this.#serially(async () => {
      for (const entry of entries) this.#want(entry);
      return { ...(await this.#mend()), mended: undefined };
    });
  }

  apply(diff: TableDiff): Promise<Applied> {
    return this.#serially(async () => {
      const keys = new Map<FamilyTable, Set<string>>(this.#tables.map((table) => [table, new Set()]));
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
        if (!(error instanceof NetlinkError) || !disagreement.has(error.code)) throw error;
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

  async #mend(): Promise<Applied> {
    const began = performance.now();
    const before = this.#kernel.generation();
    const commits = this.#ruleCommits();
    const found: string[] = [];
    let changes = 0;
    let own = 0;
    for (const table of this.#tables) {
      if (table.rules.ensure()) found.push(`rules of table ${table.family}`);
      const strays = table.read();
      if (strays.length > 0) {
        this.#kernel.commit(strays);
        own++;
        changes += size(strays);
      }
      const keys = [...table.keys()];
      for (let i = 0; i < keys.length; i += chunk) {
        const step = table.changes(keys.slice(i, i + chunk));
        if (step.count > 0) {
          this.#kernel.commit(step.changes);
          own++;
          await new Promise((resolve) => setImmediate(resolve));
        }
        step.accept();
        changes += step.count;
      }
      table.believe();
    }
    // Counted from before we looked: whatever others did meanwhile is looked at again by the next audit.
    this.#generation = before + own + this.#ruleCommits() - commits;
    if (changes > 0) found.push(`${String(changes)} elements`);
    const mended = found.length > 0 ? `rewritten: ${found.join(', ')}` : undefined;
    return { changes, milliseconds: performance.now() - began, ...(mended === undefined ? {} : { mended }) };
  }

  #commit(keys: ReadonlyMap<FamilyTable, Set<string>>): number {
    const commits = this.#ruleCommits();
    const steps = [...keys].map(([table, names]) => table.changes(names));
    const changes = steps.flatMap((step) => step.changes);
    if (changes.length > 0) this.#kernel.commit(changes);
    for (const step of steps) step.accept();
    this.#generation += this.#ruleCommits() - commits + (changes.length > 0 ? 1 : 0);
    return size(changes);
  }

  #ruleCommits(): number {
    return this.#tables.reduce((sum, { rules }) => sum + rules.commits, 0);
  }
}

/** Somebody else wrote, or deleted, what we hold. */
const disagreement: ReadonlySet<string> = new Set(['ENOENT', 'EEXIST', 'EBUSY']);

function size(changes: readonly ElementChange[]): number {
  return changes.reduce((sum, { elements }) => sum + elements.length, 0);
}
