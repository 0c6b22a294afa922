/**
 * "Look again": whatever happens says only that, and one look at a time decides by what is there.
 *
 *   look() ─┐
 *   lookAt(time) ─┴─> one look ── asked for meanwhile? one more ── failed? one more after a back-off
 */
import { createBackoff } from '../util/backoff.ts';

export interface LookLoop {
  look(): void;
  /** Milliseconds since the epoch; the latest call counts. */
  lookAt(time: number): void;
  /** After a back-off that grows from call to call, 10 s at the most. */
  lookLater(): void;
  /** For good. */
  end(): void;
}

/** `failed` is told of each error of `step`, which is tried again. */
export function createLookLoop(step: () => Promise<void>, failed: (error: unknown) => void): LookLoop {
  const retry = createBackoff({ baseMs: 100, maxMs: 10_000 });
  let wake: NodeJS.Timeout | undefined;
  let state: 'idle' | 'looking' | 'again' | 'ended' = 'idle';

  const run = async (): Promise<void> => {
    do {
      state = 'looking';
      try {
        await step();
      } catch (error) {
        failed(error);
        loop.lookLater();
      }
    } while (isWanted());
    if (!isEnded()) state = 'idle';
  };
  const isWanted = (): boolean => state === 'again';
  const isEnded = (): boolean => state === 'ended';

  const loop: LookLoop = {
    look() {
      if (state === 'idle') void run();
      else if (state === 'looking') state = 'again';
    },
    lookAt(time) {
      if (state === 'ended') return;
      clearTimeout(wake);
      wake = setTimeout(() => loop.look(), Math.max(0, time - Date.now()));
    },
    lookLater: () => loop.lookAt(Date.now() + retry.next()),
    end() {
      state = 'ended';
      clearTimeout(wake);
    },
  };
  return loop;
}
