/**
 * `up` and `down` as a person runs them: what they make, that they mend, and that nothing is left, however the end came. In a
 * sandbox, so that other clusters of this machine neither disturb the comparison nor are disturbed.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import type { ClusterStatus } from '../../src/cluster/index.ts';
import { kubectlPath } from '../support/kubectl.ts';
import { launcher } from '../support/paths.ts';
import { runCommand } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { openSandbox } from '../support/sandbox.ts';

const sandbox = await openSandbox();
const folder = mkdtempSync(join(tmpdir(), 'portolan-lifecycle-'));
const kubeconfig = join(folder, 'kubeconfig');
const env = { KUBECONFIG: kubeconfig };
const names = ['life', 'life-2'];
const takeDown = async (): Promise<void> => {
  for (const name of names) await portolan('down', '--name', name);
};
beforeEach(takeDown);
after(async () => {
  await takeDown();
  sandbox.close();
  rmSync(folder, { recursive: true, force: true });
});

const inside = (...command: string[]): Promise<Outcome> => sandbox.run(command, { env, timeoutMs: 120_000 });
const portolan = (...args: string[]): Promise<Outcome> => inside(launcher, ...args);
const must = async (...args: string[]): Promise<string> => succeeded(await portolan(...args), args);
const kubectl = async (context: string, ...args: string[]): Promise<string> =>
  succeeded(await inside(kubectlPath(), '--context', `portolan-${context}`, ...args), args);

function succeeded({ code, stdout, stderr }: Outcome, args: readonly string[]): string {
  assert.equal(code, 0, `${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}

async function statusOf(name: string): Promise<ClusterStatus> {
  return JSON.parse((await portolan('status', '--name', name, '-o', 'json')).stdout) as ClusterStatus;
}

/** Everything that a cluster could leave behind. */
async function machine(): Promise<Record<string, readonly string[]>> {
  const lines = async (...command: string[]): Promise<string[]> =>
    succeeded(await inside(...command), command)
      .trimEnd()
      .split('\n');
  const conf = await lines('sysctl', '--all', '--ignore', '--pattern', '^net\\.(ipv4|ipv6|netfilter|bridge)\\.');
  return {
    links: (await lines('ip', '-oneline', 'link', 'show')).map((line) => line.split(': ')[1] ?? line),
    addresses: await lines('ip', '-oneline', 'address', 'show'),
    routes: await lines('ip', 'route', 'show', 'table', 'all'),
    rules: await lines('ip', 'rule', 'show'),
    tables: await lines('nft', 'list', 'ruleset'),
    // Counters that the kernel moves by itself are no setting.
    sysctls: conf.filter((line) => !/nf_conntrack_(count|buckets|max)|nf_log/.test(line)),
    mounts: [...sandbox.mounts()].sort(),
    namespaces: sandbox.list('/run/netns'),
    run: sandbox.list('/run'),
    data: sandbox.list('/var/lib/portolan').filter((name) => name !== 'images'),
    processes: ourProcesses(),
  };
}

async function same(before: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const now = await machine();
  for (const [what, had] of Object.entries(before)) {
    const have = now[what] ?? [];
    const left = have.filter((one) => !had.includes(one));
    const lost = had.filter((one) => !have.includes(one));
    assert.deepEqual({ what, left, lost }, { what, left: [], lost: [] });
  }
}

/** Command lines of processes that belong to a cluster of this file. */
function ourProcesses(): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()];
      } catch {
        return [];
      }
    })
    .filter((line) => names.some((name) => line.includes(`/portolan/${name}/`)));
}

/** One that has ended may still wait for its parent. */
function isAlive(pid: number | undefined): boolean {
  const file = `/proc/${String(pid)}/status`;
  return existsSync(file) && !/^State:\s+[ZX]/m.test(readFileSync(file, 'utf8'));
}

async function webPod(name: string): Promise<void> {
  const command = ['--image=portolan.local/host', '--replicas=2', '--', 'sleep', '1000'];
  await kubectl(name, 'create', 'deployment', 'web', ...command);
  await kubectl(name, 'rollout', 'status', 'deployment/web', '--timeout=60s');
}

test('up, up again, and down: nothing is left', async () => {
  const before = await machine();
  assert.match(await must('up', '--name', 'life', '--nodes', '2'), /Cluster "life" is Ready/);
  const running = await statusOf('life');
  assert.equal(running.healthy, true, JSON.stringify(running));
  assert.deepEqual(running.parts.map((part) => part.name).sort(), ['control-plane', 'lb', 'node-1', 'node-2']);
  assert.equal((await portolan('status', '--name', 'life')).code, 0);
  await webPod('life');

  const again = await portolan('up', '--name', 'life');
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stderr, /All parts were running/);
  assert.deepEqual((await statusOf('life')).parts, running.parts, 'no process was started anew');

  assert.match(await must('down', '--name', 'life'), /Cluster "life" is gone/);
  await same(before);
  assert.doesNotMatch(readFileSync(kubeconfig, 'utf8'), /portolan-life/);
  assert.match(await must('down', '--name', 'life'), /There is no cluster "life"/);
  assert.equal((await portolan('status', '--name', 'life')).code, 3);
});

test('no room for its state: up says which disk, and leaves nothing', async (t) => {
  const before = await machine();
  const disk = mkdtempSync(join(tmpdir(), 'portolan-life-disk-'));
  t.after(() => rmSync(disk, { recursive: true, force: true }));
  await inside('mount', '-t', 'tmpfs', '-o', 'size=40k', 'tmpfs', disk);
  try {
    const { code, stderr } = await portolan('up', '--name', 'life', '--data', join(disk, 'data'));
    assert.equal(code, 1);
    assert.match(stderr, /ENOSPC.*\n.*the disk of .*\/data is full: make room there, or .* --data/);
  } finally {
    await inside('umount', disk);
  }
  await same(before);
});

test('kill -9 of everything: status names it, up mends it, down after it leaves nothing', async () => {
  const before = await machine();
  await must('up', '--name', 'life', '--nodes', '2');
  await webPod('life');
  const { parts } = await statusOf('life');
  for (const { pid } of parts) process.kill(pid ?? 0, 'SIGKILL');
  const dead = await portolan('status', '--name', 'life');
  assert.equal(dead.code, 1);
  assert.match(dead.stdout, /node-2\s+\d+\s+dead: process \d+ has ended; it last said: \S/);
  assert.match(dead.stdout, /portolan up --name life starts it again/);

  // A namespace and a link are gone too.
  await inside('ip', 'netns', 'delete', 'portolan-life-lan');
  await inside('ip', '-netns', 'portolan-life-node-2', 'link', 'delete', 'eth0');
  await must('up', '--name', 'life');
  const mended = await statusOf('life');
  assert.equal(mended.healthy, true, JSON.stringify(mended));
  assert.match(
    await must('from', '--name', 'life', 'lan', '--', 'ip', 'route', 'get', '10.244.2.7'),
    /via 10\.10\.\d+\.2 dev eth0/,
  );

  for (const { pid } of mended.parts) process.kill(pid ?? 0, 'SIGKILL');
  await must('down', '--name', 'life');
  await same(before);
});

test('two clusters raised at the same time live side by side; down of one leaves the other alone', async () => {
  await Promise.all([must('up', '--name', 'life', '--nodes', '1'), must('up', '--name', 'life-2', '--nodes', '1')]);
  const [one, two] = [await statusOf('life'), await statusOf('life-2')];
  assert.notEqual(one.addresses['lan'], two.addresses['lan']);
  await must('down', '--name', 'life');
  const left = await statusOf('life-2');
  assert.equal(left.healthy, true, JSON.stringify(left));
  assert.deepEqual(left.parts, two.parts);
  assert.match(await kubectl('life-2', 'get', 'nodes', '--no-headers'), /^node-1\s+Ready/);
  await must('down', '--name', 'life-2');
});

test('down while pods are coming and going', async () => {
  const before = await machine();
  await must('up', '--name', 'life', '--nodes', '1');
  const sleeping = ['--image=portolan.local/host', '--replicas=10', '--', 'sleep', 'infinity'];
  await kubectl('life', 'create', 'deployment', 'old', ...sleeping);
  await kubectl('life', 'rollout', 'status', 'deployment/old');
  await kubectl('life', 'delete', 'deployment', 'old', '--wait=false');
  await kubectl('life', 'delete', 'pods', '--all', '--wait=false', '--grace-period=0', '--force');
  await kubectl('life', 'create', 'deployment', 'new', ...sleeping);
  await must('down', '--name', 'life');
  await same(before);
});

test('objects in --data outlive down, and a disk that is mounted there stays mounted', async () => {
  const data = join(folder, 'data');
  mkdirSync(data);
  succeeded(await inside('mount', '-t', 'tmpfs', 'tmpfs', data), ['mount', data]);
  await must('up', '--name', 'life', '--nodes', '1', '--data', data);
  await kubectl('life', 'create', 'configmap', 'kept', '--from-literal=a=b');
  assert.match(await must('down', '--name', 'life'), /its data stays in/);
  assert.ok(sandbox.mounts().includes(data));
  assert.ok(existsSync(join(sandbox.path(data), 'cluster.json')));
  await must('up', '--name', 'life', '--data', data);
  assert.equal(await kubectl('life', 'get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}'), 'b');
  await must('down', '--name', 'life');
});

test('an up that fails says which part and why, and takes everything back', async () => {
  const before = await machine();
  const data = join(folder, 'broken');
  mkdirSync(data);
  // Where the store's folder should be, there is a file.
  writeFileSync(join(data, 'store'), 'not a folder');
  const failed = await portolan('up', '--name', 'life', '--nodes', '1', '--data', data);
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /part control-plane ended/);
  assert.match(failed.stderr, /last lines of control-plane:\n.*store/s);
  await same(before);
});

test('a broken record is named with its fix, stops nobody else, and down takes the cluster away', async () => {
  const before = await machine();
  await must('up', '--name', 'life', '--nodes', '1');
  const { parts } = await statusOf('life');
  const pidFile = sandbox.path('/run/portolan/life/parts/lb.json');
  writeFileSync(pidFile, '{"pid":');
  assert.match((await portolan('up', '--name', 'life')).stderr, /lb\.json is broken .*"portolan down"/);
  writeFileSync(sandbox.path('/run/portolan/life/cluster.json'), '');
  const broken = await portolan('status', '--name', 'life');
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /cluster\.json is broken \(empty\): "portolan down --name life"/);
  assert.match((await portolan('kubeconfig', '--name', 'life-2')).stderr, /there is no cluster "life-2"/);
  await must('down', '--name', 'life');
  for (const { name, pid } of parts) assert.equal(isAlive(pid), false, `${name} is left`);
  await same(before);
});

test('a clash of addresses is refused before anything is touched', async (t) => {
  t.after(() => inside('ip', 'link', 'delete', 'vpn'));
  const commands = [
    'link add vpn type bridge',
    'link set vpn addrgenmode none',
    'address add 10.10.10.7/24 dev vpn',
    'link set vpn up',
  ];
  for (const command of [...commands, 'route add 10.96.0.0/12 via 10.10.10.1 dev vpn']) {
    succeeded(await inside('ip', ...command.split(' ')), [command]);
  }
  const before = await machine();
  const refused = await portolan('up');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /nothing was changed/);
  assert.match(
    refused.stderr,
    /range 10\.10\.10\.0\/24 clashes with this machine's address 10\.10\.10\.7\/24 of vpn: choose another with --lan-range/,
  );
  assert.match(
    refused.stderr,
    /range 10\.96\.0\.0\/16 clashes with this machine's route 10\.96\.0\.0\/12 via 10\.10\.10\.1 dev vpn: choose another with --service-cluster-ip-range/,
  );
  const doctor = await portolan('doctor');
  assert.equal(doctor.code, 1);
  assert.match(doctor.stdout, /FAIL {2}addresses: .*10\.10\.10\.7\/24 of vpn/);
  await same(before);
});

test('without root: the fix is named', async () => {
  for (const command of ['up', 'down']) {
    // A user namespace without a map: nobody, as far as a process can tell.
    const outcome = await runCommand(['unshare', '--user', launcher, command], { env });
    assert.equal(outcome.code, 1, outcome.stdout);
    assert.match(outcome.stderr, new RegExp(`run it as root: sudo ./portolan ${command}`));
  }
});
