import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clashText, findClashes } from './clash.ts';
import type { MachineView } from './clash.ts';
import { checkSame, chooseNew } from './choose.ts';
import { resolveSettings } from './settings.ts';
import { UsageError } from './usage-error.ts';

const quiet: MachineView = {
  links: [
    { ifname: 'lo', addr_info: [{ family: 'inet', local: '127.0.0.1', prefixlen: 8 }] },
    { ifname: 'eth0', addr_info: [{ family: 'inet', local: '172.16.5.2', prefixlen: 24 }] },
  ],
  routes: [
    { dst: 'default', gateway: '172.16.5.1', dev: 'eth0' },
    { dst: '172.16.5.0/24', dev: 'eth0' },
  ],
  resolvers: ['172.16.5.1', '127.0.0.53'],
};
const settings = resolveSettings({}, 0);
const texts = (view: MachineView): string[] => findClashes(settings, view, 'portolan0').map(clashText);

test('an ordinary machine clashes with nothing', () => {
  assert.deepEqual(texts(quiet), []);
});

test('a clash names our range, what is there, and the flag', () => {
  const address = { ifname: 'br-lan', addr_info: [{ family: 'inet', local: '10.10.10.7', prefixlen: 24 }] };
  assert.deepEqual(texts({ ...quiet, links: [...quiet.links, address] }), [
    "range 10.10.10.0/24 clashes with this machine's address 10.10.10.7/24 of br-lan: choose another with --lan-range",
  ]);
  const route = { dst: '10.0.0.0/8', gateway: '10.8.0.1', dev: 'tun0' };
  assert.deepEqual(texts({ ...quiet, routes: [...quiet.routes, route] }), [
    "range 10.10.10.0/24 clashes with this machine's route 10.0.0.0/8 via 10.8.0.1 dev tun0: choose another with --lan-range",
    "range 10.244.0.0/16 clashes with this machine's route 10.0.0.0/8 via 10.8.0.1 dev tun0: choose another with --cluster-cidr",
    "range 10.96.0.0/16 clashes with this machine's route 10.0.0.0/8 via 10.8.0.1 dev tun0: choose another with --service-cluster-ip-range",
  ]);
  assert.deepEqual(texts({ ...quiet, routes: [{ dst: '198.51.100.200', type: 'blackhole' }] }), [
    "range 198.51.100.0/24 clashes with this machine's blackhole route 198.51.100.200: choose another with --public-range",
  ]);
  assert.deepEqual(texts({ ...quiet, resolvers: ['10.96.0.10'] }), [
    "range 10.96.0.0/16 clashes with this machine's name server 10.96.0.10: choose another with --service-cluster-ip-range",
  ]);
});

test('default routes in any spelling, IPv6, and our own link are no clash', () => {
  const routes = [
    { dst: 'default', dev: 'tun0' },
    { dst: '0.0.0.0/1', dev: 'tun0' },
    { dst: '128.0.0.0/1', dev: 'tun0' },
    { dst: 'fd00::/8', dev: 'eth0' },
    { dst: '10.10.10.0/24', dev: 'portolan0' },
  ];
  const own = { ifname: 'portolan0', addr_info: [{ family: 'inet', local: '10.10.10.254', prefixlen: 24 }] };
  assert.deepEqual(texts({ ...quiet, routes, links: [...quiet.links, own] }), []);
});

test('an IPv6 cluster clashes with IPv6 routes, addresses and name servers; what every link has is no clash', () => {
  const alone = resolveSettings({ ipv6: true }, 0);
  const found = (more: Partial<MachineView>): string[] =>
    findClashes(alone, { ...quiet, ...more }, 'portolan0').map(clashText);
  const link = { ifname: 'eth0', addr_info: [{ family: 'inet6', local: 'fe80::1', prefixlen: 64 }] };
  const routes = ['default', 'fe80::/64', 'ff00::/8', '2001:db8::/32'].map((dst) => ({ dst, dev: 'eth0' }));
  assert.deepEqual(found({ links: [link], routes, resolvers: ['2001:db8::53', '::1'] }), []);
  assert.deepEqual(found({ routes: [{ dst: 'fd00:10:96::/48', dev: 'tun0' }] }), [
    "range fd00:10:96::/112 clashes with this machine's route fd00:10:96::/48 dev tun0: choose another with --service-cluster-ip-range",
  ]);
  const address = { ifname: 'eth9', addr_info: [{ family: 'inet6', local: 'fd00:10:10:a::7', prefixlen: 64 }] };
  assert.equal(found({ links: [address] }).length, 1);
  assert.equal(found({ resolvers: ['fd00:10:96::a'] }).length, 1);
});

test('the default cluster has its ranges or none; another name takes the first free slot', () => {
  const taken: MachineView = { ...quiet, routes: [{ dst: '10.10.10.0/23', dev: 'eth9' }] };
  const around = { view: taken, others: [], hasLink: () => false };
  assert.throws(
    () => chooseNew({}, around),
    /10\.10\.10\.0\/24 clashes with this machine's route 10\.10\.10\.0\/23 dev eth9/,
  );
  assert.equal(chooseNew({ lanRange: '10.20.0.0/24' }, around).lanRange, '10.20.0.0/24');
  // Slot 1 is 10.10.11.0/24, inside the /23.
  assert.equal(chooseNew({ name: 'dev' }, around).slot, 2);
  const others = [resolveSettings({ name: 'x' }, 2)];
  assert.equal(chooseNew({ name: 'dev' }, { ...around, others }).slot, 3);
  assert.equal(chooseNew({ name: 'dev' }, { ...around, hasLink: (link) => link === 'portolan2' }).slot, 3);
});

test('a running cluster refuses flags that ask for something else', () => {
  const running = resolveSettings({ name: 'dev' }, 1);
  checkSame(running, { name: 'dev' });
  checkSame(running, { name: 'dev', nodes: 3, lanRange: '10.10.11.0/24' });
  assert.throws(
    () => checkSame(running, { name: 'dev', nodes: 5 }),
    (error: unknown) =>
      error instanceof UsageError &&
      error.message === 'cluster "dev" exists with nodes 3, not 5: run "portolan down --name dev" first',
  );
  const zoned = resolveSettings({ name: 'dev', nodes: 6, zones: 5 }, 1);
  checkSame(zoned, { name: 'dev', zones: 5 });
  assert.throws(() => checkSame(running, { zones: 3 }), /exists with zones none, not 3: run/);
  checkSame(resolveSettings({ externalIpRange: ['192.0.2.0/24'] }, 1), { externalIpRange: ['192.0.2.0/24'] });
  assert.throws(() => checkSame(running, { externalIpRange: ['192.0.2.0/24'] }), /externalIpRange none, not 192.0.2/);
  const families = {
    'IPv4 alone': running,
    'IPv6 alone': resolveSettings({ name: 'dev', ipv6: true }, 1),
    'both families': resolveSettings({ name: 'dev', dualStack: true }, 1),
  };
  for (const [text, one] of Object.entries(families)) {
    checkSame(one, { lanRange: one.lanRange });
    for (const flags of [{ ipv6: true }, { dualStack: true }]) {
      const same = JSON.stringify(resolveSettings({ name: 'dev', ...flags }, 1)) === JSON.stringify(one);
      if (same) checkSame(one, flags);
      else assert.throws(() => checkSame(one, flags), new RegExp(`cluster "dev" exists with ${text}: run`));
    }
  }
  assert.throws(
    () => checkSame(running, { name: 'dev', data: '/srv/x' }),
    /keeps its data in \/var\/lib\/portolan\/dev/,
  );
});
