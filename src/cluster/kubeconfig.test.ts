import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { parse } from 'yaml';
import { parseKubeconfig } from '../client/index.ts';
import { checkKubeconfig, kubeconfigOf, mergeContext, removeContext } from './kubeconfig.ts';
import type { Access } from './kubeconfig.ts';

const access: Access = {
  name: 'portolan-t',
  server: 'https://10.10.19.250:6443',
  ca: 'CA',
  certificate: 'CERT',
  key: 'KEY',
};
const foreign = `# mine, by hand
apiVersion: v1
kind: Config
preferences: {}
current-context: work # at work
clusters:
# the office
- name: work
  cluster: {server: "https://work.example:6443"}
contexts:
- name: work
  context: {cluster: work, user: me, namespace: team}
users:
- name: me
  user: {token: abc}
`;

let dir: string;
let file: string;
let was: string | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'portolan-kubeconfig-'));
  file = join(dir, 'config');
  was = process.env['KUBECONFIG'];
  process.env['KUBECONFIG'] = file;
});
afterEach(() => {
  if (was === undefined) delete process.env['KUBECONFIG'];
  else process.env['KUBECONFIG'] = was;
  rmSync(dir, { recursive: true, force: true });
});
const text = (): string => readFileSync(file, 'utf8');

test('a new file is the person’s alone and is what kubectl reads', async () => {
  file = join(dir, 'new', '.kube', 'config');
  process.env['KUBECONFIG'] = file;
  assert.equal(await mergeContext(access), file);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(parse(text()), kubeconfigOf(access), text());
  const read = await parseKubeconfig(text(), file);
  assert.deepEqual(read, { server: access.server, ca: 'CA', clientCert: 'CERT', clientKey: 'KEY' });
});

test('a place that can not be written, and a file that is none, are told before anything is made', async () => {
  process.env['KUBECONFIG'] = '/proc/no/such/config';
  await assert.rejects(checkKubeconfig(), /kubeconfig \/proc\/no\/such\/config can't be written: .*; set KUBECONFIG/);
  process.env['KUBECONFIG'] = file;
  writeFileSync(file, 'clusters: [');
  await assert.rejects(checkKubeconfig(), /can't be read: .*; mend it, or set KUBECONFIG/s);
});

test('other entries and comments stay; current-context is ours; down takes only ours', async () => {
  writeFileSync(file, foreign, { mode: 0o640 });
  await mergeContext(access);
  await mergeContext(access);
  const merged = parse(text()) as Record<string, { name: string }[]>;
  for (const list of ['clusters', 'contexts', 'users']) assert.equal(merged[list]?.length, 2, text());
  assert.equal(merged['current-context'], 'portolan-t');
  for (const comment of ['# mine, by hand', '# the office']) assert.ok(text().includes(comment), text());
  assert.equal(statSync(file).mode & 0o777, 0o640);

  assert.deepEqual(await removeContext('portolan-t'), [file]);
  const left = parse(text()) as Record<string, unknown>;
  assert.deepEqual(left, parse(foreign), 'the context that was current is so again');
  assert.ok(text().includes('# the office'));
  assert.deepEqual(await removeContext('portolan-t'), []);
  assert.deepEqual(readdirSync(dir), ['config'], 'no lock and no half-written file stays');
});

test('a current-context that is not ours stays', async () => {
  await mergeContext(access);
  await mergeContext({ ...access, name: 'portolan' });
  await removeContext('portolan-t');
  const left = parse(text()) as { 'current-context': string; contexts: { name: string }[] };
  assert.equal(left['current-context'], 'portolan');
  assert.deepEqual(
    left.contexts.map((one) => one.name),
    ['portolan'],
  );
});

test('the last cluster gone gives back the context before the first, whichever goes first', async () => {
  const current = (): string => (parse(text()) as { 'current-context': string })['current-context'];
  for (const order of [
    ['portolan-a', 'portolan-b'],
    ['portolan-b', 'portolan-a'],
  ]) {
    writeFileSync(file, foreign);
    for (const name of ['portolan-a', 'portolan-b', 'portolan-b']) await mergeContext({ ...access, name });
    assert.equal(current(), 'portolan-b');
    await removeContext(order[0] ?? '');
    assert.equal(current(), order[1]);
    await removeContext(order[1] ?? '');
    assert.deepEqual(parse(text()), parse(foreign));
  }
});

test('a context that is gone meanwhile is not made current again', async () => {
  writeFileSync(file, foreign);
  await mergeContext(access);
  await removeContext('work');
  await removeContext('portolan-t');
  assert.equal((parse(text()) as { 'current-context': string })['current-context'], '');
});

test('empty lists as kubectl writes them, and an empty file', async () => {
  for (const before of ['', '\n', 'apiVersion: v1\nclusters: null\ncontexts: []\nusers: null\ncurrent-context: ""\n']) {
    writeFileSync(file, before);
    await mergeContext(access);
    assert.equal((await parseKubeconfig(text(), file)).server, access.server, text());
  }
});

test('several files in $KUBECONFIG: the first that exists is written, all are cleaned', async () => {
  const second = join(dir, 'second');
  writeFileSync(second, foreign);
  process.env['KUBECONFIG'] = `${file}:${second}`;
  assert.equal(await mergeContext(access), second);
  assert.deepEqual(await removeContext('portolan-t'), [second]);
});

test('a link stays a link', async () => {
  mkdirSync(join(dir, 'real'));
  writeFileSync(join(dir, 'real', 'config'), foreign);
  symlinkSync(join(dir, 'real', 'config'), file);
  await mergeContext(access);
  assert.ok(
    readdirSync(dir, { withFileTypes: true })
      .find((entry) => entry.name === 'config')
      ?.isSymbolicLink(),
  );
  assert.ok(readFileSync(join(dir, 'real', 'config'), 'utf8').includes('portolan-t'));
});

test('a file that is no kubeconfig is left as it is', async () => {
  for (const broken of ['a: [b\n', 'just text\n']) {
    writeFileSync(file, broken);
    await assert.rejects(mergeContext(access), /can't be read: .*; mend it, or set KUBECONFIG to another file/s);
    assert.equal(text(), broken);
    assert.deepEqual(readdirSync(dir), ['config']);
  }
});

test('two at once: both are in', async () => {
  const names = ['portolan-a', 'portolan-b', 'portolan-c'];
  await Promise.all(names.map((name) => mergeContext({ ...access, name })));
  const merged = parse(text()) as { contexts: { name: string }[] };
  assert.deepEqual(merged.contexts.map((one) => one.name).sort(), names);
});
