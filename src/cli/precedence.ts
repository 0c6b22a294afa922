/**
 * How much a machine needs one of its processes. A node without its proxy leads new connections to pods that are gone, so it comes before
 * the pods: it gets the processor first, and is the last that the kernel ends for want of memory.
 *
 *   nice          -20 (first) to 19 (last), of all threads: V8's helpers too, which the main thread waits for
 *   oomScoreAdj   -1000 (never ended) to 1000
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { InvalidArgumentError } from 'commander';
import { log } from '../util/log.ts';

export interface Precedence {
  readonly nice: number;
  readonly oomScoreAdj: number;
}

/** Where a container's privileges do not reach, the process goes on as it is, and says so. */
export function takePrecedence({ nice, oomScoreAdj }: Precedence): void {
  attempt('nice', nice, () => {
    for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), nice);
  });
  attempt('oom-score-adj', oomScoreAdj, () => writeFileSync('/proc/self/oom_score_adj', String(oomScoreAdj)));
}

/** Reads a whole number in a range. */
export function between(lowest: number, highest: number): (text: string) => number {
  return (text) => {
    const value = /^-?[0-9]{1,4}$/.test(text) ? Number(text) : NaN;
    if (value >= lowest && value <= highest) return value;
    throw new InvalidArgumentError(`want a whole number from ${String(lowest)} to ${String(highest)}.`);
  };
}

function attempt(what: string, value: number, set: () => void): void {
  try {
    set();
  } catch (error) {
    log('cli').info({ [what]: value, err: error instanceof Error ? error.message : String(error) }, 'not set');
  }
}
