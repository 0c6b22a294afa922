/**
 * Gives memory back after a burst that does not come again, such as a first list of many thousands of objects: the heap and
 * the C library both keep the room that they once needed.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import koffi from 'koffi';
import { log } from '../util/log.ts';

type Collect = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

/**
 * For a process that from now on makes little but short-lived garbage: a collection of some tens of milliseconds, and
 * from then on the heap grows by small steps (a fifth of what lives, where V8's own choice is the double).
 */
export function releaseMemory(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=20');
  collect({ type: 'major', flavor: 'last-resort' });
  try {
    const trim = koffi.load(null).func('int malloc_trim(size_t pad)') as (pad: number) => number;
    trim(0);
  } catch (error) {
    // Only glibc has it.
    log('kernel').debug({ err: error }, 'the C library gives nothing back');
  }
}
