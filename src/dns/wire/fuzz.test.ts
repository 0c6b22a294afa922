/** The decoder against hostile bytes: a saved corpus, and changes of it that are the same in each run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corpus, feed, mutated, randomFrom } from '../testing/fuzz.ts';

test('fuzz: every message of the corpus, cut at every octet, is understood or refused', () => {
  for (const packet of corpus()) {
    for (let length = 0; length <= packet.length; length += 1) feed(packet.subarray(0, length));
  }
});

test('fuzz: 50,000 changed messages are understood or refused', () => {
  const [seeds, random] = [corpus(), randomFrom(1)];
  for (let i = 0; i < 50_000; i += 1) {
    const packet = mutated(seeds, random);
    try {
      feed(packet);
    } catch (error) {
      assert.fail(`${packet.toString('hex')}: ${String(error)}`);
    }
  }
});
