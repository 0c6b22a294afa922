/** The kernel's hash and ours must be the same one: what is written where no packet looks would be lost. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { keyBytes } from './bytes.ts';
import { KeyIndex } from './key-index.ts';
import { shardCount, shardOf } from './shards.ts';

test('keys spread evenly over the slot maps, whatever differs between them', () => {
  const rows: readonly (readonly [string, (i: number) => string, (i: number) => number])[] = [
    ['addresses one after the other', (i) => `10.96.${String(i >> 8)}.${String(i & 255)}`, () => 80],
    ['one address, many ports', () => '10.10.10.1', (i) => 30_000 + (i % 2_768)],
    ['IPv6', (i) => `fd00:10:96::${i.toString(16)}`, () => 443],
  ];
  for (const [what, address, port] of rows) {
    const counts = new Array<number>(shardCount).fill(0);
    for (let i = 1; i <= 3_200; i++) {
      const shard = shardOf(keyBytes(address(i), 'TCP', port(i)), address(i).includes(':') ? 16 : 4);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    assert.ok(Math.min(...counts) > 40 && Math.max(...counts) < 200, `${what}: ${counts.join(' ')}`);
  }
});

test('property: keys are numbered in the order of their first coming, and known again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.ipV4(), fc.constantFrom('TCP', 'UDP'), fc.integer({ min: 1, max: 3 })), { maxLength: 300 }),
      (keys) => {
        const index = new KeyIndex(12, 2);
        const seen = new Map<string, number>();
        for (const [address, protocol, port] of [...keys, ...keys]) {
          const bytes = keyBytes(address, protocol, port);
          const text = bytes.toString('hex');
          if (!seen.has(text)) seen.set(text, seen.size);
          assert.equal(index.of(Buffer.concat([Buffer.alloc(3), bytes]), 3), seen.get(text));
        }
        assert.equal(index.count, seen.size);
      },
    ),
  );
});
