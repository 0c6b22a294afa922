/**
 * Gives memory back to the kernel that a start needed and nothing needs any more. V8 collects when it wants to grow and the C
 * library keeps what was freed, and a part that waits for changes never grows: after reading 10,000 services it would keep
 * 200 MB of garbage for days.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import koffi from 'koffi';
import { log } from '../util/log.ts';

type Collect = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

/** A full collection: tens of milliseconds, so only where nobody waits. */
export function giveBack(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  collect({ type: 'major', flavor: 'last-resort' });
  try {
    const trim = koffi.load(null).func('int malloc_trim(size_t pad)') as (pad: number) => number;
    trim(0);
  } catch (error) {
    // Only glibc has it.
    log('kernel').debug({ err: error }, 'the C library gives nothing back');
  }
}

/**
 * For a process that from now on makes little but short-lived garbage: the heap grows by small steps from then on (a fifth of
 * what lives, where V8's own choice is the double).
 */
export function staySmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=20');
  giveBack();
}
