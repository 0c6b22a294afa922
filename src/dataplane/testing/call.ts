/** Questions to a forked process and its answers, over the channel of the fork. */
import type { ChildProcess } from 'node:child_process';

export type Reply = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

/** `undefined` waits for the first word of the process, which has the id 0. */
export function caller<C>(child: ChildProcess): (command: C | undefined) => Promise<unknown> {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let last = 0;
  child.on('message', (reply: Reply) => {
    const wait = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) wait?.reject(new Error(reply.error));
    else wait?.resolve(reply.value);
  });
  child.once('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`the process ended with ${String(code)}`));
  });
  return (command) =>
    new Promise((resolve, reject) => {
      const id = command === undefined ? 0 : ++last;
      waiting.set(id, { resolve, reject });
      if (command !== undefined) child.send({ id, command });
    });
}

/** In the process itself: performs what it is asked, one answer each, and ends with its parent. */
export function answer<C>(perform: (command: C) => Promise<unknown>): void {
  process.on('message', ({ id, command }: { id: number; command: C }) => {
    perform(command).then(
      (value) => process.send?.({ id, value }),
      (error: unknown) => process.send?.({ id, error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
}

/** SIGKILL, and resolves when it is gone. */
export function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
