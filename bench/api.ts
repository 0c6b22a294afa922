/**
 * `npm run bench api`: the API server as a process of its own, durable on this machine's disk; the load comes from this process.
 *
 *   floor     one small write and fsync on the same disk, one after the other; JSON.stringify of what a list returns;
 *             a bare node:http2 server (support/bare-server.ts) under the same load
 *   creates   Services by 16 clients, each waiting for its answer; the first three tenths, while code is compiled, apart
 *   nodes     5,000 by 16 clients            pods   10,000 created, seen by a simulated agent, set Running, seen Running
 *   list      10,000 Services                change one Service, 1,000 watchers
 *   memory    with 10,000 Services and 100,000 endpoints
 *
 * Rates depend on who else uses the machine; the server's own CPU time for each piece of work hardly does, so it is printed too.
 * BENCH_SCALE=0.1 is a short run, BENCH_ONLY=creates one part of it, BENCH_PROFILE=DIR leaves a CPU profile of the server.
 */
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import type { ClientHttp2Session } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePki } from '../src/apiserver/testing.ts';
import { startApi, startBare } from './support/api-server.ts';
import type { Server } from './support/api-server.ts';
import { cpuOf, memoryOf } from './support/cluster.ts';
import { call, clients, load } from './support/http2-load.ts';
import { printer, quantile } from './support/report.ts';

const scale = Number(process.env['BENCH_SCALE'] ?? 1);
const size = (n: number): number => Math.max(16, Math.round(n * scale));
const report = printer();
const services = '/api/v1/namespaces/default/services';

const directory = mkdtempSync(join(tmpdir(), 'portolan-bench-'));
const pki = join(directory, 'pki');
try {
  await makePki(pki);
  const parts = { creates, nodes, pods, lists, watchers, memory };
  const only = process.env['BENCH_ONLY']?.split(',');
  const server = await startApi(directory, pki, process.env['BENCH_PROFILE']);
  try {
    report.note(
      `floor: ${floorOfDisk().toFixed(0)} writes with fsync a second one by one; a commit takes all that wait`,
    );
    for (const [name, part] of Object.entries(parts)) if (only?.includes(name) ?? true) await part(server);
  } finally {
    await server.stop();
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** Writes a second, each followed by fsync. */
function floorOfDisk(): number {
  const file = openSync(join(directory, 'floor'), 'w');
  const block = Buffer.alloc(4096);
  const count = 300;
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    writeSync(file, block);
    fsyncSync(file);
  }
  closeSync(file);
  return (count * 1000) / (performance.now() - start);
}

function service(index: number): object {
  return {
    metadata: { name: `s-${String(index)}`, labels: { app: `a-${String(index)}` } },
    spec: { selector: { app: `a-${String(index)}` }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

async function creates(server: Server): Promise<void> {
  const count = size(10_000);
  // A server runs for months, its engine compiles for two seconds: what that costs is a figure of its own.
  const cold = Math.round(count * 0.3);
  const first = await createServices(server, 0, cold);
  const { rate, serverMs, clientMs } = await createServices(server, cold, count);
  report.figure({
    what: `durable creates of Services, ${String(clients)} clients`,
    value: rate,
    unit: '/s',
    goal: '≥ 2000',
  });
  report.figure({ what: 'server CPU per create', value: serverMs, unit: 'ms' });
  report.note(`the clients' own CPU: ${clientMs.toFixed(2)} ms per create`);
  report.note(
    `the first ${String(cold)}, on a server that has just started: ${first.rate.toFixed(0)}/s, ${first.serverMs.toFixed(2)} ms of CPU each`,
  );
  const { body } = await call(server.session(), 'GET', `${services}/s-1`);
  const bare = await startBare(directory, pki, body.length);
  try {
    await createServices(bare, 0, cold);
    const floor = await createServices(bare, cold, count);
    report.note(
      `floor: a bare HTTP/2 server that answers ${String(body.length)} bytes: ${floor.rate.toFixed(0)}/s, ${floor.serverMs.toFixed(2)} ms of CPU each; so ${(serverMs - floor.serverMs).toFixed(2)} ms of a create are the API server's own`,
    );
  } finally {
    await bare.stop();
  }
}

interface CreateCost {
  /** A second. */
  readonly rate: number;
  /** Of CPU, per create. */
  readonly serverMs: number;
  readonly clientMs: number;
}

/** Those from `from`, before `to`. */
async function createServices(server: Server, from: number, to: number): Promise<CreateCost> {
  const count = to - from;
  const before = cpuOf(server.pid);
  const ownBefore = process.cpuUsage();
  const rate = await load(server.session, count, (session, index) =>
    call(session, 'POST', services, service(from + index)),
  );
  const own = process.cpuUsage(ownBefore);
  return { rate, serverMs: (cpuOf(server.pid) - before) / count, clientMs: (own.user + own.system) / 1000 / count };
}

async function nodes(server: Server): Promise<void> {
  const count = size(5000);
  const { pid } = server;
  const before = cpuOf(pid);
  const start = performance.now();
  await load(server.session, count, (session, index) =>
    call(session, 'POST', '/api/v1/nodes', {
      metadata: { name: `n-${String(index)}`, labels: { 'kubernetes.io/hostname': `n-${String(index)}` } },
    }),
  );
  report.figure({
    what: `${String(count)} nodes created`,
    value: (performance.now() - start) / 1000,
    unit: 's',
    goal: '≤ 10',
  });
  report.figure({ what: 'server CPU per node', value: (cpuOf(pid) - before) / count, unit: 'ms' });
}

interface WatchLine {
  readonly type: string;
  readonly object: { readonly metadata: { readonly name: string }; readonly status?: { readonly phase?: string } };
}

function watch(session: ClientHttp2Session, path: string, onEvent: (event: WatchLine) => void): Promise<void> {
  const stream = session.request({ ':method': 'GET', ':path': path });
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onEvent(JSON.parse(line) as WatchLine);
  });
  stream.on('error', () => undefined);
  return new Promise((resolve) => stream.once('response', () => resolve()));
}

async function pods(server: Server): Promise<void> {
  const count = size(10_000);
  const path = '/api/v1/namespaces/default/pods';
  await call(server.session(), 'POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  const all = Promise.withResolvers<void>();
  const agents = Array.from({ length: clients }, () => server.session());
  let running = 0;
  let turn = 0;
  const setRunning = (name: string): void => {
    const status = { phase: 'Running', podIP: '10.244.1.2', conditions: [{ type: 'Ready', status: 'True' }] };
    const agent = agents[turn++ % clients] ?? server.session();
    call(agent, 'PATCH', `${path}/${name}/status`, { status }, 'merge-patch').catch(all.reject);
  };
  await watch(server.session(), `${path}?watch=1`, ({ type, object }) => {
    if (type === 'ADDED') setRunning(object.metadata.name);
    else if (object.status?.phase === 'Running' && ++running === count) all.resolve();
  });
  const { pid } = server;
  const before = cpuOf(pid);
  const start = performance.now();
  await load(server.session, count, (session, index) =>
    call(session, 'POST', path, {
      metadata: { name: `p-${String(index)}` },
      spec: { nodeName: `n-${String(index % 100)}`, containers: [{ name: 'c', image: 'i' }] },
    }),
  );
  await all.promise;
  report.figure({
    what: `${String(count)} pods, created to seen Running`,
    value: (performance.now() - start) / 1000,
    unit: 's',
    goal: '≤ 20',
  });
  report.figure({ what: 'server CPU per pod driven', value: (cpuOf(pid) - before) / count, unit: 'ms' });
}

async function lists(server: Server): Promise<void> {
  const session = server.session();
  const times: number[] = [];
  let body = '';
  for (let i = 0; i < 10; i++) {
    const start = performance.now();
    body = (await call(session, 'GET', services)).body.toString('utf8');
    times.push(performance.now() - start);
  }
  const parsed: unknown = JSON.parse(body);
  const start = performance.now();
  JSON.stringify(parsed);
  report.figure({
    what: `lists of ${String(size(10_000))} Services`,
    value: 1000 / quantile(times, 0.5),
    unit: '/s',
    goal: '≥ 5',
  });
  report.note(
    `floor: ${(body.length / 1e6).toFixed(1)} MB; JSON.stringify of them: ${(performance.now() - start).toFixed(0)} ms`,
  );
}

async function watchers(server: Server): Promise<void> {
  const count = size(1000);
  const perSession = 100;
  const delays: number[] = [];
  let sent = 0;
  let seen = 0;
  let round = Promise.withResolvers<void>();
  const listed = JSON.parse((await call(server.session(), 'GET', `${services}?limit=1`)).body.toString('utf8')) as {
    metadata: { resourceVersion: string };
  };
  const from = `${services}?watch=1&resourceVersion=${listed.metadata.resourceVersion}`;
  const opening: Promise<void>[] = [];
  for (let i = 0; i < count; i += perSession) {
    const session = server.session();
    for (let k = 0; k < Math.min(perSession, count - i); k++) {
      const onEvent = (): void => {
        delays.push(performance.now() - sent);
        if (++seen === count) round.resolve();
      };
      opening.push(watch(session, from, onEvent));
    }
  }
  await Promise.all(opening);
  const writer = server.session();
  for (let i = 0; i < 20; i++) {
    [seen, round, sent] = [0, Promise.withResolvers<void>(), performance.now()];
    await call(writer, 'PATCH', `${services}/s-1`, { metadata: { labels: { round: String(i) } } }, 'merge-patch');
    await round.promise;
  }
  report.figure({ what: `one change to ${String(count)} watchers, p50`, value: quantile(delays, 0.5), unit: 'ms' });
  report.figure({
    what: `one change to ${String(count)} watchers, p99`,
    value: quantile(delays, 0.99),
    unit: 'ms',
    goal: '≤ 100',
  });
}

async function memory(server: Server): Promise<void> {
  const count = size(10_000);
  const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  await load(server.session, count, (session, index) =>
    call(session, 'POST', path, {
      metadata: { name: `s-${String(index)}-x`, labels: { 'kubernetes.io/service-name': `s-${String(index)}` } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: Array.from({ length: 10 }, (_, i) => ({
        addresses: [`10.${String(128 + (index >> 8))}.${String(index & 255)}.${String(i + 1)}`],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: `n-${String(i)}`,
      })),
    }),
  );
  const { rss, pss } = memoryOf(server.pid);
  const what = `memory: ${String(count)} Services, ${String(count * 10)} endpoints, the pods and nodes`;
  report.figure({ what, value: rss, unit: 'MB', goal: '≤ 400' });
  report.note(`of which its own share (PSS): ${pss.toFixed(0)} MB`);
}
