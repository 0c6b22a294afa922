import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backoffMs } from './backoff.ts';
import { createWorkQueue } from './queue.ts';

/** A queue whose work the test holds in hand. */
function held(concurrency: number): {
  readonly queue: ReturnType<typeof createWorkQueue>;
  readonly started: string[];
  readonly stop: AbortController;
  readonly finish: (key: string, error?: Error) => Promise<void>;
} {
  const stop = new AbortController();
  const started: string[] = [];
  const open = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  const work = (key: string): Promise<void> => {
    started.push(key);
    return new Promise((resolve, reject) => {
      open.set(key, { resolve, reject });
    });
  };
  const queue = createWorkQueue(work, stop.signal, { concurrency, baseMs: 1, maxMs: 4 });
  return {
    queue,
    started,
    stop,
    async finish(key, error) {
      const call = open.get(key);
      if (error === undefined) call?.resolve();
      else call?.reject(error);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('work queue', () => {
  it('queues a key once, and works on it again when it came back meanwhile', async () => {
    const { queue, started, finish } = held(1);
    queue.add('a');
    queue.add('a');
    await turn();
    assert.deepEqual(started, ['a']);
    queue.add('a');
    queue.add('a');
    await turn();
    assert.deepEqual(started, ['a'], 'one worker at a time for a key');
    await finish('a');
    assert.deepEqual(started, ['a', 'a']);
    await finish('a');
    await queue.idle();
    assert.deepEqual(started, ['a', 'a']);
  });

  it('keeps to its concurrency, first come first served', async () => {
    const { queue, started, finish } = held(2);
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    await turn();
    assert.deepEqual(started, ['a', 'b']);
    await finish('b');
    assert.deepEqual(started, ['a', 'b', 'c']);
    await finish('a');
    assert.deepEqual(started, ['a', 'b', 'c', 'd']);
    assert.equal(queue.size, 2);
    await finish('c');
    await finish('d');
    assert.equal(queue.size, 0);
  });

  it('tries again after a failure, each time later, and forgets failures after a success', async () => {
    const stop = new AbortController();
    const failures: number[] = [];
    let runs = 0;
    const queue = createWorkQueue(
      async () => {
        runs += 1;
        if (runs % 3 !== 0) throw new Error('on purpose');
      },
      stop.signal,
      { baseMs: 1, maxMs: 2, onError: (_key, _error, count) => failures.push(count) },
    );
    queue.add('a');
    while (runs < 3) await turn();
    await turn();
    queue.add('a');
    while (runs < 6) await turn();
    assert.deepEqual(failures, [1, 2, 1, 2]);
    stop.abort();
  });

  it('comes back when the work asks for it; the earliest wish wins', async () => {
    const stop = new AbortController();
    let runs = 0;
    const queue = createWorkQueue(async () => {
      runs += 1;
      return runs === 1 ? 5 : undefined;
    }, stop.signal);
    queue.addAfter('a', 60_000);
    queue.addAfter('a', 1);
    queue.addAfter('a', 60_000);
    while (runs < 2) await turn();
    assert.equal(runs, 2);
    stop.abort();
  });

  it('does nothing more when the signal aborts', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { queue, started, stop, finish } = held(1);
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 1);
    await turn();
    stop.abort();
    queue.add('d');
    await finish('a', new Error('on purpose'));
    t.mock.timers.tick(60_000);
    await turn();
    assert.deepEqual(started, ['a']);
    await queue.idle();
  });
});

describe('back-off', () => {
  it('doubles up to the maximum, with jitter', () => {
    for (let failures = 0; failures < 40; failures++) {
      const step = Math.min(5_000, 50 * 2 ** failures);
      const ms = backoffMs(failures, { baseMs: 50, maxMs: 5_000 });
      assert.ok(ms >= step && ms <= step * 1.5, `${failures}: ${ms}`);
    }
  });
});
