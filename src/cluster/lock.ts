/**
 * One at a time: `up` and `down` of one cluster, and the choice of addresses on one machine.
 *
 * The lock is a bound abstract socket: the kernel lets go of it when its process ends, however that ends, so there is no
 * stale lock file to judge.
 */
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export async function withLock<T>(name: string, patienceMs: number, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs;
  let release = await tryLock(name);
  while (release === undefined) {
    if (performance.now() > deadline) {
      throw new Error(`another portolan command is at work on ${name}: wait for it to end, then try again`);
    }
    await sleep(20);
    release = await tryLock(name);
  }
  try {
    return await work();
  } finally {
    await release();
  }
}

function tryLock(name: string): Promise<(() => Promise<void>) | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(`\0portolan-lock-${name}`, () => {
      server.unref();
      resolve(() => new Promise((done) => server.close(() => done())));
    });
  });
}
