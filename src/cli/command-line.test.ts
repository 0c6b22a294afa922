import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { passThrough } from './pass-through.ts';
import { table } from './table.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function portolan(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const commands =
  'up down status kubeconfig image doctor from logs apiserver controllers control-plane agent proxy dns lb'.split(' ');

test('help lists every command, and every command has help with its flags', async () => {
  const help = await portolan('--help');
  assert.equal(help.code, 0);
  for (const command of commands) assert.match(help.stdout, new RegExp(`^  ${command} `, 'm'));
  assert.deepEqual((await portolan()).stdout, help.stdout);
  const each = await Promise.all(commands.map((command) => portolan(command, '--help')));
  for (const [i, { code, stdout }] of each.entries()) {
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^Usage: portolan ${commands[i] ?? ''}`));
  }
});

const lbFlags = '--pool 198.51.100.128/25 --lan-interface a --public-interface b --lan-range 10.10.10.0/24'.split(' ');

test('mistakes get a clear error and exit code 1', async () => {
  const mistakes: readonly (readonly [readonly string[], RegExp])[] = [
    [['statsu'], /unknown command 'statsu'\n\(Did you mean status\?\)/],
    [['up', '--node', '3'], /unknown option '--node'\n\(Did you mean --nodes\?\)/],
    [['up', '--nodes', 'three'], /'--nodes <n>' argument 'three' is invalid. want a whole number/],
    [['up', '--nodes', '0'], /--nodes 0: want a number from 1 to 99/],
    [['up', '--name', 'Big_Name'], /--name "Big_Name": want 1 to 32 characters of a-z, 0-9 and '-'/],
    [['up', '--ipv6', '--dual-stack'], /--ipv6 is IPv6 alone, --dual-stack both families: give one of them/],
    [['up', '--zones', '4'], /--zones 4: want a number from 1 to that of the nodes, 3/],
    [['agent', '--node-ip', '10.0.0.1', '--node-labels', 'zone'], /"zone" is no label such as/],
    [['up', '--lan-range', '10.0.0.0/8'], /--lan-range 10.0.0.0\/8: want an IPv4 range/],
    [['help', 'statsu'], /unknown command 'statsu'\n\(Did you mean status\?\)/],
    [['from', 'lan', 'ls', '-la'], /unknown option '-la'\n\(put "--" before the command/],
    [['from'], /missing required argument 'vantage'/],
    [['logs', 'lb', '--name', 'no-such'], /there is no cluster "no-such": start it with "portolan up --name no-such"/],
    [['status', '-o', 'yaml'], /Allowed choices are table, json/],
    [['image', 'load', './no-such.tar'], /there is no file .\/no-such.tar/],
    [['image', 'load'], /missing required argument 'source'\n\(portolan image load --help/],
    [
      ['image', 'load', main],
      /cannot load .*main.ts: no whole tar archive \(.*\): want an OCI layout or a docker archive/,
    ],
    [['apiserver'], /required option '--data-dir <dir>' not specified/],
    [['apiserver', '--data-dir', '/no/such', '--cert-dir', '/no/such'], /--cert-dir \/no\/such: no ca.crt is there/],
    [['dns', '--listen', 'nowhere'], /^portolan: nowhere: want address:port/m],
    [['dns', 'show', 'web', '--name', 'no-such'], /there is no cluster "no-such"/],
    [['dns', '--kubeconfig', '/no/such'], /^portolan: cannot read kubeconfig \/no\/such: ENOENT.*--kubeconfig$/m],
    [['agent', '--node-ip', '10.0.0.1', '--kubeconfig', '/no/such'], /^portolan: cannot read kubeconfig \/no\/such/m],
    [['lb', ...lbFlags, '--kubeconfig', '/no/such'], /^portolan: cannot read kubeconfig \/no\/such/m],
    [['proxy', '--nice', '-21'], /'--nice <n>' argument '-21' is invalid. want a whole number from -20 to 19/],
    [['proxy', '--kubeconfig', '/no/such', '--hostname-override', 'x'], /cannot read kubeconfig \/no\/such/],
  ];
  const outcomes = mistakes.map(async ([args, message]) => ({ args, message, ...(await portolan(...args)) }));
  for (const { args, message, code, stdout, stderr } of await Promise.all(outcomes)) {
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr + stdout, message, args.join(' '));
    assert.doesNotMatch(stderr, /^\s+at |"stack":/m, 'no stack for a mistake');
  }
});

test('a program that is not there ends as in a shell', async () => {
  assert.equal(await passThrough('/no/such/program', []), 127);
  assert.equal(await passThrough('/etc/passwd', []), 126);
  assert.equal(await passThrough('sh', ['-c', 'exit 7']), 7);
  assert.equal(await passThrough('sh', ['-c', 'kill -TERM $$']), 143);
});

test('a reader that goes away is no error', () => {
  const directory = mkdtempSync(join(tmpdir(), 'portolan-pipe-'));
  try {
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(pipe, constants.O_WRONLY);
    closeSync(reader);
    const { status, stderr } = spawnSync(process.execPath, [main, 'up', '--help'], {
      stdio: ['ignore', writer, 'pipe'],
    });
    closeSync(writer);
    assert.deepEqual([status, String(stderr)], [0, '']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a table has its columns under their heads', () => {
  assert.equal(
    table(
      ['A', 'LONG'],
      [
        ['wide cell', 'x'],
        ['b', ''],
      ],
    ),
    'A           LONG\nwide cell   x\nb',
  );
});
