/** Endpoints that are kept as bytes are those that were put there, in both families. */
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { addressText, endpointBytes, endpointIs, endpointText } from './bytes.ts';
import { FoundEntry, FoundSlots } from './found.ts';
import { withinAny, withinAnyBytes } from './ranges.ts';
import { nearOffset } from './ruleset.ts';
import { canonicalIp, formatCidr, mustParseCidr, mustParseIp } from '../util/ip.ts';

const families = ['IPv4', 'IPv6'] as const;
const address = {
  IPv4: fc.ipV4(),
  IPv6: fc
    .ipV6()
    .map((text) => canonicalIp(text))
    .filter((text) => text !== undefined),
};
const endpointOf = (family: (typeof families)[number]): fc.Arbitrary<string> =>
  fc.tuple(address[family], fc.integer({ min: 1, max: 65_535 })).map(([ip, port]) => `${ip} ${String(port)}`);

for (const family of families) {
  const endpoint = endpointOf(family);

  describe(`what was found of ${family}`, () => {
    it('property: the endpoints of each key, by slot, whatever order they came in', () => {
      const pool = fc.array(endpoint, { maxLength: 5 });
      const keys = fc.array(fc.tuple(pool, pool), { minLength: 1, maxLength: 6 });
      fc.assert(
        fc.property(keys, fc.infiniteStream(fc.nat()), (pools, random) => {
          const elements = pools.flatMap((both, key) =>
            both.flatMap((one, near) => one.map((text, slot) => ({ key, slot: slot + near * nearOffset, text }))),
          );
          const slots = new FoundSlots(family);
          const order = new Map(elements.map((element) => [element, random.next().value]));
          for (const { key, slot, text } of elements.sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0))) {
            assert.equal(slots.add(key, slot, endpointBytes(text), 0), true);
          }
          for (const [key, both] of pools.entries()) {
            assert.deepEqual(slots.read(key), both);
            const entry = new FoundEntry('k', family, key, slots);
            entry.adopt(both);
            assert.equal(entry.plain[0], both[0], 'the very list');
            for (const [other, wish] of pools.entries()) {
              const same = JSON.stringify(wish) === JSON.stringify(both);
              assert.equal(slots.are(key, wish), same, `${String(key)} is ${String(other)}`);
              const found = new FoundEntry('k', family, key, slots);
              found.adopt(wish);
              assert.deepEqual(found.plain, both);
            }
          }
        }),
      );
    });

    it('property: a text is compared as it would be written', () => {
      fc.assert(
        fc.property(endpoint, endpoint, (one, other) => {
          assert.equal(endpointIs(one, endpointBytes(one), family, 0), true);
          assert.equal(endpointIs(one, endpointBytes(other), family, 0), one === other);
          assert.equal(endpointText(endpointBytes(one), family), one);
        }),
      );
      const [ip = ''] = family === 'IPv4' ? ['10.244.1.2'] : ['fd00::1:2'];
      for (const near of [`${ip} 8`, `${ip} 800`, `${ip} `, ip, '', `${ip}0 80`]) {
        assert.equal(endpointIs(near, endpointBytes(`${ip} 80`), family, 0), false, near);
      }
    });

    it('property: bytes are in a range where their text is', () => {
      const bits = fc.integer({ min: 0, max: family === 'IPv4' ? 32 : 128 });
      fc.assert(
        fc.property(endpoint, fc.array(fc.tuple(address[family], bits), { maxLength: 3 }), (text, ranges) => {
          const width = family === 'IPv4' ? 32 : 128;
          const cidrs = ranges.map(([ip, wide]) => {
            const base = (mustParseIp(ip).value >> BigInt(width - wide)) << BigInt(width - wide);
            return mustParseCidr(formatCidr({ family, base, bits: wide }));
          });
          const bytes = endpointBytes(text);
          assert.equal(withinAnyBytes(cidrs)(bytes, 0), withinAny(cidrs)(text));
          assert.equal(addressText(bytes, 0, family), text.split(' ')[0]);
        }),
      );
    });

    it('has holes where slots are missing, and no slot beyond the last', () => {
      const slots = new FoundSlots(family);
      const text = family === 'IPv4' ? '10.0.0.1 80' : 'fd00::1 80';
      slots.add(3, 2, endpointBytes(text), 0);
      slots.add(3, nearOffset + 1, endpointBytes(text), 0);
      assert.equal(slots.add(3, nearOffset * 2, endpointBytes(text), 0), false);
      assert.deepEqual(slots.read(3), [
        ['', '', text],
        ['', text],
      ]);
      assert.deepEqual(
        [slots.read(0), slots.read(4)],
        [
          [[], []],
          [[], []],
        ],
      );
      assert.equal(slots.are(3, [[text], [text]]), false);
      assert.equal(slots.are(4, [[], []]), true);
      let seen = 0;
      slots.each(() => seen++);
      assert.equal(seen, 2);
    });
  });
}
