/** A document of an extension server, asked for in the server's own name. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { User } from '../auth/user.ts';
import type { Server } from '../context.ts';
import { goReason } from '../service-address.ts';
import type { Address } from '../service-address.ts';
import { open, userHeaders } from './connect.ts';
import type { Remote } from './remote.ts';

export interface Fetched {
  readonly code: number;
  readonly type: string;
  readonly text: string;
}

const longest = 5000;
const mostBytes = 32 * 1024 * 1024;

/** Throws an Error with Go's words. */
export async function fetchFrom(
  server: Server,
  remote: Remote,
  address: Address,
  path: string,
  user: User,
  headers: OutgoingHttpHeaders = {},
): Promise<Fetched> {
  const signal = AbortSignal.any([AbortSignal.timeout(longest), server.stopping]);
  const sent = { method: 'GET', path, headers: { ...headers, ...userHeaders(user) }, signal };
  const { promise, resolve, reject } = Promise.withResolvers<Fetched>();
  const outgoing = open(server, remote, address, sent);
  outgoing.once('error', reject);
  outgoing.once('response', (answer) => {
    const chunks: Buffer[] = [];
    let size = 0;
    answer.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > mostBytes) answer.destroy(new Error('response body too large'));
      else chunks.push(chunk);
    });
    answer.once('error', reject);
    answer.once('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      resolve({ code: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', text });
    });
  });
  outgoing.end();
  try {
    return await promise;
  } catch (error) {
    throw new Error(goReason(error, address), { cause: error });
  }
}
