/**
 * The documents are true: the fenced `sh` commands of README.md and examples/README.md run in order, as a reader pastes them.
 *
 *   ```sh … ``` ── commands ── one bash: a command must succeed; `A || echo no` promises that A fails
 *
 * Of README.md the two first blocks (`up`, `npm test`) are left out: they are why this runs. Only what names the cluster is changed:
 * `from` and `proxy show` get its name, and the LAN's default addresses become its own. In `default`, which no other test uses.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { sharedCluster } from '../support/cluster.ts';
import { kubectlPath } from '../support/kubectl.ts';
import { projectRoot } from '../support/paths.ts';
import { runCommand } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';

const cluster = sharedCluster();

function shellBlocks(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
}

/** A command that ends its line with a backslash goes on. */
function commandsOf(block: string): readonly string[] {
  return block.split(/(?<!\\)\n/).filter((line) => line.trim() !== '');
}

/** What a reader does by hand: looks again at what takes a moment, and takes an answer for a fault where none was promised. */
function checked(command: string): string {
  const promise = /^(.*?) \|\| echo .*$/s.exec(command);
  if (promise !== null) return `if ${promise[1] ?? ''}; then echo 'this should have failed' >&2; exit 1; fi`;
  const assigned = /^([A-Z]+)=/.exec(command)?.[1];
  if (assigned !== undefined) return again(`{ ${command}; } && [ -n "$${assigned}" ]`);
  return command.startsWith('./portolan from') ? again(command) : command;
}

function again(condition: string): string {
  return `tries=0; until ${condition}; do tries=$((tries+1)); [ $tries -lt 60 ] || exit 1; sleep 0.2; done`;
}

async function run(blocks: readonly string[]): Promise<Outcome> {
  const node = (await cluster.nodeAddresses())[0] ?? '';
  const lan = node.slice(0, node.lastIndexOf('.') + 1);
  const lines = blocks
    .flatMap(commandsOf)
    .map((line) => line.replaceAll(/\.\/portolan (from|proxy show|dns show)/g, `./portolan $1 --name ${cluster.name}`))
    .map((line) => line.replaceAll('10.10.10.', lan))
    .map(
      (line) =>
        `echo ${JSON.stringify('+ ' + (line.split('\n')[0] ?? '')).replaceAll(/[$`]/g, '\\$&')}\n${checked(line)}`,
    );
  const script = `cd '${projectRoot}'\n${lines.join('\n')}\n`;
  const path = `${dirname(kubectlPath())}${delimiter}${process.env['PATH'] ?? ''}`;
  return runCommand(['bash', '-euo', 'pipefail', '-c', script], {
    env: { KUBECONFIG: cluster.kubeconfig, PATH: path },
    timeoutMs: 180_000,
  });
}

const made = ['delete', '--ignore-not-found', '-n', 'default'];

test('README.md: every command works, in order', async (t) => {
  t.after(() => cluster.kubectl([...made, 'deployment/web', 'service/web']));
  t.after(() => cluster.kubectl([...made, '-f', join(projectRoot, 'examples/three-tier.yaml')]));
  const [up = '', suite = '', ...rest] = shellBlocks(readFileSync(join(projectRoot, 'README.md'), 'utf8'));
  assert.deepEqual([up, suite], ['./portolan up\n', 'npm test\n']);
  assert.ok(rest.length > 0);
  const { code, stdout, stderr } = await run(rest);
  assert.equal(code, 0, `${stdout}${stderr}`);
  assert.match(stdout, /hello from web-/);
  assert.match(stdout, /"tier":"database"/);
});

test('examples/README.md: every command works, in order', async (t) => {
  for (const file of ['examples/three-tier.yaml', 'examples/five-types.yaml']) {
    t.after(() => cluster.kubectl([...made, '-f', join(projectRoot, file)]));
  }
  const blocks = shellBlocks(readFileSync(join(projectRoot, 'examples/README.md'), 'utf8'));
  assert.ok(blocks.length > 0);
  const { code, stdout, stderr } = await run(blocks);
  assert.equal(code, 0, `${stdout}${stderr}`);
  assert.match(stdout, /"tier":"database"/);
  assert.match(stdout, /hello from hello-/);
});

test('a document that is wrong is found out', async () => {
  const samples = [
    'kubectl get service no-such\n',
    'kubectl expose \\\n  no-such thing\nkubectl get nodes\n',
    "./portolan from node/node-1 -- true || echo 'no, as it should be'\n",
  ];
  for (const sample of samples) {
    const [block = ''] = shellBlocks(`# Bad\n\n\`\`\`sh\n${sample}\`\`\`\n`);
    assert.equal(block, sample);
    assert.notEqual((await run([block])).code, 0, sample);
  }
});
