/**
 * Listening, as a promise that never rejects: a port that somebody else holds must not end a proxy.
 */
import type { Server } from 'node:net';

/** undefined: listening; else why not. */
export function listen(server: Server, port: number, address?: string): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const failed = (error: Error): void => resolve(error);
    server.once('error', failed);
    server.listen({ port, ...(address === undefined ? {} : { host: address }) }, () => {
      server.off('error', failed);
      server.on('error', () => undefined);
      resolve(undefined);
    });
  });
}

export function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    server.close(() => resolve());
  });
}
