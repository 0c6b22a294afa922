/** What `bench api` measures: the server that people start, as a process of its own, and sessions of its administrator. */
import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { call, sessionsTo } from './http2-load.ts';
import type { OpenSession } from './http2-load.ts';

export interface Server {
  readonly pid: number;
  readonly session: OpenSession;
  readonly stop: () => Promise<void>;
}

const launcher = join(import.meta.dirname, '..', '..', 'portolan');
const bareServer = join(import.meta.dirname, 'bare-server.ts');

/** `profiles`: a directory for its CPU profile (`node --cpu-prof`). */
export function startApi(directory: string, pki: string, profiles: string | undefined): Promise<Server> {
  const options: Record<string, string> =
    profiles === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` };
  const args = [
    'apiserver',
    '--data-dir',
    directory,
    '--cert-dir',
    pki,
    '--bind-address',
    '127.0.0.1',
    '--secure-port',
  ];
  return start(launcher, (port) => [...args, port], pki, join(directory, 'log'), options);
}

/** Answers everything with so many bytes. */
export function startBare(directory: string, pki: string, bytes: number): Promise<Server> {
  return start(process.execPath, (port) => [bareServer, pki, port, String(bytes)], pki, join(directory, 'bare.log'));
}

async function start(
  program: string,
  args: (port: string) => readonly string[],
  pki: string,
  log: string,
  options: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const port = await freePort();
  const child = spawn(program, args(String(port)), {
    stdio: ['ignore', 'ignore', openSync(log, 'w')],
    env: { ...process.env, ...options },
  });
  const sessions = sessionsTo(port, pki);
  for (const deadline = performance.now() + 30_000; !(await isAnswering(sessions.open));) {
    if (performance.now() > deadline) throw new Error(`the server does not answer: ${readFileSync(log, 'utf8')}`);
  }
  return {
    pid: child.pid ?? 0,
    session: sessions.open,
    async stop() {
      sessions.close();
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function isAnswering(session: OpenSession): Promise<boolean> {
  return call(session(), 'GET', '/readyz').then(
    ({ status }) => status < 300,
    () => false,
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  });
}
