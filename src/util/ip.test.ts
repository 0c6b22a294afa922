import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  addressIndex,
  canonicalIp,
  cidrContains,
  cidrSize,
  cidrsOverlap,
  compareIpTexts,
  formatCidr,
  formatIp,
  mustParseCidr,
  mustParseIp,
  nthAddress,
  parseCidr,
  parseIp,
  specialRange,
  whyInvalidCidr,
  whyInvalidIp,
} from './ip.ts';

test('canonical text of addresses', () => {
  const table: readonly (readonly [string, string | undefined])[] = [
    ['10.0.0.1', '10.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::', '::'],
    ['1::', '1::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['64:ff9b::10.1.2.3', '64:ff9b::a01:203'],
    ['::ffff:10.1.2.3', undefined],
    ['10.0.0.01', undefined],
    ['10.0.0.256', undefined],
    ['10.0.0', undefined],
    ['10.0.0.1.1', undefined],
    ['10..0.1', undefined],
    ['', undefined],
    ['fe80::1%eth0', undefined],
    ['1:2:3:4:5:6:7', undefined],
    ['1::2::3', undefined],
    ['12345::', undefined],
    [':1:2:3:4:5:6:7', undefined],
    ['10.0.0.1 ', undefined],
  ];
  for (const [text, want] of table) assert.equal(canonicalIp(text), want, text);
});

test('reasons in the words of upstream', () => {
  assert.equal(whyInvalidIp('10.0.0.1'), undefined);
  assert.equal(whyInvalidIp('x'), 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
  assert.equal(whyInvalidIp('010.0.0.1'), 'must not have leading 0s');
  assert.equal(whyInvalidIp('::ffff:1.2.3.4'), 'must not be an IPv4-mapped IPv6 address');
  assert.equal(whyInvalidCidr('10.0.0.0/8'), undefined);
  assert.equal(whyInvalidCidr('10.0.0.0'), 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)');
  assert.equal(whyInvalidCidr('10.0.0.0/33'), 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)');
  assert.equal(whyInvalidCidr('10.0.0.0/08'), 'must not have leading 0s in IP or prefix length');
  assert.equal(whyInvalidCidr('::ffff:10.0.0.0/104'), 'must not have an IPv4-mapped IPv6 address');
  assert.equal(whyInvalidCidr('10.0.0.1/8'), 'must not have bits set beyond the prefix length');
});

test('ranges', () => {
  const services = mustParseCidr('10.96.0.0/16');
  assert.equal(cidrSize(services), 65536n);
  assert.equal(formatIp(nthAddress(services, 10)), '10.96.0.10');
  assert.equal(formatIp(nthAddress(services, -1)), '10.96.255.255');
  assert.throws(() => nthAddress(services, 65536), /has no address number 65536/);
  assert.ok(cidrContains(services, mustParseIp('10.96.255.255')));
  assert.ok(!cidrContains(services, mustParseIp('10.97.0.0')));
  assert.ok(!cidrContains(mustParseCidr('::/0'), mustParseIp('10.0.0.1')));
  assert.ok(cidrsOverlap(services, mustParseCidr('10.0.0.0/8')));
  assert.ok(!cidrsOverlap(services, mustParseCidr('10.97.0.0/16')));
  assert.throws(() => mustParseCidr('10.96.0.1/16'), /must not have bits set beyond the prefix length/);
  assert.ok(cidrContains(mustParseCidr('0.0.0.0/0'), mustParseIp('1.2.3.4')));
});

test('special ranges', () => {
  const table = {
    '0.0.0.0': 'unspecified',
    '::': 'unspecified',
    '127.1.2.3': 'loopback',
    '::1': 'loopback',
    '169.254.169.254': 'link-local',
    'fe80::1': 'link-local',
    '224.0.0.251': 'link-local multicast',
    'ff02::fb': 'link-local multicast',
    '239.1.1.1': 'multicast',
    '10.0.0.1': undefined,
  };
  for (const [text, want] of Object.entries(table)) assert.equal(specialRange(mustParseIp(text)), want, text);
});

test('sorting puts IPv4 first and follows the numbers', () => {
  const sorted = ['fd00::2', '10.0.0.10', 'fd00::1', '9.0.0.1', '10.0.0.9', 'x'].sort(compareIpTexts);
  assert.deepEqual(sorted, ['9.0.0.1', '10.0.0.9', '10.0.0.10', 'fd00::1', 'fd00::2', 'x']);
});

test('property: format and parse are inverse', () => {
  const v4 = fc.bigInt(0n, (1n << 32n) - 1n).map((value) => ({ family: 'IPv4' as const, value }));
  const v6 = fc
    .bigInt(0n, (1n << 128n) - 1n)
    .filter((value) => value >> 32n !== 0xffffn)
    .map((value) => ({ family: 'IPv6' as const, value }));
  fc.assert(
    fc.property(fc.oneof(v4, v6), (ip) => {
      assert.deepEqual(parseIp(formatIp(ip)), ip);
    }),
  );
});

test('property: sparse IPv6 texts agree with the URL parser of the platform', () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const text = groups.map((part) => part.toString(16)).join(':');
      const want = new URL(`http://[${text}]/`).hostname.slice(1, -1);
      const mapped = groups.slice(0, 5).every((part) => part === 0) && groups[5] === 0xffff;
      assert.equal(canonicalIp(text), mapped ? undefined : want);
    }),
  );
});

test('property: every address of a range is in it, at its index', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 32 }), fc.bigInt(0n, (1n << 32n) - 1n), (bits, value) => {
      const host = (1n << BigInt(32 - bits)) - 1n;
      const text = formatCidr({ family: 'IPv4', base: value & ~host, bits });
      const cidr = parseCidr(text);
      assert.ok(cidr !== undefined, text);
      const ip = { family: 'IPv4' as const, value };
      assert.ok(cidrContains(cidr, ip));
      assert.deepEqual(nthAddress(cidr, addressIndex(cidr, ip)), ip);
    }),
  );
});
