/**
 * From "something changed" to "the kernel has it": one pass at a time, begun in the same turn of the event loop as the change,
 * so that what arrives together is one transaction and nothing waits for a timer.
 *
 *   touch() ─> microtask ─> take dirty services ─> DataPlane.apply ─> listeners (UDP flows, health ports, local ports)
 *                               ^── failed: the same diff again, after a back-off
 *   configure() ──────────> the whole table ─────> DataPlane.start ─> the same
 */
import type { Applied, DataPlane, DataPlaneOptions, TableDiff } from '../dataplane/index.ts';
import type { TableEntry } from '../model/index.ts';
import { createBackoff, sleep } from '../util/backoff.ts';
import { log } from '../util/log.ts';
import type { TableStore, Taken } from './table-store.ts';

export interface SyncerEvents {
  /** The entries of a full pass on their way to the kernel: to be handed on. */
  readonly onStart: (entries: Iterable<TableEntry>) => Iterable<TableEntry>;
  /** In the kernel; `before` are the entries as they were. */
  readonly onApplied: (pass: Pass) => void;
  readonly onFailed: (error: unknown) => void;
  readonly onMended: (what: string) => void;
  /** Between passes the tables were looked at, and are as they should be. */
  readonly onAudited: (applied: Applied) => void;
}

export interface Pass {
  readonly services: readonly string[];
  /** Nothing, where the pass is full. */
  readonly diff: TableDiff;
  readonly before: readonly TableEntry[];
  readonly applied: Applied;
  /** Everything there is: the first pass, and one with other options. */
  readonly full: boolean;
}

const logger = log('proxy');

export class Syncer {
  readonly #store: TableStore;
  readonly #open: (options: DataPlaneOptions) => DataPlane;
  readonly #events: SyncerEvents;
  readonly #signal: AbortSignal;
  #plane: DataPlane | undefined;
  /** What the plane was made with: with other options in force, the next pass replaces it. */
  #madeWith: DataPlaneOptions | undefined;
  #auditing: Promise<unknown> | undefined;
  #options: DataPlaneOptions | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  readonly #failures = createBackoff({ baseMs: 50, maxMs: 10_000 });
  #unwritten: Taken | undefined;
  #auditAfter = 0;

  constructor(
    store: TableStore,
    open: (options: DataPlaneOptions) => DataPlane,
    events: SyncerEvents,
    signal: AbortSignal,
  ) {
    this.#store = store;
    this.#open = open;
    this.#events = events;
    this.#signal = signal;
  }

  /** Before it is called for the first time nothing is written. Called again when the node's own ranges change. */
  configure(options: DataPlaneOptions): void {
    if (JSON.stringify(options) === JSON.stringify(this.#options)) return;
    this.#options = options;
    this.touch();
  }

  touch(): void {
    if (this.#options === undefined || this.#signal.aborted) return;
    this.#again = true;
    this.#running ??= this.#loop();
  }

  /** Looks whether somebody changed our tables; at most a hundredth of the time goes into it. */
  async audit(): Promise<void> {
    if (this.#running !== undefined || this.#plane === undefined || performance.now() < this.#auditAfter) return;
    const began = performance.now();
    try {
      const auditing = this.#plane.audit();
      this.#auditing = auditing.catch(() => undefined);
      const applied = await auditing;
      this.#auditAfter = began + applied.milliseconds * 100;
      if (applied.mended !== undefined) this.#events.onMended(applied.mended);
      this.#events.onAudited(applied);
    } catch (error) {
      logger.error({ err: error }, 'looking at the kernel tables failed');
      this.#events.onFailed(error);
      // Until then nothing is known to be right, so that is worth more of the time.
      this.#auditAfter = began + (performance.now() - began) * 10;
    }
  }

  /** Resolves when nothing is being written. */
  async close(): Promise<void> {
    await this.#running;
    await this.#auditing;
    this.#plane?.close();
    this.#plane = undefined;
  }

  async #loop(): Promise<void> {
    await Promise.resolve();
    while (this.#again && !this.#signal.aborted) {
      this.#again = false;
      try {
        await this.#pass();
        this.#failures.reset();
      } catch (error) {
        const waitMs = this.#failures.next();
        logger.error({ err: error, waitMs }, 'writing the kernel tables failed');
        this.#events.onFailed(error);
        await sleep(waitMs, this.#signal);
        this.#again = true;
      }
    }
    this.#running = undefined;
  }

  async #pass(): Promise<void> {
    const plane = this.#madeWith === this.#options ? this.#plane : undefined;
    const pass = plane === undefined ? await this.#start() : await this.#apply(plane);
    this.#unwritten = undefined;
    if (pass.applied.mended !== undefined) this.#events.onMended(pass.applied.mended);
    this.#events.onApplied(pass);
  }

  async #apply(plane: DataPlane): Promise<Pass> {
    const taken = this.#store.take();
    const failed = this.#unwritten;
    // What the kernel still holds after a failure is what it held before the failed pass.
    const pass =
      failed === undefined
        ? taken
        : {
            services: [...new Set([...failed.services, ...taken.services])],
            before: [...failed.before, ...taken.before],
            diff: merge(failed.diff, taken.diff),
          };
    this.#unwritten = pass;
    return { ...pass, applied: await plane.apply(pass.diff), full: false };
  }

  async #start(): Promise<Pass> {
    const options = this.#options;
    if (options === undefined) throw new Error('the data plane is not configured');
    const { services, entries } = this.#store.takeAll();
    const pass = {
      services: [...new Set([...(this.#unwritten?.services ?? []), ...services])],
      before: [],
      diff: { set: [], remove: [] },
    };
    this.#unwritten = pass;
    await this.#auditing;
    this.#plane?.close();
    this.#plane = undefined;
    const plane = this.#open(options);
    try {
      const applied = await plane.start(this.#events.onStart(entries));
      this.#plane = plane;
      this.#madeWith = options;
      return { ...pass, applied, full: true };
    } catch (error) {
      plane.close();
      throw error;
    }
  }
}

function merge(old: TableDiff, now: TableDiff): TableDiff {
  const set = new Map([...old.set, ...now.set].map((entry) => [entry.key, entry]));
  for (const key of now.remove) set.delete(key);
  const remove = new Set([...old.remove, ...now.remove]);
  for (const { key } of now.set) remove.delete(key);
  return { set: [...set.values()], remove: [...remove] };
}
