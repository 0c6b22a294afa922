/**
 * Listening for as long as somebody wants it: a port that another program holds must not end a proxy, and is taken when it is
 * free again.
 *
 *   keepListening(server, port, …) ─ held by others ─> failed(error), once ─ 0.2 … 5 s ─> again, until it listens or is closed
 *
 * Upstream tries again every 5 s too (cmd/kube-proxy/app/server.go serveHealthz), or with the next change (healthcheck).
 */
import type { Server } from 'node:net';
import { createBackoff, sleep } from '../util/backoff.ts';

export interface Listening {
  /** The first try is over; it may have failed. */
  readonly tried: Promise<void>;
  /** The port is free at once where it was open, and never opened again. */
  close(): Promise<void>;
}

export interface Where {
  readonly port: number;
  /** Default: every address of the machine. */
  readonly address?: string | undefined;
}

/** `failed` is told of the first refusal, and says whether to try again. */
export function keepListening(
  server: Server,
  { port, address }: Where,
  failed: (error: NodeJS.ErrnoException) => boolean,
): Listening {
  const over = new AbortController();
  const backoff = createBackoff({ baseMs: 200, maxMs: 5_000 });
  let error: NodeJS.ErrnoException | undefined;
  let goOn = true;
  const tried = (async (): Promise<void> => {
    error = await listen(server, port, address);
    if (error !== undefined && !over.signal.aborted) goOn = failed(error);
  })();
  const following = (async (): Promise<void> => {
    await tried;
    while (error !== undefined && goOn && !over.signal.aborted) {
      await sleep(backoff.next(), over.signal);
      if (!over.signal.aborted) error = await listen(server, port, address);
    }
  })();
  return {
    tried,
    async close() {
      over.abort();
      const ended = closed(server);
      await following;
      // It may have begun to listen meanwhile: Node looks addresses up first, also those that are numbers.
      await Promise.all([ended, closed(server)]);
    },
  };
}

/** undefined: listening; else why not. */
function listen(server: Server, port: number, host: string | undefined): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const refused = (error: NodeJS.ErrnoException): void => {
      server.off('listening', opened);
      resolve(error);
    };
    const opened = (): void => {
      server.off('error', refused);
      server.on('error', () => undefined);
      resolve(undefined);
    };
    server.once('error', refused).once('listening', opened);
    server.listen({ port, ...(host === undefined ? {} : { host }) });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    server.close(() => resolve());
  });
}
