/** What a killed test leaves is taken away by the next run, and nothing of a test that is alive. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { isOrphaned, removeLeftovers } from '../support/leftovers.ts';

const path = (name: string): string => `/run/netns/${name}`;

test('namespaces of a dead process go, with what runs in them; those of a living one stay', async (t) => {
  const ended = spawn('true');
  await once(ended, 'exit');
  const orphan = `t-leftovers-${String(ended.pid)}-node-1`;
  const mine = `t-leftovers-${String(process.pid)}`;
  t.after(() => {
    for (const name of [orphan, mine]) if (existsSync(path(name))) execFileSync('ip', ['netns', 'del', name]);
  });
  for (const name of [orphan, mine]) execFileSync('ip', ['netns', 'add', name]);
  const server = spawn('nsenter', [`--net=${path(orphan)}`, 'sleep', '600']);
  await once(server, 'spawn');
  const exit = once(server, 'exit');
  // It is in the namespace a moment after its start.
  while (execFileSync('ip', ['netns', 'pids', orphan], { encoding: 'utf8' }) === '') await new Promise(setImmediate);

  removeLeftovers();
  assert.deepEqual(await exit, [null, 'SIGKILL']);
  assert.equal(existsSync(path(orphan)), false);
  assert.equal(existsSync(path(mine)), true);
});

test('names without a process of ours are left alone', () => {
  for (const name of ['portolan-node-1', 't-mine-x', 't-1', `t-agent-${String(process.pid)}-pod-1`]) {
    assert.equal(isOrphaned(name), false, name);
  }
});
