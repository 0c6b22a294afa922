import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { readLog } from './log-read.ts';
import type { LogOptions } from './log-read.ts';

const plain: LogOptions = {
  follow: false,
  timestamps: false,
  tailLines: undefined,
  since: undefined,
  limitBytes: undefined,
  stream: 'All',
};
const idle = { onAppend: () => () => undefined, ended: () => true };

function logFile(t: TestContext, text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 't-log-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, '0.log'), text);
  return join(dir, '0.log');
}

const line = (second: number, text: string, stream = 'stdout', tag = 'F'): string =>
  `2026-01-01T00:00:0${String(second)}.000000000Z ${stream} ${tag} ${text}\n`;

async function read(file: string, options: Partial<LogOptions>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of readLog(file, { ...plain, ...options }, idle, new AbortController().signal))
    parts.push(part);
  return Buffer.concat(parts).toString();
}

test('tail, since, limit, streams and timestamps, also together', async (t) => {
  const file = logFile(
    t,
    line(1, 'a') + line(2, 'b', 'stderr') + line(3, 'long-', 'stdout', 'P') + line(3, 'c') + line(4, 'd'),
  );
  assert.equal(await read(file, {}), 'a\nb\nlong-c\nd\n');
  assert.equal(await read(file, { tailLines: 2 }), 'long-c\nd\n');
  assert.equal(await read(file, { tailLines: 0 }), '');
  assert.equal(await read(file, { since: Date.parse('2026-01-01T00:00:03Z') }), 'long-c\nd\n');
  assert.equal(await read(file, { stream: 'Stderr' }), 'b\n');
  assert.equal(await read(file, { limitBytes: 3 }), 'a\nb');
  assert.equal(await read(file, { tailLines: 1, timestamps: true }), '2026-01-01T00:00:04.000000000Z d\n');
});

test('following goes on in the new file when the log is rotated', async (t) => {
  const file = logFile(t, line(1, 'a'));
  let appended = (): void => undefined;
  let ended = false;
  const source = {
    onAppend(call: () => void) {
      appended = call;
      return () => undefined;
    },
    ended: () => ended,
  };
  const reader = readLog(file, { ...plain, follow: true }, source, new AbortController().signal);
  const next = async (): Promise<string> => ((await reader.next()).value as Buffer).toString();
  assert.equal(await next(), 'a\n');
  const waiting = next();
  appendFileSync(file, line(2, 'b'));
  renameSync(file, `${file}.1`);
  writeFileSync(file, line(3, 'c'));
  appended();
  assert.equal(await waiting, 'b\n');
  assert.equal(await next(), 'c\n');
  ended = true;
  assert.equal((await reader.next()).done, true);
});
