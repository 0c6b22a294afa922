/** What extension servers say of themselves, kept for a while: clients ask for all of discovery at once, and often. */
import { createHash } from 'node:crypto';
import type { User } from '../auth/user.ts';
import type { Server } from '../context.ts';
import { addressOf } from './connect.ts';
import { fetchFrom } from './fetch.ts';
import type { Fetched } from './fetch.ts';
import type { Remote } from './remote.ts';

const goodMs = 30_000;
/** Who does not answer is not waited for at each request. */
const badMs = 10_000;

interface Kept {
  readonly document: Promise<Fetched | undefined>;
  until: number;
}

const kept = new WeakMap<Server, Map<string, Kept>>();

/** undefined: it did not answer well. */
export function documentOf(
  server: Server,
  remote: Remote,
  path: string,
  user: User,
  accept = 'application/json',
): Promise<Fetched | undefined> {
  if (!remote.available) return Promise.resolve(undefined);
  let known = kept.get(server);
  if (known === undefined) kept.set(server, (known = new Map<string, Kept>()));
  const now = Date.now();
  for (const [key, { until }] of known) if (until < now) known.delete(key);
  const key = JSON.stringify([remote.name, remote.revision, path, accept]);
  let found = known.get(key);
  if (found === undefined) {
    const made: Kept = { document: fetched(server, remote, path, user, accept), until: now + goodMs };
    void made.document.then((document) => {
      if (document === undefined) made.until = Date.now() + badMs;
    });
    known.set(key, (found = made));
  }
  return found.document;
}

async function fetched(
  server: Server,
  remote: Remote,
  path: string,
  user: User,
  accept: string,
): Promise<Fetched | undefined> {
  try {
    const document = await fetchFrom(server, remote, addressOf(server, remote), path, user, { accept });
    return document.code === 200 ? document : undefined;
  } catch {
    return undefined;
  }
}

export function parsed(document: Fetched | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = document === undefined ? undefined : (JSON.parse(document.text) as unknown);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export function hashOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex').toUpperCase();
}
