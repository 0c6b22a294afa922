import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { cidrContains, mustParseCidr, mustParseIp } from '../util/ip.ts';
import { parsePools } from './pool.ts';

const nothing = (): boolean => false;

test('a CIDR gives its hosts, a range gives exactly itself', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['198.51.100.128/25', '198.51.100.129', '198.51.100.254'],
    ['198.51.100.130-198.51.100.140', '198.51.100.130', '198.51.100.140'],
    ['198.51.100.200', '198.51.100.200', '198.51.100.200'],
    ['198.51.100.2/31', '198.51.100.2', '198.51.100.3'],
    ['198.51.100.7/32', '198.51.100.7', '198.51.100.7'],
    // A /24 takes .0 and .255 for itself, whatever range they were written in.
    ['198.51.100.250-198.51.101.3', '198.51.100.250', '198.51.101.3'],
    ['fd00:51::/120', 'fd00:51::1', 'fd00:51::fe'],
  ];
  for (const [text, first, last] of cases) {
    const pool = parsePools([text]);
    const family = first.includes(':') ? 'IPv6' : 'IPv4';
    const given: string[] = [];
    for (;;) {
      const next = pool.lowestFree(family, (address) => given.includes(address));
      if (next === undefined) break;
      given.push(next);
    }
    assert.equal(given[0], first, text);
    assert.equal(given.at(-1), last, text);
    assert.ok(given.every((address) => pool.contains(mustParseIp(address))));
    assert.ok(!given.some((address) => /^\d.*\.(0|255)$/.test(address)), text);
  }
});

test('several pools are used in the order they are named', () => {
  const pool = parsePools(['198.51.100.200', '198.51.100.129-198.51.100.130', 'fd00::5']);
  const taken = new Set(['198.51.100.200']);
  assert.equal(pool.lowestFree('IPv4', nothing), '198.51.100.200');
  assert.equal(
    pool.lowestFree('IPv4', (address) => taken.has(address)),
    '198.51.100.129',
  );
  assert.equal(pool.lowestFree('IPv6', nothing), 'fd00::5');
  assert.deepEqual(pool.families, ['IPv4', 'IPv6']);
});

test('a bad pool is refused with the fix', () => {
  assert.throws(() => parsePools([]), /no address pool: name at least one/);
  for (const text of ['', 'x', '198.51.100.1/24', '198.51.100.010', '198.51.100.5-', '1.2.3.4-1.2.3.5-1.2.3.6']) {
    assert.throws(() => parsePools([text]), /write a range as/, text);
  }
  assert.throws(() => parsePools(['198.51.100.9-198.51.100.8']), /the first address must not be after the last/);
  assert.throws(() => parsePools(['198.51.100.9-fd00::1']), /both of one family/);
  assert.throws(
    () => parsePools(['10.10.10.64/26'], { '10.10.10.0/24': 'the LAN' }),
    /address pool "10.10.10.64\/26" overlaps 10.10.10.0\/24, the LAN: choose/,
  );
});

test('the prefixes of a pool cover it exactly', () => {
  const octet = fc.integer({ min: 1, max: 254 });
  fc.assert(
    fc.property(octet, octet, fc.integer({ min: 0, max: 255 }), (a, b, probe) => {
      const [first, last] = [Math.min(a, b), Math.max(a, b)];
      const pool = parsePools([`198.51.100.${first}-198.51.100.${last}`]);
      const ip = mustParseIp(`198.51.100.${probe}`);
      const covering = pool.cidrs('IPv4').filter((cidr) => cidrContains(mustParseCidr(cidr), ip));
      assert.equal(covering.length, probe >= first && probe <= last ? 1 : 0);
    }),
  );
  assert.deepEqual(parsePools(['198.51.100.128/25']).cidrs('IPv4'), ['198.51.100.128/25']);
});
