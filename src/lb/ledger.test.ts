import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { mustParseIp } from '../util/ip.ts';
import type { Family } from '../util/ip.ts';
import { createLedger } from './ledger.ts';
import type { Claim } from './ledger.ts';
import { parsePools } from './pool.ts';

const pool = parsePools(['198.51.100.129-198.51.100.131', 'fd00:51::1-fd00:51::2']);

function claim(uid: string, more: Partial<Claim> = {}): Claim {
  return { uid, owner: `default/${uid}`, families: ['IPv4'], wanted: [], ...more };
}

test('each service gets one address of its own, keeps it, and gives it back', () => {
  const ledger = createLedger(pool);
  assert.deepEqual(ledger.assign(claim('a')), { addresses: ['198.51.100.129'], changed: true, problems: [] });
  assert.deepEqual(ledger.assign(claim('a')), { addresses: ['198.51.100.129'], changed: false, problems: [] });
  assert.deepEqual(ledger.assign(claim('b')).addresses, ['198.51.100.130']);
  assert.equal(ledger.ownerOf('198.51.100.130'), 'default/b');
  assert.equal(ledger.release('a'), true);
  assert.equal(ledger.release('a'), false);
  assert.deepEqual(ledger.assign(claim('c')).addresses, ['198.51.100.129']);
});

test('an exhausted pool leaves the service without, and says why', () => {
  const ledger = createLedger(pool);
  for (const uid of ['a', 'b', 'c']) assert.equal(ledger.assign(claim(uid)).addresses.length, 1);
  const { addresses, problems } = ledger.assign(claim('d'));
  assert.deepEqual(addresses, []);
  assert.deepEqual(problems, [
    'no free IPv4 address: all addresses of the pool (198.51.100.129-198.51.100.131, fd00:51::1-fd00:51::2) are in use',
  ]);
  ledger.release('b');
  assert.deepEqual(ledger.assign(claim('d')).addresses, ['198.51.100.130']);
});

test('an asked-for address is honoured when free, and never replaced by another', () => {
  const ledger = createLedger(pool);
  assert.deepEqual(ledger.assign(claim('a', { wanted: ['198.51.100.131'] })).addresses, ['198.51.100.131']);
  const late = ledger.assign(claim('b', { wanted: ['198.51.100.131'] }));
  assert.deepEqual(late, {
    addresses: [],
    changed: false,
    problems: ['address 198.51.100.131 is in use by service default/a'],
  });
  const foreign = ledger.assign(claim('c', { wanted: ['8.8.8.8'] }));
  assert.match(foreign.problems[0] ?? '', /^address 8\.8\.8\.8 is not in the address pool/);
  assert.match(ledger.assign(claim('d', { wanted: ['pizza'] })).problems[0] ?? '', /^"pizza" is not an IP address/);
  // A wish that comes later moves the service; one that can't be granted leaves it where it is.
  assert.deepEqual(ledger.assign(claim('e')).addresses, ['198.51.100.129']);
  assert.deepEqual(ledger.assign(claim('e', { wanted: ['198.51.100.130'] })).addresses, ['198.51.100.130']);
  assert.equal(ledger.ownerOf('198.51.100.129'), undefined);
  assert.deepEqual(ledger.assign(claim('e', { wanted: ['198.51.100.131'] })).addresses, ['198.51.100.130']);
});

test('dual-stack gets one address per family, spelling does not matter', () => {
  const ledger = createLedger(pool);
  const both: readonly Family[] = ['IPv6', 'IPv4'];
  const { addresses } = ledger.assign(claim('a', { families: both, wanted: ['FD00:51:0::2', '198.51.100.130'] }));
  assert.deepEqual(addresses, ['fd00:51::2', '198.51.100.130']);
  assert.deepEqual(ledger.assign(claim('a', { families: ['IPv4'] })).addresses, ['198.51.100.130']);
  assert.equal(ledger.ownerOf('fd00:51::2'), undefined);
  const onlyV4 = createLedger(parsePools(['198.51.100.129']));
  assert.deepEqual(onlyV4.assign(claim('a', { families: both })), {
    addresses: ['198.51.100.129'],
    changed: true,
    problems: [],
  });
  assert.deepEqual(onlyV4.assign(claim('b', { families: ['IPv6'] })).problems, [
    'the load balancer has no address pool for IPv6',
  ]);
});

test('what is recorded comes back; what breaks an invariant is refused', () => {
  const ledger = createLedger(pool);
  ledger.assign(claim('a', { families: ['IPv4', 'IPv6'] }));
  ledger.assign(claim('b'));
  const again = createLedger(pool);
  assert.deepEqual(again.load(ledger.toData()), []);
  assert.deepEqual(again.toData(), ledger.toData());
  assert.deepEqual(again.uidsOf('default/a'), ['a']);
  const bad = {
    outside: 'default/x 10.10.10.1',
    mapped: 'default/x ::ffff:198.51.100.129',
    twice: 'default/x 198.51.100.129,198.51.100.130',
    fine: 'default/x 198.51.100.129',
    taken: 'default/y 198.51.100.129',
    empty: 'default/z ',
    nonsense: '',
  };
  assert.equal(again.load(bad).length, 6);
  assert.deepEqual(again.toData(), { fine: bad.fine });
});

test('random histories: one owner per address, all from the pool, every wish in it that is free is granted', () => {
  const uid = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const families = fc.constantFrom<readonly Family[]>(['IPv4'], ['IPv6'], ['IPv4', 'IPv6']);
  const wanted = fc.constantFrom(
    [],
    ['198.51.100.130'],
    ['fd00:51::1'],
    ['10.0.0.1'],
    ['198.51.100.129', 'fd00:51::2'],
  );
  const step = fc.oneof(
    fc.record({ kind: fc.constant('assign' as const), uid, families, wanted }),
    fc.record({ kind: fc.constant('release' as const), uid }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (history) => {
      const ledger = createLedger(pool);
      const model = new Map<string, readonly string[]>();
      for (const at of history) {
        if (at.kind === 'release') {
          assert.equal(ledger.release(at.uid), (model.get(at.uid)?.length ?? 0) > 0);
          model.delete(at.uid);
        } else {
          const free = at.wanted.filter((w) => pool.contains(mustParseIp(w)) && ledger.ownerOf(w) === undefined);
          const { addresses, problems } = ledger.assign(claim(at.uid, at));
          const grantable = free.filter((w) => at.families.includes(w.includes(':') ? 'IPv6' : 'IPv4'));
          assert.ok(grantable.every((w) => addresses.includes(w)));
          assert.ok(addresses.length > 0 || problems.length > 0);
          model.set(at.uid, addresses);
        }
        const all = [...model.values()].flat();
        assert.equal(new Set(all).size, all.length);
        assert.equal(ledger.size, all.length);
        assert.ok(all.every((address) => pool.contains(mustParseIp(address))));
      }
    }),
  );
});
