/**
 * What one write takes from and gives back to the pools, so that all of it can be undone: when the write is refused
 * half-way, when the store throws the transaction away, and always for a dry run.
 */
import type { WriteView } from '../../api/kind.ts';
import type { NumberPool, Taken } from './number-pool.ts';

export class Ledger {
  readonly #undo: (() => void)[] = [];

  take(pool: NumberPool, number: number): Taken {
    const taken = pool.take(number);
    if (taken === 'taken')
      this.#undo.push(() => {
        pool.release(number);
      });
    return taken;
  }

  takeAny(pool: NumberPool): number | undefined {
    const number = pool.takeAny();
    if (number !== undefined)
      this.#undo.push(() => {
        pool.release(number);
      });
    return number;
  }

  release(pool: NumberPool, number: number): void {
    if (!pool.has(number)) return;
    pool.release(number);
    this.#undo.push(() => {
      pool.take(number);
    });
  }

  /** A change of another sort, and how it is taken back. */
  note(undo: () => void): void {
    this.#undo.push(undo);
  }

  undo(): void {
    for (let step = this.#undo.pop(); step !== undefined; step = this.#undo.pop()) step();
  }
}

/** Runs `work`; everything it took is given back on an error, a rollback or a dry run. */
export function withLedger(view: WriteView, work: (ledger: Ledger) => void): void {
  const ledger = new Ledger();
  try {
    work(ledger);
  } catch (error) {
    ledger.undo();
    throw error;
  }
  if (view.dryRun) ledger.undo();
  else
    view.onRollback(() => {
      ledger.undo();
    });
}
