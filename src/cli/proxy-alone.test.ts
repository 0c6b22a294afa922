/**
 * Parts alone, as a person starts them: an API server, the controllers and a proxy with nothing but a kubeconfig, real packets
 * through what the proxy wrote, and `proxy show` on a table that somebody damaged.
 */
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Pod } from '../api/gen/types.ts';
import { resources } from '../api/resources.ts';
import { makePki, writeKubeconfig } from '../apiserver/testing.ts';
import { createClient, loadKubeconfig } from '../client/index.ts';
import type { ClosableClient } from '../client/index.ts';
import { addresses, createTopology, end, slotsMapOf } from '../dataplane/testing/index.ts';
import type { PlaceName, Topology } from '../dataplane/testing/index.ts';
import { enterNetns } from '../kernel/index.ts';
import type { Shown } from '../proxy/index.ts';
import { eventually } from '../util/testing.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const listen = '127.0.0.1:16443';
const vip = '10.96.7.7';

let net: Topology;
let dir: string;
let kubeconfig: string;
let client: ClosableClient;
const running: Part[] = [];

interface Part {
  readonly child: ChildProcess;
  /** All that it said. */
  readonly said: () => string;
}

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'portolan-alone-'));
  net = await createTopology();
  await Promise.all((['pod-a', 'pod-c'] as const).map((pod) => net.places[pod].serve('TCP', 8080)));
  await makePki(join(dir, 'pki'));
  kubeconfig = writeKubeconfig(dir, listen);
  // The API server listens on the node's own loopback: this process goes there.
  enterNetns(net.netns('node-1'));
  client = createClient(await loadKubeconfig(kubeconfig));
});
after(async () => {
  await Promise.all(running.map(({ child }) => end(child)));
  client.close();
  await net.close();
  rmSync(dir, { recursive: true, force: true });
});

function start(...args: readonly string[]): Part {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (text += String(bytes)));
  const part = { child, said: () => text };
  running.push(part);
  return part;
}

function portolan(...args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  let [out, err] = ['', ''];
  child.stdout.on('data', (bytes) => (out += String(bytes)));
  child.stderr.on('data', (bytes) => (err += String(bytes)));
  child.once('close', (code) => resolve({ code: code ?? -1, out, err }));
  return promise;
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const explain = (): string => running.map(({ said }) => said().slice(-2000)).join('\n');
  await eventually(what, condition, { explain });
}

async function ask(from: PlaceName): Promise<string> {
  const [answer = ''] = await net.places[from].ask('TCP', vip, 80, { timeoutMs: 500 });
  return answer.split(' ')[0] ?? '';
}

const show = (...args: readonly string[]): Promise<Outcome> =>
  portolan('proxy', 'show', '--kubeconfig', kubeconfig, '--hostname-override', 'node-1', ...args);

async function createPod(name: string, address: string): Promise<void> {
  const pod: Pod = {
    metadata: { name, namespace: 'default', labels: { app: 'web' } },
    spec: { nodeName: 'node-1', containers: [{ name: 'web', image: 'web' }] },
  };
  await client.create(resources.pods, pod);
  const conditions = ['Ready', 'ContainersReady'].map((type) => ({ type, status: 'True' }));
  const status = { phase: 'Running', podIP: address, podIPs: [{ ip: address }], conditions };
  await client.patch(resources.pods, { namespace: 'default', name }, 'merge', { status }, { subresource: 'status' });
}

let proxy: Part;

test('proxy show ends with the reason when the API server does not answer', async () => {
  const { code, err } = await show();
  assert.equal(code, 1);
  assert.match(err, /ECONNREFUSED 127\.0\.0\.1:16443/);
});

test('a proxy whose API server is not there yet says so, waits, and then does its work', async () => {
  const binds = ['--metrics-bind-address', '127.0.0.1:20249', '--healthz-bind-address', ':20256'];
  proxy = start('proxy', '--kubeconfig', kubeconfig, '--hostname-override', 'node-1', ...binds);
  await until('the proxy says why it waits', () =>
    /the API server does not answer: waiting.*|ECONNREFUSED 127.0.0.1:16443.*waiting/.test(proxy.said()),
  );
  assert.match(proxy.said(), /ECONNREFUSED 127\.0\.0\.1:16443/);
  const ranges = ['--bind-address', '127.0.0.1', '--secure-port', '16443', '--advertise-address', '10.10.10.1'];
  start('apiserver', '--data-dir', dir, '--cert-dir', join(dir, 'pki'), ...ranges);
  await until('the server answers', () =>
    client.raw('GET', '/readyz').then(
      () => true,
      () => false,
    ),
  );
  start('controllers', '--kubeconfig', kubeconfig, '--without', 'scheduler,node-lifecycle,taint-eviction,pod-gc');
  await client.create(resources.nodes, {
    metadata: { name: 'node-1' },
    spec: { podCIDRs: ['10.244.1.0/24'] },
    status: { addresses: [{ type: 'InternalIP', address: addresses['node-1'][0] }] },
  });
  await client.create(resources.services, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { app: 'web' }, clusterIP: vip, ports: [{ port: 80, targetPort: 8080 }] },
  });
  await createPod('web-1', addresses['pod-c'][0]);
  await until('packets reach the pod', async () => (await ask('pod-a')) === 'pod-c');
  assert.equal(await ask('node-1'), 'pod-c');
  assert.match(proxy.said(), /the API server answers/);
});

test('it answers where it was told to', async () => {
  assert.equal(await (await fetch('http://127.0.0.1:20249/proxyMode')).text(), 'nftables');
  assert.equal((await fetch('http://10.10.10.1:20256/healthz')).status, 200);
  const metrics = await (await fetch('http://127.0.0.1:20249/metrics')).text();
  assert.match(metrics, /^rest_client_requests_total\{code="200",method="GET",host="127.0.0.1:16443"\} [1-9]/m);
  assert.match(metrics, /^rest_client_requests_total\{code="<error>",method="GET",host="127.0.0.1:16443"\} [1-9]/m);
  assert.match(metrics, /^kubeproxy_sync_proxy_rules_duration_seconds_count\{ip_family="IPv4"\} [1-9]/m);
});

/** `nice` of all of its threads. */
function precedenceOf({ child }: Part): { readonly nice: readonly number[]; readonly oomScoreAdj: number } {
  const proc = `/proc/${String(child.pid)}`;
  const nice = readdirSync(`${proc}/task`).map((thread) => getPriority(Number(thread)));
  return { nice: [...new Set(nice)], oomScoreAdj: Number(readFileSync(`${proc}/oom_score_adj`, 'utf8')) };
}

test('it comes before pods, and is ended after them when memory is short', () => {
  const { nice, oomScoreAdj } = precedenceOf(proxy);
  assert.deepEqual(nice, [-10]);
  // Below what it was started with only where root has CAP_SYS_RESOURCE; without, it says so.
  if (oomScoreAdj !== -999) assert.match(proxy.said(), /"oom-score-adj":-999,"err":"EACCES.*"msg":"not set"/);
});

test('proxy show: why a service leads to nobody, and why none of its addresses is a node’s', async () => {
  const specs = {
    lost: { selector: { app: 'wbe' }, clusterIP: '10.96.7.8', ports: [{ port: 80 }] },
    group: { selector: { app: 'web' }, clusterIP: 'None', ports: [{ port: 80 }] },
  };
  for (const [name, spec] of Object.entries(specs)) {
    await client.create(resources.services, { metadata: { name, namespace: 'default' }, spec });
  }
  await until('the kernel has it', async () => (await show()).code === 0);
  const [lost, group, none] = await Promise.all([show('lost'), show('group'), show('no-such')]);
  assert.match(lost.out, /^default\/lost +ClusterIP +10\.96\.7\.8 TCP 80 +refuse +refuse +ok$/m);
  assert.match(
    lost.out,
    /^default\/lost: the service has no endpoints: no pod in its namespace has the labels .*app=wbe$/m,
  );
  assert.match(group.err, /service "group" in namespace "default" has no address .*: it is headless/);
  assert.match(none.err, /there is no service "no-such" in namespace "default"/);
  assert.deepEqual([lost.code, group.code, none.code], [0, 1, 1]);
  for (const name of Object.keys(specs)) await client.delete(resources.services, { namespace: 'default', name });
  await until('the kernel has forgotten it', async () => (await show()).code === 0);
});

test('proxy show: nothing differs, then what somebody damaged is named, and the exit code tells', async () => {
  const clean = await show();
  assert.equal(clean.code, 0, clean.out + clean.err);
  assert.match(clean.out, /^node-1: \d+ addresses; the kernel holds what it should$/m);
  assert.match(
    clean.out,
    /^default\/web +ClusterIP +10\.96\.7\.7 TCP 80 +10\.244\.2\.2:8080 +10\.244\.2\.2:8080 +ok$/m,
  );

  // Stopped, so that it does not mend what is looked at.
  const gone = new Promise((resolve) => proxy.child.once('exit', resolve));
  proxy.child.kill('SIGTERM');
  await gone;
  const nft = (...args: string[]): string => net.run('node-1', 'nft', ...args);
  nft('delete element ip portolan internal { 10.96.7.7 . tcp . 80 }');
  nft(`add element ip portolan ${slotsMapOf('10.96.7.7', 80)} { 10.96.7.7 . tcp . 80 . 0:1 : 10.244.1.2 . 8080 }`);
  nft('add element ip portolan snat-all { 10.96.9.9 . tcp . 80 }');
  nft('flush chain ip portolan from-inside');
  const [damaged, one] = await Promise.all([show(), show('web', '-o', 'json')]);
  assert.equal(damaged.code, 1, damaged.out + damaged.err);
  assert.match(damaged.out, /^node-1: \d+ addresses; 3 DIFFER$/m);
  assert.match(damaged.out, /^default\/web .* DIFFERS$/m);
  assert.match(damaged.out, /^10\.96\.7\.7 TCP 80: missing internal = \d+$/m);
  assert.match(damaged.out, /^10\.96\.7\.7 TCP 80: unwanted slots #1 = 10\.244\.1\.2:8080$/m);
  assert.match(damaged.out, /^10\.96\.9\.9 TCP 80: unwanted snat-all$/m);
  assert.match(damaged.out, /^table ip portolan: its chains, rules or maps are not as the proxy writes them$/m);
  assert.equal(one.code, 1);
  const [shown] = JSON.parse(one.out) as Shown[];
  assert.deepEqual(
    shown?.keys.map(({ service, kernel, logical }) => [service, kernel?.inside, logical?.inside]),
    [['default/web', '-', '10.244.2.2:8080']],
  );

  const guests = ['--cluster-ip-clients', '10.10.10.100/32'];
  const modest = ['--nice', '3', '--oom-score-adj=7'];
  const again = start('proxy', '--kubeconfig', kubeconfig, '--hostname-override', 'node-1', ...guests, ...modest);
  await until('it is mended', () => again.said().includes('kernel tables are in sync'));
  assert.deepEqual(precedenceOf(again), { nice: [3], oomScoreAdj: 7 });
  assert.equal((await show(...guests)).code, 0);
  assert.match((await show()).out, /^table ip portolan: its chains, rules or maps are not as the proxy writes them$/m);
  // A range that comes while the proxy runs: both know it, and packets to what nobody claims there are refused.
  await client.create(resources.serviceCIDRs, { metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/24'] } });
  await until('the proxy has the range', () => again.said().includes('10.97.0.0/24'));
  await until('and so has the kernel', async () => (await show(...guests)).code === 0);
  await end(again.child);
});

test('--cleanup takes our tables away, and nobody else’s', async () => {
  net.run('node-1', 'nft', 'add table ip others');
  assert.equal((await portolan('proxy', '--cleanup')).code, 0);
  assert.deepEqual(net.run('node-1', 'nft', 'list', 'tables').trim().split('\n'), ['table ip others']);
});
