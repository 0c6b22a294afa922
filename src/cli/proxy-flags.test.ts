/** What the flags of `portolan proxy` become. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Command } from 'commander';
import type { Client } from '../client/index.ts';
import { proxyFlags, proxyOptions } from './proxy-flags.ts';
import type { ProxyFlags } from './proxy-flags.ts';

const read = (...words: string[]): ReturnType<typeof proxyOptions> => {
  const command = proxyFlags(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return proxyOptions({} as Client, command.parse(words, { from: 'user' }).opts<ProxyFlags>());
};

test('--service-node-port-range: what masqueraded connections keep clear of', () => {
  assert.equal(read().nodePortRange, undefined);
  assert.deepEqual(read('--service-node-port-range', '20000-22767').nodePortRange, [20_000, 22_767]);
  for (const wrong of ['20000', '0-10', '9-8', '30000-70000', 'a-b', '1-2-3']) {
    assert.throws(() => read('--service-node-port-range', wrong), /want FIRST-LAST within 1-65535/, wrong);
  }
});
