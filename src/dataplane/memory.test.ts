/** The parts of the data plane that need no kernel. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { addressBytes, addressText, endpointBytes, endpointText, keyBytes, keyText } from './bytes.ts';
import { minimal } from './ranges.ts';
import { chains, declarations, pickerCode, pickerName, pickerOf } from './ruleset.ts';
import type { Picker, RulesetOptions } from './ruleset.ts';
import { rulesetOptions } from './settings.ts';
import { arrange } from './slots.ts';

test('slots: as few as possible move', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['', 'abc', 'abc'],
    ['abc', 'cba', 'abc'],
    ['abcd', 'acd', 'adc'],
    ['abcd', 'ad', 'ad'],
    ['abcd', 'acdef', 'aecdf'],
    ['abc', '', ''],
    ['abc', 'xyz', 'xyz'],
  ];
  for (const [old, wanted, want] of rows)
    assert.equal(arrange([...old], [...wanted]).join(''), want, `${old} -> ${wanted}`);
});

test('property: slots hold exactly the wanted set, and what stays within the size stays in place', () => {
  const pool = fc.uniqueArray(fc.constantFrom(...'abcdefghij'));
  fc.assert(
    fc.property(pool, pool, (old, wanted) => {
      const now = arrange(old, wanted);
      assert.deepEqual([...now].sort(), [...wanted].sort());
      old.slice(0, wanted.length).forEach((endpoint, i) => {
        if (wanted.includes(endpoint)) assert.equal(now[i], endpoint);
      });
    }),
  );
  // What a damaged table may hold: holes and doubles.
  fc.assert(
    fc.property(fc.array(fc.constantFrom('', ...'abc')), pool, (old, wanted) => {
      assert.deepEqual([...arrange(old, wanted)].sort(), [...wanted].sort());
    }),
  );
});

test('property: bytes and back', () => {
  const v6 = fc.bigInt({ min: 1n, max: (1n << 128n) - 1n });
  const port = fc.integer({ min: 1, max: 65_535 });
  fc.assert(
    fc.property(fc.ipV4(), port, (address, number) => {
      assert.equal(keyText(keyBytes(address, 'UDP', number), 'IPv4'), `${address} UDP ${String(number)}`);
      assert.equal(endpointText(endpointBytes(`${address} ${String(number)}`), 'IPv4'), `${address} ${String(number)}`);
    }),
  );
  fc.assert(
    fc.property(v6, (value) => {
      const bytes = Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
      const text = addressText(bytes, 0, 'IPv6');
      // Addresses of the form ::ffff:a.b.c.d are no endpoints, and the parser refuses them.
      if (value >> 32n !== 0xffffn) assert.deepEqual(addressBytes(text), bytes);
    }),
  );
});

test('ranges: of one family, none inside another', () => {
  const given = ['10.1.0.0/16', '10.0.0.0/8', 'fd00::/8', '10.1.2.3/32', '192.0.2.0/24'];
  assert.deepEqual(minimal(given, 'IPv4'), ['10.0.0.0/8', '192.0.2.0/24']);
  assert.deepEqual(minimal(given, 'IPv6'), ['fd00::/8']);
});

test('masqueraded connections have ports beside the node ports, on the side with more of them, where any are left', () => {
  const ports = (low: number, high: number): string | undefined =>
    chains({
      ...rulesetOptions('IPv4', { podCidrs: [], serviceCidrs: [], nonMasqueradeCidrs: [] }),
      nodePortRange: [low, high],
    })
      .find(({ name }) => name === 'masquerading')
      ?.rules.map((rule) => /:(\S+)/.exec(rule)?.[1] ?? 'any')
      .join();
  assert.equal(ports(30_000, 32_767), '32768-65535,any');
  assert.equal(ports(40_000, 65_535), '1024-39999,any');
  assert.equal(ports(1, 1023), '1024-65535,any');
  assert.equal(ports(1, 65_535), 'any');
});

test('pickers have names and codes that lead back to them', () => {
  const pickers: readonly Picker[] = [
    { kind: 'pick', near: false, slots: 1 },
    { kind: 'pick', near: true, slots: 32_767 },
    { kind: 'stick', near: false, slots: 3, seconds: 10_800, rank: 0 },
    { kind: 'stick', near: true, slots: 3, seconds: 86_400, rank: 7 },
  ];
  for (const picker of pickers) assert.deepEqual(pickerOf(pickerCode(picker), pickerName(picker)), picker);
  assert.equal(new Set(pickers.map(pickerCode)).size, pickers.length);
  assert.equal(pickerOf(0x5001_0003, 'pick-4'), undefined);
  assert.equal(pickerOf(0x5001_0003, 'x'), undefined);
});

test('the IPv6 ruleset is the IPv4 one in other words', () => {
  const options = (family: 'IPv4' | 'IPv6'): RulesetOptions => ({
    family,
    table: 'portolan',
    podCidrs: ['PODS'],
    podsOfAllNodes: false,
    serviceCidrs: ['SERVICES'],
    nonMasqueradeCidrs: ['INSIDE'],
    nodePortRange: [30_000, 32_767],
    clusterIpClients: [],
    podLinks: undefined,
    trustedSources: [],
  });
  const words = (family: 'IPv4' | 'IPv6'): string[] =>
    [
      ...chains(options(family)).flatMap(({ name, hook, rules }) => [`${name} ${JSON.stringify(hook)}`, ...rules]),
      ...declarations(options(family)).flatMap(({ name, body }) => (name === 'affinity' ? [] : [`${name} ${body}`])),
    ].map((line) =>
      line
        .replaceAll('ip6', 'ip')
        .replaceAll('ipv6_addr', 'ipv4_addr')
        .replaceAll('icmpv6', 'icmp')
        .replace('::1', '127.0.0.0/8'),
    );
  assert.deepEqual(words('IPv6'), words('IPv4'));
});
