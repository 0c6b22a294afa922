/** Each law over the tree as it is, and over a bad sample that it must catch. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../support/paths.ts';
import * as docs from './docs.ts';
import * as laws from './tree.ts';
import type { Law, SourceFile } from './tree.ts';

const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
const architecture = read('ARCHITECTURE.md');

/** What git tracks or would track: the tree that a clean checkout has. */
const tree: readonly SourceFile[] = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: projectRoot,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && !path.endsWith('.json') && existsSync(join(projectRoot, path)))
  .map((path) => ({ path, text: read(path) }));

const paths = tree.map(({ path }) => path);
const cli = tree.filter(({ path }) => path.startsWith('src/cli/') && !path.endsWith('.test.ts'));

const LAWS: readonly { readonly name: string; readonly law: Law; readonly bad: SourceFile }[] = [
  { name: 'files stay small', law: laws.fileSize, bad: { path: 'src/dns/big.ts', text: 'x\n'.repeat(401) } },
  {
    name: 'a source file opens with its purpose',
    law: laws.opensWithPurpose,
    bad: { path: 'src/dns/mute.ts', text: 'export {};\n' },
  },
  {
    name: 'folders import only what ARCHITECTURE.md allows',
    law: laws.walls(laws.wallsOf(architecture)),
    bad: { path: 'src/model/x.ts', text: "/** */ import { a } from '../kernel/netns.ts';" },
  },
  {
    name: 'folders are entered by their doors',
    law: laws.doors(architecture),
    bad: {
      path: 'src/dns/x.ts',
      text: "import { a } from '../kernel/index.ts';\nimport { b } from '../kernel/netns.ts';",
    },
  },
  {
    name: 'koffi stays behind src/kernel',
    law: laws.kernelBehindOneDoor,
    bad: { path: 'src/proxy/x.ts', text: "import koffi from 'koffi';" },
  },
  {
    name: 'the model is pure',
    law: laws.modelIsPure,
    bad: { path: 'src/model/x.ts', text: "import { readFileSync } from 'node:fs';" },
  },
  {
    name: 'node:http comes without undici',
    law: laws.httpWithoutUndici,
    bad: { path: 'src/lb/x.ts', text: "import { request } from 'node:http';" },
  },
  {
    name: 'no test is skipped',
    law: laws.noSilentSkip,
    bad: { path: 'src/dns/x.test.ts', text: 'test' + ".skip('x', () => {});" },
  },
  {
    name: 'what is exported has a user',
    law: laws.exportsHaveUsers,
    bad: { path: 'src/dns/x.ts', text: 'export function alone(): void {}' },
  },
  {
    name: 'a file that is named exists',
    law: docs.namesFilesThatExist(paths),
    bad: { path: 'src/dns/x.ts', text: '/' + '** The rest is in long-gone.ts, beside answers.ts. */' },
  },
  {
    name: 'links and folders of documents exist',
    law: docs.linksLeadSomewhere(paths),
    bad: { path: 'docs/x.md', text: '[examples](../examples/README.md), `src/dns`, and `src/long-gone`' },
  },
  {
    name: 'commands and flags of documents exist',
    law: docs.commandsExist(read('package.json'), cli),
    bad: { path: 'x.md', text: '`portolan up --nodes 3 --long-gone`\n`kubectl get pods --watch`, `npm run check`' },
  },
  {
    name: 'no machine is named',
    law: laws.namesNoMachine,
    bad: { path: 'src/x.ts', text: "const path = '/wo" + "rk/x';" },
  },
];

for (const { name, law, bad } of LAWS) {
  test(`law: ${name}`, () => {
    assert.deepEqual(law(tree), []);
    assert.equal(law([bad]).length, 1, 'the bad sample must be caught');
  });
}

test('law: code that only its tests call is dead', () => {
  const [code, caller] = [
    { path: 'src/dns/x.ts', text: 'export function old(): void {}' },
    { path: 'src/dns/x.test.ts', text: "import { old } from './x.ts';" },
  ];
  assert.deepEqual(laws.exportsHaveUsers([code, caller]), ['src/dns/x.ts: old is of use to tests only']);
  assert.deepEqual(laws.exportsHaveUsers([code, { ...caller, path: 'src/dns/y.ts' }]), []);
});

test('law: every dependency has its line of reason', () => {
  assert.deepEqual(laws.dependencyReasons(read('package.json'), architecture), []);
  assert.deepEqual(laws.dependencyReasons('{"dependencies":{"left-pad":"1"}}', '## Dependencies\n| `gone` | why |'), [
    'left-pad has no line of reason in ARCHITECTURE.md',
    'ARCHITECTURE.md gives a reason for gone, which is not taken',
  ]);
});

test('law: the tree that the laws see is not empty', () => {
  assert.ok(tree.length > 20);
});
