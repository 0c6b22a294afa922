import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { makePki, testClient } from '../apiserver/testing.ts';

const main = join(import.meta.dirname, '..', 'main.ts');

/** The first line it logs with this message, whole. */
async function logged(lines: AsyncIterable<string>, message: string): Promise<Record<string, unknown>> {
  const said: string[] = [];
  for await (const line of lines) {
    said.push(line);
    const entry = JSON.parse(line) as Record<string, unknown>;
    if (entry['msg'] === message) return entry;
  }
  throw new Error(`it never said "${message}": ${said.join('\n')}`);
}

test('alone on loopback, the kubernetes service leads to an address that others can reach', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'portolan-cli-'));
  await makePki(join(dir, 'pki'));
  const args = ['apiserver', '--data-dir', dir, '--cert-dir', join(dir, 'pki'), '--bind-address', '127.0.0.1'];
  const child = spawn(process.execPath, [main, ...args, '--secure-port', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(async () => {
    if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'close');
    rmSync(dir, { recursive: true, force: true });
  });
  const ready = await logged(createInterface({ input: child.stderr }), 'ready');
  const client = testClient((ready['addresses'] as string[])[0] ?? '', join(dir, 'pki'));
  t.after(() => client.close());
  const endpoints = await client.call('GET', '/api/v1/namespaces/default/endpoints/kubernetes');
  const { subsets } = endpoints.body as { subsets: { addresses: { ip: string }[] }[] };
  assert.doesNotMatch(subsets[0]?.addresses[0]?.ip ?? '127.', /^(127|0)\./);
});
