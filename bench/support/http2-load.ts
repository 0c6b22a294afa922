/** Load for an HTTP/2 server that `bench api` started: one call, and many by clients that each wait for their answer. */
import { connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export type OpenSession = () => ClientHttp2Session;

/** Sessions of the administrator in `pki`; `close` ends them all. */
export function sessionsTo(port: number, pki: string): { readonly open: OpenSession; readonly close: () => void } {
  const tls = {
    ca: readFileSync(join(pki, 'ca.crt')),
    cert: readFileSync(join(pki, 'admin.crt')),
    key: readFileSync(join(pki, 'admin.key')),
  };
  const sessions: ClientHttp2Session[] = [];
  return {
    open() {
      const opened = connect(`https://127.0.0.1:${String(port)}`, tls);
      opened.on('error', () => undefined);
      sessions.push(opened);
      return opened;
    },
    close() {
      for (const session of sessions) session.destroy();
    },
  };
}

export function call(
  session: ClientHttp2Session,
  method: string,
  path: string,
  body?: unknown,
  type = 'json',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const contentType = type === 'json' ? 'application/json' : `application/${type}+json`;
    const stream = session.request({ ':method': method, ':path': path, 'content-type': contentType });
    const chunks: Buffer[] = [];
    let status = 0;
    stream.on('response', (headers) => (status = Number(headers[':status'])));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('error', reject);
    // A stream that its session takes along has no end and need not have an error.
    stream.once('close', () => reject(new Error('the connection was closed')));
    stream.once('end', () => resolve({ status, body: Buffer.concat(chunks) }));
    stream.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

export const clients = 16;

/** `count` calls by `clients` connections, each waiting for its answer. Calls a second. */
export async function load(
  open: OpenSession,
  count: number,
  one: (session: ClientHttp2Session, index: number) => Promise<Answer>,
): Promise<number> {
  let next = 0;
  const start = performance.now();
  const client = async (): Promise<void> => {
    const session = open();
    for (let index = next++; index < count; index = next++) {
      const { status, body } = await one(session, index);
      if (status >= 300) throw new Error(`${String(status)} ${body.toString('utf8', 0, 200)}`);
    }
    session.close();
  };
  await Promise.all(Array.from({ length: clients }, client));
  return (count * 1000) / (performance.now() - start);
}
