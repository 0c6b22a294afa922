/** The system calls, against the real kernel, in namespaces that go away by themselves. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { NetlinkError, NftError, openConntrack, openNft, openNftElements, probeKernel, withNetns } from './index.ts';
import type { NftElement } from './index.ts';
import { withNewNetns } from './netns.ts';

const here = (): string => readlinkSync('/proc/thread-self/ns/net');

test('a thread goes into a namespace and comes back, also after an error', () => {
  const home = here();
  assert.notEqual(withNewNetns(here), home);
  assert.equal(here(), home);
  assert.equal(withNetns('/proc/self/ns/net', here), home);
  assert.throws(
    () =>
      withNewNetns(() => {
        throw new Error('inside');
      }),
    /inside/,
  );
  assert.equal(here(), home);
  assert.throws(
    () => withNetns('/run/netns/there-is-no-such', here),
    /no network namespace at \/run\/netns\/there-is-no-such/,
  );
});

test('nft: a context stays in its namespace; errors carry what nft says, and nothing of the script is done', () => {
  const nft = withNewNetns(() => openNft());
  nft.run('add table ip t\nadd chain ip t c\n');
  assert.match(nft.run('list table ip t'), /chain c/);
  assert.throws(() => nft.run('add chain ip t d\nadd rule ip t nowhere accept\n'), NftError);
  assert.doesNotMatch(nft.run('list table ip t'), /chain d/);
  const long = 'add rule ip t nowhere accept\n'.repeat(500);
  assert.throws(
    () => nft.run(long),
    (error: unknown) => error instanceof NftError && error.text.length <= 1_001 && error.notFound,
  );
  const other = withNewNetns(() => openNft());
  assert.throws(
    () => other.run('list table ip t'),
    (error: unknown) => error instanceof NftError && error.notFound,
  );
  nft.close();
  other.close();
  assert.throws(() => nft.run('list tables'), /closed/);
});

test('elements: written as bytes, read back, all or nothing, and counted by the generation', () => {
  const [nft, kernel] = withNewNetns(() => [openNft(), openNftElements()] as const);
  nft.run(
    'add table ip t\nadd map ip t m { type ipv4_addr . inet_service : verdict; }\nadd chain ip t c\n' +
      'add set ip t r { type ipv4_addr . inet_service; flags interval; }\nadd rule ip t c return comment "hello"\n',
  );
  const at = (last: number): NftElement => ({
    key: Buffer.from([10, 0, 0, last, 0, 80, 0, 0]),
    verdict: { kind: 'goto', chain: 'c' },
  });
  const before = kernel.generation();
  kernel.commit([{ verb: 'add', family: 'ip', table: 't', set: 'm', elements: [at(1), at(2)] }]);
  assert.equal(kernel.generation(), before + 1);
  const refused = (): void =>
    kernel.commit([
      { verb: 'add', family: 'ip', table: 't', set: 'm', elements: [at(3)] },
      { verb: 'delete', family: 'ip', table: 't', set: 'm', elements: [at(9)] },
    ]);
  assert.throws(refused, (error: unknown) => error instanceof NetlinkError && error.code === 'ENOENT');
  assert.equal(kernel.generation(), before + 1);
  const range = { key: Buffer.from([10, 0, 0, 0, 0, 1, 0, 0]), keyEnd: Buffer.from([10, 255, 255, 255, 0, 9, 0, 0]) };
  kernel.commit([{ verb: 'add', family: 'ip', table: 't', set: 'r', elements: [range] }]);
  const listed = kernel.list('ip', 't', 'm').map(({ key, verdict }) => [key[3], verdict]);
  assert.deepEqual(
    listed.sort((a, b) => Number(a[0]) - Number(b[0])),
    [
      [1, { kind: 'goto', chain: 'c' }],
      [2, { kind: 'goto', chain: 'c' }],
    ],
  );
  assert.match(nft.run('list set ip t r'), /10\.0\.0\.0\/8 \. 1-9/);
  assert.deepEqual(kernel.comments('ip', 't', 'c'), ['hello']);
  assert.deepEqual(kernel.comments('ip', 'none', 'c'), []);
  const print = kernel.fingerprint('ip', 't', 'about');
  kernel.commit([{ verb: 'delete', family: 'ip', table: 't', set: 'm', elements: [at(1)] }]);
  assert.equal(kernel.fingerprint('ip', 't', 'about'), print, 'elements do not count');
  nft.run('add rule ip t c drop\n');
  assert.notEqual(kernel.fingerprint('ip', 't', 'about'), print);
  assert.equal(kernel.fingerprint('ip', 'none', 'about'), undefined);
  nft.close();
  kernel.close();
});

test('ten thousand elements are one transaction', () => {
  const [nft, kernel] = withNewNetns(() => [openNft(), openNftElements()] as const);
  nft.run('add table ip t\nadd set ip t s { type ipv4_addr; }\n');
  const elements = Array.from({ length: 10_000 }, (_, i) => ({ key: Buffer.from([10, 0, i >> 8, i & 255]) }));
  const before = kernel.generation();
  kernel.commit([{ verb: 'add', family: 'ip', table: 't', set: 's', elements }]);
  assert.equal(kernel.generation(), before + 1);
  assert.equal(kernel.list('ip', 't', 's').length, 10_000);
  nft.close();
  kernel.close();
});

test('connection tracking of an empty namespace is empty, and this kernel has all that we need', () => {
  const conntrack = withNewNetns(() => openConntrack());
  let flows = 0;
  conntrack.each({ family: 'IPv4', protocol: 17 }, () => flows++);
  assert.equal(flows, 0);
  conntrack.close();
  assert.deepEqual(probeKernel().missing, []);
});
