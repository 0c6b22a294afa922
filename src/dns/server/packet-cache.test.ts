import assert from 'node:assert/strict';
import test from 'node:test';
import { PacketCache } from './packet-cache.ts';
import type { CachedPacket } from './packet-cache.ts';

function packet(bytes: string, dependsOn = { version: 1 }): CachedPacket {
  return { bytes, dependsOn, version: dependsOn.version, rotation: undefined, type: 1, rcode: 0 };
}

test('packet cache: the oldest goes first, and what was asked again stays', () => {
  const cache = new PacketCache(3);
  for (const name of ['a', 'b', 'c']) cache.put(name, packet(name));
  cache.get('a');
  cache.put('d', packet('d'));
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((name) => cache.get(name)?.bytes),
    ['a', undefined, 'c', 'd'],
  );
  // All of them were asked since: one has to go nevertheless.
  cache.put('e', packet('e'));
  assert.equal(['a', 'c', 'd', 'e'].filter((name) => cache.get(name) !== undefined).length, 3);
  assert.equal(cache.get('e')?.bytes, 'e');
});

test('packet cache: an answer counts while what it was made from has not changed', () => {
  const cache = new PacketCache(3);
  const service = { version: 1 };
  cache.put('a', packet('old', service));
  service.version = 2;
  assert.equal(cache.get('a'), undefined);
  cache.put('a', packet('new', service));
  assert.equal(cache.get('a')?.bytes, 'new');
});
