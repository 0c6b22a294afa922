/** What others may do to our tables, or leave there: all of it ends in the tables that a fresh start would write. */
import { execFileSync, spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import type { EndpointSlice, Service } from '../api/gen/types.ts';
import { openNftElements } from '../kernel/index.ts';
import { buildTable } from '../model/index.ts';
import type { TableEntry } from '../model/index.ts';
import { createDataPlane } from './index.ts';
import type { Applied, DataPlane, DataPlaneOptions } from './index.ts';
import { readBack } from './read-back.ts';
import { end, kernelWords, service, slice } from './testing/index.ts';

const name = `t-damage-${String(process.pid)}`;
const netns = `/run/netns/${name}`;
const options: DataPlaneOptions = {
  netns,
  podCidrs: ['10.244.1.0/24', 'fd00:10:244:1::/64'],
  serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'],
  nonMasqueradeCidrs: ['10.244.0.0/16'],
};
const destroy = (): void => void execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
let plane: DataPlane;

before(async () => {
  execFileSync('ip', ['netns', 'add', name]);
  process.once('exit', destroy);
  plane = createDataPlane(options);
  await plane.start([]);
});
after(() => {
  plane.close();
  process.off('exit', destroy);
  destroy();
});

const nft = (...words: string[]): string =>
  execFileSync('nsenter', [`--net=${netns}`, 'nft', ...words], { encoding: 'utf8' });
/** Chains, maps and sets of both our tables. */
const parts = (): string =>
  nft('-t', 'list ruleset')
    .split('\n')
    .filter((line) => /^\t(chain|map|set) |^table|flags/.test(line))
    .sort()
    .join('\n');
const pods = (count: number): readonly { readonly address: string }[] =>
  Array.from({ length: count }, (_, i) => ({ address: `10.244.1.${String(i + 2)}` }));
const entriesOf = (services: readonly Service[], slices: readonly EndpointSlice[]): readonly TableEntry[] => [
  ...buildTable({
    services,
    slices,
    node: { nodeName: 'n', zone: undefined, addresses: ['10.10.10.1'] },
  }).entries.values(),
];
const web = service('web', { clusterIP: '10.96.0.1', ports: [{ port: 80, protocol: 'TCP' }] });
const withPods = (count: number): Promise<Applied> =>
  plane.apply({ set: entriesOf([web], [slice('web', 8080, pods(count))]), remove: [] });

const restart = (): Promise<Applied> => {
  plane.close();
  plane = createDataPlane(options);
  return plane.start(entriesOf([web], [slice('web', 8080, pods(4))]));
};

test('a service that needs new chains meets a table that is gone: written whole, at once', async () => {
  await withPods(3);
  nft('delete table ip portolan');
  assert.match((await withPods(70)).mended ?? '', /^rewritten: rules of table IPv4/);
  const words = kernelWords(netns);
  assert.equal(words.filter((word) => word.startsWith('ip 10.96.0.1 6 80 all -> 10.244.1.')).length, 70);
  assert.equal((await plane.audit()).mended, undefined);
});

const otherTypes = ['add map ip portolan internal { type ipv4_addr : mark; }'];
for (const [what, how, commands] of [
  ['nothing in it', 'an audit', []],
  ['nothing in it', 'a start', []],
  ['a map of ours with other types', 'a change', otherTypes],
  ['a map of ours with other types', 'a start', otherTypes],
  [
    'other keys in @route',
    'a start',
    ['add map ip portolan route { type inet_service : verdict; elements = { 80 : accept } }'],
  ],
] as const) {
  test(`a table with our name and ${what} is replaced by ${how}`, async () => {
    await withPods(4);
    const [words, before] = [kernelWords(netns), parts()];
    nft('delete table ip portolan');
    for (const command of ['add table ip portolan', ...commands]) nft(command);
    if (how === 'a change') await withPods(5);
    if (how === 'an audit') assert.match((await plane.audit()).mended ?? '', /^rewritten: rules of table IPv4/);
    if (how === 'a start') await restart();
    await withPods(4);
    assert.deepEqual(kernelWords(netns), words);
    assert.equal(parts(), before);
    assert.equal((await plane.audit()).mended, undefined);
  });
}

test('a table that was put to sleep is woken', async () => {
  await withPods(4);
  nft('add table ip portolan { flags dormant; }');
  assert.match(parts(), /dormant/);
  assert.match((await plane.audit()).mended ?? '', /^rewritten: rules of table IPv4/);
  assert.doesNotMatch(parts(), /dormant/);
});

test('what an older version or somebody else left in our table goes: chains with hooks, maps, names that nft cannot say', async () => {
  await withPods(4);
  const [words, before] = [kernelWords(netns), parts()];
  const left = [
    'add chain ip portolan filter-input { type filter hook input priority 0; policy drop; }',
    'add chain ip portolan slots-32',
    'add map ip portolan more { type ipv4_addr : verdict; elements = { 10.0.0.1 : goto slots-32 } }',
    'add set ip portolan seen { type ipv4_addr; flags dynamic; size 10; }',
    'add rule ip portolan filter-input ip saddr @seen ip daddr vmap @more',
    'insert rule ip portolan from-inside goto slots-32',
  ];
  for (const command of left) nft(command);
  assert.match((await plane.audit()).mended ?? '', /^rewritten: rules of table IPv4$/);
  assert.equal(parts(), before);
  // No script can delete what it cannot say.
  const chain = {
    family: 'ip',
    table: 'portolan',
    name: 'a b; c',
    type: 'filter',
    hook: 'input',
    prio: 0,
    policy: 'drop',
  };
  nft('-j', JSON.stringify({ nftables: [{ add: { chain } }] }));
  assert.match((await plane.audit()).mended ?? '', /^rewritten: /);
  assert.equal(parts(), before);
  assert.deepEqual(kernelWords(netns), words);
});

test('a table that another process owns: each look says that it cannot be mended, and with the owner gone it is', async () => {
  await withPods(4);
  const words = kernelWords(netns);
  nft('delete table ip portolan');
  const owner = spawn('nsenter', [`--net=${netns}`, 'nft', '-i'], { stdio: ['pipe', 'ignore', 'inherit'] });
  owner.stdin.write('add table ip portolan { flags owner; }\n');
  const limit = performance.now() + 10_000;
  while (!nft('list tables').includes('table ip portolan') && performance.now() < limit) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await assert.rejects(plane.audit(), /Operation not permitted|EPERM/);
  await assert.rejects(plane.audit(), /Operation not permitted|EPERM/, 'half done is not done');
  await end(owner);
  assert.match((await plane.audit()).mended ?? '', /^rewritten: /);
  assert.deepEqual(kernelWords(netns), words);
});

test('a start tells the keys that the kernel still held for nobody', async () => {
  const gone = service('gone', {
    type: 'NodePort',
    clusterIP: '10.96.0.9',
    ports: [{ port: 53, protocol: 'UDP', nodePort: 30_053 }],
  });
  await withPods(1);
  await plane.apply({ set: entriesOf([gone], [slice('gone', 53, pods(1), { protocol: 'UDP' })]), remove: [] });
  const { unclaimed = [] } = await restart();
  assert.deepEqual([...unclaimed].sort(), ['10.10.10.1 UDP 30053', '10.96.0.9 UDP 53']);
});

test('what clients are remembered is not read: a quarter of a million would stop the process for 5 s', () => {
  const kernel = openNftElements(netns);
  const read = new Set<string>();
  readBack(
    { ...kernel, scan: (family, table, set, visit) => (read.add(set), kernel.scan(family, table, set, visit)) },
    'IPv4',
    'portolan',
  );
  kernel.close();
  assert.ok(read.has('sticky-slots') && !read.has('affinity'));
});
