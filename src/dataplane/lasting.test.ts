/** What must last: affinity, connections over changes and restarts, and our tables under foreign hands; and all of it in IPv6. */
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import type { EndpointSlice, Service } from '../api/gen/types.ts';
import { buildTable } from '../model/index.ts';
import type { TableEntry } from '../model/index.ts';
import { eventually } from '../util/testing.ts';
import { createDataPlane } from './index.ts';
import type { Applied, DataPlane, DataPlaneOptions } from './index.ts';
import { addresses, createTopology, service, shardMaps, slice, slotsMapOf } from './testing/index.ts';
import type { EndpointWords, PlaceName, Topology } from './testing/index.ts';

let net: Topology;
let plane: DataPlane;
let options: DataPlaneOptions;
let wanted: readonly TableEntry[] = [];

const node = { nodeName: 'node-1', zone: undefined, addresses: addresses['node-1'] };
const pods = (['pod-a', 'pod-b', 'pod-c'] as const).map((pod) => ({ address: addresses[pod][0] }));
const pods6 = (['pod-a', 'pod-b', 'pod-c'] as const).map((pod) => ({ address: addresses[pod][1] }));
const http = { port: 80, protocol: 'TCP' };

before(async () => {
  net = await createTopology();
  await Promise.all((['pod-a', 'pod-b', 'pod-c'] as const).map((pod) => net.places[pod].serve('TCP', 8080)));
  options = {
    netns: net.netns('node-1'),
    podCidrs: ['10.244.1.0/24', 'fd00:10:244:1::/64'],
    serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'],
    nonMasqueradeCidrs: ['10.244.0.0/16', '10.10.10.0/24', 'fd00:10::/32'],
  };
  plane = createDataPlane(options);
  await plane.start([]);
});
after(async () => {
  plane.close();
  await net.close();
});

function entriesOf(services: readonly Service[], slices: readonly EndpointSlice[]): readonly TableEntry[] {
  return [...buildTable({ services, slices, node }).entries.values()];
}

/** Makes this the whole table. */
async function program(services: readonly Service[], slices: readonly EndpointSlice[]): Promise<Applied> {
  const now = entriesOf(services, slices);
  const keys = new Set(now.map(({ key }) => key));
  const remove = wanted.map(({ key }) => key).filter((key) => !keys.has(key));
  wanted = now;
  return plane.apply({ set: now, remove });
}

const servers = (answers: readonly string[]): string[] =>
  [...new Set(answers.map((text) => text.split(' ')[0] ?? ''))].sort();
const ask = (from: PlaceName, address: string, port = 80, times = 20): Promise<readonly string[]> =>
  net.places[from].ask('TCP', address, port, { times });

for (const [family, ip, ends] of [
  ['IPv4', '10.96.1.1', pods],
  ['IPv6', 'fd00:10:96::101', pods6],
] as const) {
  const sticky = (seconds: number): Service =>
    service('sticky', {
      clusterIP: ip,
      ports: [http],
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: seconds } },
    });

  test(`${family}: ClientIP affinity: one endpoint per client, another one when that is gone, and none when switched off`, async () => {
    await program([sticky(100)], [slice('sticky', 8080, ends, { family })]);
    const [first] = servers(await ask('pod-a', ip));
    assert.ok(first !== undefined);
    assert.deepEqual(servers(await ask('pod-a', ip)), [first]);
    assert.equal(servers(await ask('node-1', ip)).length, 1, 'the node is a client of its own');

    const left = ends.filter((_, i) => ['pod-a', 'pod-b', 'pod-c'][i] !== first);
    await program([sticky(100)], [slice('sticky', 8080, left, { family })]);
    const [second] = servers(await ask('pod-a', ip));
    assert.notEqual(second, first);
    assert.deepEqual(servers(await ask('pod-a', ip)), [second]);

    await program([sticky(100)], [slice('sticky', 8080, ends, { family })]);
    assert.deepEqual(servers(await ask('pod-a', ip)), [second], 'growing moves nobody');

    await program([service('sticky', { clusterIP: ip, ports: [http] })], [slice('sticky', 8080, ends, { family })]);
    assert.equal(servers(await ask('pod-a', ip, 80, 60)).length, 3);
  });

  test(`${family}: affinity is the service port's: cluster IP, node port and external IP lead a client to one endpoint, other ports on their own`, async () => {
    const [nodeIp, other] =
      family === 'IPv4' ? [addresses['node-1'][0], '198.51.100.77'] : [addresses['node-1'][1], 'fd00:77::1'];
    const many = Array.from({ length: 12 }, (_, i) => ({ port: 81 + i, protocol: 'TCP', name: `p${String(i)}` }));
    const { spec } = sticky(100);
    const of = (externalTrafficPolicy: string): Service =>
      service('sticky', {
        ...spec,
        type: 'NodePort',
        externalTrafficPolicy,
        externalIPs: [other],
        ports: [{ ...http, name: 'http', nodePort: 30_700 }, ...many],
      });
    const slices = (there: readonly EndpointWords[]): EndpointSlice[] => [
      slice('sticky', 8080, there, { family, portName: 'http' }),
      ...many.map(({ name }) => slice('sticky', 8080, there, { family, portName: name, name: `sticky-${name}` })),
    ];
    await program([of('Cluster')], slices(ends));
    const everywhere = async (): Promise<string[]> => [
      ...new Set([
        ...servers(await ask('pod-a', ip, 80, 4)),
        ...servers(await ask('pod-a', nodeIp, 30_700, 4)),
        ...servers(await ask('pod-a', other, 80, 4)),
      ]),
    ];
    const [first, ...others] = await everywhere();
    assert.deepEqual(others, []);
    // A second client, from outside.
    const [node] = servers(await ask('lan', nodeIp, 30_700, 4));
    assert.deepEqual(servers(await ask('lan', nodeIp, 30_700, 4)), [node]);
    const ports = await Promise.all(many.map(async ({ port }) => servers(await ask('pod-a', ip, port, 2))));
    assert.ok(ports.every((answers) => answers.length === 1));
    // With three endpoints, twelve ports all alike are a matter of 1 in 177,147.
    assert.ok(new Set(ports.flat()).size > 1, 'a port does not follow another one');

    plane.close();
    plane = createDataPlane(options);
    assert.equal((await plane.start(wanted)).changes, 0, 'a restart takes over what is remembered');
    assert.deepEqual(await everywhere(), [first]);

    const here = ends.map((end, i) => ({
      ...end,
      node: ['pod-a', 'pod-b', 'pod-c'][i] === node ? 'node-2' : 'node-1',
    }));
    await program([of('Local')], slices(here));
    const [local] = servers(await ask('lan', nodeIp, 30_700, 6));
    assert.notEqual(local, node, 'who is remembered elsewhere is led to an endpoint of this node');
    assert.deepEqual(await everywhere(), [first], 'inside nobody moves');

    const left = ends.filter((_, i) => ['pod-a', 'pod-b', 'pod-c'][i] !== first);
    await program([of('Cluster')], slices(left));
    const moved = await everywhere();
    assert.equal(moved.length, 1);
    assert.notEqual(moved[0], first);
  });

  test(`${family}: affinity ends when a client was idle for its time`, async () => {
    await program([sticky(1)], [slice('sticky', 8080, ends, { family })]);
    const table = family === 'IPv4' ? 'ip' : 'ip6';
    net.run('node-1', 'nft', 'flush', 'map', table, 'portolan', 'affinity');
    const seen = new Set<string>();
    // With three endpoints, twelve times the same one is a matter of 1 in 177,147.
    for (let round = 0; round < 12 && seen.size < 2; round++) {
      const now = servers(await ask('pod-a', ip, 80, 5));
      assert.equal(now.length, 1);
      seen.add(now[0] ?? '');
      const affinity = (): string => net.run('node-1', 'nft', 'list', 'map', table, 'portolan', 'affinity');
      await eventually('nobody is remembered', () => !affinity().includes('expires'), { intervalMs: 50 });
    }
    assert.ok(seen.size > 1);
  });
}

test('IPv6: the same rules: spread, refusal, hairpin, LAN shut out, node port, source kept', async () => {
  const ip = 'fd00:10:96::1';
  await program(
    [
      service('six', { type: 'NodePort', clusterIP: ip, ports: [{ ...http, nodePort: 30_600 }] }),
      service('none', { clusterIP: 'fd00:10:96::2', ports: [http] }),
    ],
    [slice('six', 8080, pods6, { family: 'IPv6' })],
  );
  const answers = await ask('pod-a', ip, 80, 60);
  assert.deepEqual(servers(answers), ['pod-a', 'pod-b', 'pod-c']);
  assert.ok(answers.includes(answers.find((text) => text.startsWith(`pod-c ${addresses['pod-a'][1]} `)) ?? 'never'));
  assert.deepEqual(servers(await ask('pod-a', 'fd00:10:96::2', 80, 1)), ['ECONNREFUSED']);
  assert.deepEqual(servers(await ask('node-1', 'fd00:10:96::3', 80, 1)), ['ECONNREFUSED']);
  assert.deepEqual(servers(await net.places.lan.ask('TCP', ip, 80, { timeoutMs: 300 })), ['TIMEOUT']);
  assert.deepEqual(servers(await ask('lan', addresses['node-1'][1], 30_600, 60)), ['pod-a', 'pod-b', 'pod-c']);
});

test('an open connection outlives endpoints that come and go, a restart, and the removal of its service', async () => {
  const web = service('web', { clusterIP: '10.96.1.2', ports: [http] });
  await program([web], [slice('web', 8080, pods.slice(2))]);
  assert.match(await net.places['pod-a'].hold('long', '10.96.1.2', 80), /^pod-c /);
  await program([web], [slice('web', 8080, pods)]);
  assert.equal(await net.places['pod-a'].say('long', 'one'), 'one');
  plane.close();
  assert.equal(await net.places['pod-a'].say('long', 'two'), 'two');
  assert.deepEqual(servers(await ask('pod-a', '10.96.1.2', 80, 60)), ['pod-a', 'pod-b', 'pod-c'], 'new ones too');
  plane = createDataPlane(options);
  assert.equal((await plane.start(wanted)).changes, 0, 'nothing to repair');
  await program([], []);
  assert.equal(await net.places['pod-a'].say('long', 'three'), 'three');
});

test('a restart finds what changed meanwhile, and no connection fails while it repairs', async () => {
  const web = (n: number): Service => service(`web-${String(n)}`, { clusterIP: `10.96.2.${String(n)}`, ports: [http] });
  const many = Array.from({ length: 50 }, (_, i) => web(i + 1));
  const slices = many.map(({ metadata }) => slice(metadata?.name ?? '', 8080, pods));
  await program(many, slices);
  plane.close();
  const now = entriesOf([...many.slice(1), web(60)], [...slices.slice(2), slice('web-60', 8080, pods.slice(1))]);
  plane = createDataPlane(options);
  const [answers, { changes }] = await Promise.all([ask('pod-a', '10.96.2.10', 80, 400), plane.start(now)]);
  wanted = now;
  assert.deepEqual(servers(answers), ['pod-a', 'pod-b', 'pod-c']);
  // web-1 gone (4), web-2 without endpoints (3 slots, one verdict twice), web-60 new (3).
  assert.equal(changes, 4 + 5 + 3);
  assert.deepEqual(servers(await ask('pod-a', '10.96.2.1', 80, 1)), ['ECONNREFUSED']);
  assert.deepEqual(servers(await ask('pod-a', '10.96.2.60', 80, 30)), ['pod-b', 'pod-c']);
});

const hurtSlots = slotsMapOf('10.96.3.1', 80);
const elsewhere = shardMaps.find((name) => name !== hurtSlots) ?? '';
const damages: readonly (readonly [string, readonly string[]])[] = [
  ['the table is deleted', ['delete table ip portolan']],
  ['everything is flushed', ['flush ruleset']],
  ['a map is emptied', [`flush map ip portolan ${hurtSlots}`]],
  ['a rule is added', ['insert rule ip portolan nat-prerouting drop']],
  ['a chain is emptied', ['flush chain ip portolan pick-3']],
  ['a way is taken out', ['delete element ip portolan route { 5001:3 }']],
  [
    'an element is bent, and one put in',
    [
      `delete element ip portolan ${hurtSlots} { 10.96.3.1 . tcp . 80 . 0:1 }`,
      `add element ip portolan ${hurtSlots} { 10.96.3.1 . tcp . 80 . 0:1 : 10.9.9.9 . 1 }`,
      'add element ip portolan internal { 10.96.3.9 . tcp . 80 : 5001:1 }',
      'add element ip portolan hairpin { 10.9.9.9 . 10.9.9.9 }',
    ],
  ],
  [
    'slots where no packet looks for them, and one that no pool is large enough for',
    [
      `add element ip portolan ${elsewhere} { 10.96.3.1 . tcp . 80 . 0:1 : 10.9.9.9 . 1 }`,
      `add element ip portolan ${hurtSlots} { 10.96.3.1 . tcp . 80 . ffff:fff0 : 10.9.9.9 . 1 }`,
    ],
  ],
];
for (const [what, commands] of damages) {
  test(`damage by others is found and mended: ${what}`, async () => {
    await program([service('hurt', { clusterIP: '10.96.3.1', ports: [http] })], [slice('hurt', 8080, pods)]);
    assert.equal((await plane.audit()).mended, undefined);
    const before = listing();
    for (const command of commands) net.run('node-1', 'nft', command);
    assert.notEqual(listing(), before);
    assert.match((await plane.audit()).mended ?? '', /^rewritten: /);
    assert.equal(listing(), before);
    assert.equal((await plane.audit()).mended, undefined, 'once');
    assert.deepEqual(servers(await ask('pod-a', '10.96.3.1', 80, 60)), ['pod-a', 'pod-b', 'pod-c']);
  });
}

test('a change that meets a damaged table mends it on its way', async () => {
  const hurt = service('hurt', { clusterIP: '10.96.3.2', ports: [http] });
  await program([hurt], [slice('hurt', 8080, pods)]);
  net.run('node-1', 'nft', 'delete table ip portolan');
  const { mended } = await program([hurt], [slice('hurt', 8080, pods.slice(1))]);
  assert.match(mended ?? '', /^rewritten: /);
  assert.deepEqual(servers(await ask('pod-a', '10.96.3.2', 80, 40)), ['pod-b', 'pod-c']);
});

/** Both tables as text, in an order that does not depend on the kernel's hashing. */
function listing(): string {
  const text = net.run('node-1', 'nft', '-n', 'list', 'ruleset');
  return (
    text
      .split(/\n|, /)
      .map((line) => line.replace(/elements = \{|,$|\}$/g, '').trim())
      // Clients that are remembered come and go; the mark names what the kernel made of the rules, anonymous sets numbered.
      .filter((line) => line !== '' && !line.includes('expires') && !line.includes('comment "portolan '))
      .sort()
      .join('\n')
  );
}
