/**
 * A work queue of keys, as client-go's: a key is worked on by one worker at a time, is queued at most once, and is worked on
 * again when it was added meanwhile. A failure puts it back after an exponential wait of its own.
 *
 *   add(key) ─> waiting ─> work(key) ─┬─ done            ─> forgotten
 *                 ^                   ├─ returns ms      ─> again after ms
 *                 └── back-off ───────┴─ throws          ─> again after 5 ms, 10 ms, … maxMs
 *
 * Work starts in the same turn of the event loop that added it: no debounce.
 */
import { backoffMs } from './backoff.ts';

export interface WorkQueueOptions {
  /** Keys worked on at the same time. */
  readonly concurrency?: number;
  readonly baseMs?: number;
  readonly maxMs?: number;
  /** Told of each failure, before the wait. */
  readonly onError?: (key: string, error: unknown, failures: number) => void;
}

export interface WorkQueue {
  add(key: string): void;
  /** The earliest wish wins; `add` does not wait for it. */
  addAfter(key: string, ms: number): void;
  /** Waiting and running, not the delayed ones. */
  readonly size: number;
  /** Resolves when nothing is waiting or running. */
  idle(): Promise<void>;
}

/** Milliseconds: work on this key again then. */
export type Work = (key: string) => Promise<number | void>;

interface Delayed {
  readonly at: number;
  readonly timer: NodeJS.Timeout;
}

const longestTimer = 2 ** 31 - 1;

export function createWorkQueue(work: Work, signal: AbortSignal, options: WorkQueueOptions = {}): WorkQueue {
  const concurrency = options.concurrency ?? 4;
  const waits = { baseMs: options.baseMs ?? 5, maxMs: options.maxMs ?? 30_000, jitter: 0.2 };
  const waiting = new Set<string>();
  const running = new Set<string>();
  const again = new Set<string>();
  const failures = new Map<string, number>();
  const delayed = new Map<string, Delayed>();
  let idlers: (() => void)[] = [];
  let pumping = false;

  const add = (key: string): void => {
    if (signal.aborted) return;
    if (running.has(key)) {
      again.add(key);
      return;
    }
    waiting.add(key);
    if (pumping) return;
    pumping = true;
    queueMicrotask(pump);
  };

  const addAfter = (key: string, ms: number): void => {
    if (signal.aborted) return;
    if (ms <= 0) {
      add(key);
      return;
    }
    const at = performance.now() + ms;
    const pending = delayed.get(key);
    if (pending !== undefined && pending.at <= at) return;
    clearTimeout(pending?.timer);
    const timer = setTimeout(
      () => {
        delayed.delete(key);
        add(key);
      },
      Math.min(ms, longestTimer),
    );
    delayed.set(key, { at, timer });
  };

  const pump = (): void => {
    pumping = false;
    for (const key of waiting) {
      if (signal.aborted || running.size >= concurrency) return;
      waiting.delete(key);
      running.add(key);
      void run(key);
    }
    if (waiting.size + running.size > 0) return;
    const done = idlers;
    idlers = [];
    for (const resolve of done) resolve();
  };

  const run = async (key: string): Promise<void> => {
    try {
      const after = await work(key);
      failures.delete(key);
      if (after !== undefined) addAfter(key, after);
    } catch (error) {
      failed(key, error);
    }
    running.delete(key);
    if (again.delete(key)) waiting.add(key);
    pump();
  };

  const failed = (key: string, error: unknown): void => {
    if (signal.aborted) return;
    const count = (failures.get(key) ?? 0) + 1;
    failures.set(key, count);
    options.onError?.(key, error, count);
    addAfter(key, backoffMs(count - 1, waits));
  };

  signal.addEventListener(
    'abort',
    () => {
      for (const { timer } of delayed.values()) clearTimeout(timer);
      delayed.clear();
      waiting.clear();
      again.clear();
      pump();
    },
    { once: true },
  );

  return {
    add,
    addAfter,
    get size() {
      return waiting.size + running.size;
    },
    idle: () =>
      waiting.size + running.size === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            idlers.push(resolve);
          }),
  };
}
