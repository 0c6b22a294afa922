/**
 * The proxy as a process, fed by a real API server, under traffic: memory, time from an API write to the first packet, requests
 * through a cluster IP against direct ones, and a restart.
 *
 *   benchWhole     all of it
 *   benchTraffic   requests through a cluster IP alone, several times
 *   benchRestart   the restart alone, several times
 */
import { execFileSync, fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { makePki, writeKubeconfig } from '../../src/apiserver/testing.ts';
import { caller, end } from '../../src/dataplane/testing/index.ts';
import { memoryOf } from '../support/cluster.ts';
import type { Memory } from '../support/cluster.ts';
import { quantile } from '../support/report.ts';
import type { Report } from '../support/report.ts';
import type { DriverCommand } from './driver.ts';
import { createNetwork, nodeAddress, serverAddresses } from './network.ts';
import type { Network } from './network.ts';
import { clusterIp, podCidr, serviceCidr } from './objects.ts';
import type { Size } from './objects.ts';
import { connectMs, ratio, startConstant, startServers } from './traffic.ts';

const launcher = join(import.meta.dirname, '..', '..', 'portolan');
const driverFile = join(import.meta.dirname, 'driver.ts');
const settleMs = 3_000;
const writes = 300;
const repeats = 3;

type Drive = (command: DriverCommand) => Promise<unknown>;

interface Bench {
  readonly network: Network;
  readonly call: Drive;
  readonly startProxy: () => ProxyProcess;
}

export function benchWhole(size: Size, report: Report): Promise<void> {
  return withBench(async (bench) => {
    const proxy = bench.startProxy();
    await grow(bench, size, report);
    await compareTraffic(bench.network, report);
    await measureWrites(bench.call, report);
    const again = await measureRestart(bench, proxy, report);
    await reportMemory(again, report);
  });
}

export function benchTraffic(report: Report): Promise<void> {
  return withBench(async ({ network, call, startProxy }) => {
    await call({ do: 'create', from: 0, to: 100, endpoints: 10 });
    await startProxy().inSync;
    for (let i = 0; i < repeats; i++) await compareTraffic(network, report);
  });
}

export function benchRestart(size: Size, report: Report): Promise<void> {
  return withBench(async (bench) => {
    await bench.call({ do: 'create', from: 0, to: size.services, endpoints: size.endpoints });
    let proxy = bench.startProxy();
    const { ms } = await proxy.inSync;
    report.figure({ what: 'first start into an empty kernel, from the start of the process', value: ms, unit: 'ms' });
    for (let i = 0; i < repeats; i++) {
      await leadBack(bench.call);
      proxy = await measureRestart(bench, proxy, report);
    }
    await reportMemory(proxy, report);
  });
}

/** Service 0 as it is before a restart, which moves it. */
async function leadBack(call: Drive): Promise<void> {
  await call({ do: 'lead', service: 0, to: serverAddresses[0] });
  await call({ do: 'until', service: 0, answers: serverAddresses[0] });
}

/** A network, an API server in it, a driver, and servers that answer; all gone at the end. */
async function withBench(work: (bench: Bench) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'portolan-bench-'));
  const tidy = (): void => rmSync(dir, { recursive: true, force: true });
  process.once('exit', tidy);
  const network = createNetwork();
  const opened: ChildProcess[] = [];
  try {
    const kubeconfig = await startApiServer(network, dir, opened);
    const driver = fork(driverFile, [network.node, kubeconfig], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    opened.push(driver);
    const call = caller<DriverCommand>(driver);
    await call(undefined);
    await call({ do: 'namespace' });
    await startServers(network);
    const start = (): ProxyProcess => {
      const proxy = startProxy(network, kubeconfig);
      opened.push(proxy.process);
      return proxy;
    };
    await work({ network, call, startProxy: start });
  } finally {
    await Promise.all(opened.map(end));
    network.close();
    tidy();
  }
}

async function startApiServer(network: Network, dir: string, opened: ChildProcess[]): Promise<string> {
  const pki = await makePki(join(dir, 'pki'));
  const listen = '127.0.0.1:16443';
  const address = listen.split(':');
  const flags = ['--data-dir', dir, '--cert-dir', pki.dir, '--bind-address', address[0] ?? ''];
  const ranges = ['--service-cluster-ip-range', serviceCidr, '--advertise-address', nodeAddress];
  const command = [launcher, 'apiserver', ...flags, '--secure-port', address[1] ?? '', ...ranges];
  const server = network.start(network.node, command);
  server.stderr?.resume();
  opened.push(server);
  return writeKubeconfig(dir, listen);
}

interface ProxyProcess {
  readonly process: ChildProcess;
  /** Of the first full pass, from the start of the process. */
  readonly inSync: Promise<{ readonly ms: number; readonly kernelMs: number; readonly changes: number }>;
}

function startProxy(network: Network, kubeconfig: string): ProxyProcess {
  const began = performance.now();
  const ranges = ['--cluster-cidr', podCidr, '--service-cluster-ip-range', serviceCidr];
  const flags = ['--kubeconfig', kubeconfig, '--hostname-override', 'node-1', '--node-ip', nodeAddress];
  const child = network.start(network.node, [launcher, 'proxy', ...flags, ...ranges]);
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<ProxyProcess['inSync']>>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    const said = JSON.parse(line) as { msg?: string; milliseconds?: number; changes?: number };
    if (said.msg !== 'kernel tables are in sync') return;
    resolve({ ms: performance.now() - began, kernelMs: said.milliseconds ?? 0, changes: said.changes ?? 0 });
  });
  child.once('exit', () => reject(new Error('the proxy ended')));
  promise.catch(() => undefined);
  return { process: child, inSync: promise };
}

/** First packets at 10, 1,000 and all services: flat, or not. */
async function grow({ network, call }: Bench, size: Size, report: Report): Promise<void> {
  let there = 0;
  for (const to of [10, 1_000, size.services]) {
    const began = performance.now();
    await call({ do: 'create', from: there, to, endpoints: size.endpoints });
    report.note(
      `${String(to - there)} services and slices through the API: ${((performance.now() - began) / 1000).toFixed(1)} s`,
    );
    there = to;
    // The last write is in the kernel when a change after it is.
    await call({ do: 'lead', service: 0, to: serverAddresses[1] });
    await call({ do: 'until', service: 0, answers: serverAddresses[1] });
    await call({ do: 'lead', service: 0, to: serverAddresses[0] });
    await call({ do: 'until', service: 0, answers: serverAddresses[0] });
    const direct = await connectMs(network, serverAddresses[0], 8080);
    const through = await connectMs(network, clusterIp(0), 80);
    for (const [i, q] of ['p50', 'p99'].entries()) {
      report.figure({
        what: `first packet with ${to.toLocaleString('en')} services, ${q}`,
        value: through[i] ?? 0,
        unit: 'ms',
        goal: 'flat',
        floor: direct[i] ?? 0,
      });
    }
  }
}

async function compareTraffic(network: Network, report: Report): Promise<void> {
  const [direct] = serverAddresses;
  const kept = await ratio(network, 'kept', `${clusterIp(1)}:80`, `${direct}:8081`);
  const fresh = await ratio(network, 'new', `${clusterIp(0)}:80`, `${direct}:8080`);
  for (const [what, { through, direct: floor, ratio: value }, goal] of [
    ['requests/s, kept connections', kept, '≥ 0.95'],
    ['new connections/s', fresh, '≥ 0.85'],
  ] as const) {
    report.figure({ what: `${what}: cluster IP`, value: through, unit: '/s', floor });
    report.figure({ what: `${what}: ÷ direct`, value, unit: '', goal });
  }
}

async function measureWrites(call: Drive, report: Report): Promise<void> {
  const times = (await call({ do: 'change', times: writes })) as readonly number[];
  report.figure({ what: "API write's answer to new endpoint, p50", value: quantile(times, 0.5), unit: 'ms' });
  report.figure({
    what: "API write's answer to new endpoint, p99",
    value: quantile(times, 0.99),
    unit: 'ms',
    goal: '≤ 20',
  });
}

/** Killed under traffic, with changes while it is dead: an endpoint moved through the API, and elements lost in the kernel. */
async function measureRestart(
  { network, call, startProxy }: Bench,
  proxy: ProxyProcess,
  report: Report,
): Promise<ProxyProcess> {
  const traffic = await startConstant(network, `${clusterIp(0)}:80`, `${clusterIp(1)}:80`);
  await end(proxy.process);
  await call({ do: 'lead', service: 0, to: serverAddresses[1] });
  damage(network);
  const again = startProxy();
  const { ms, kernelMs, changes } = await again.inSync;
  await call({ do: 'until', service: 0, answers: serverAddresses[1] });
  const { fresh, kept, lost } = await traffic.stop();
  report.figure({
    what: 'restart until repaired, from the start of the process',
    value: ms,
    unit: 'ms',
    goal: '≤ 2000',
  });
  report.figure({
    what: `  of it reading back and mending (${String(changes)} elements)`,
    value: kernelMs,
    unit: 'ms',
  });
  report.figure({ what: `  lost of ${String(fresh + kept)} requests meanwhile`, value: lost, unit: '', goal: '0' });
  return again;
}

function damage({ node }: Network): void {
  const keys = Array.from({ length: 100 }, (_, i) => `${clusterIp(i + 2)} . tcp . 80`).join(', ');
  execFileSync('nsenter', [`--net=${node}`, 'nft', 'delete', 'element', 'ip', 'portolan', 'internal', `{ ${keys} }`]);
}

async function reportMemory({ process: child }: ProxyProcess, report: Report): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const pid = child.pid ?? 0;
  const memory: Memory = memoryOf(pid);
  report.figure({ what: 'memory of the proxy process, RSS', value: memory.rss, unit: 'MB', goal: '≤ 150' });
  report.figure({ what: 'memory of the proxy process, PSS', value: memory.pss, unit: 'MB' });
  report.figure({ what: 'memory of the proxy process, highest RSS', value: memory.peak, unit: 'MB' });
}
