/**
 * `npm run bench dns`: `portolan dns` on core 0, dnsperf on core 1, on loopback; a real CoreDNS in its place where one is found
 * or can be built.
 *
 *   floor        the same loop sending every datagram back; and Node's own, one datagram at a time
 *   cluster      10,000 services × 10 endpoints: A of every service; then a mix of types, reverse and missing names
 *   forwarded    names of an upstream server (also here), answered out of the cache
 *   rate         20,000 questions a second: latency, beside that of the floor (support/dns-latency.ts says why not by dnsperf)
 *   per core     answers per second of processor time that the server used: comparable on a busy machine too
 *   size         memory, time from start to the first right answer
 *   changes      time from the API server's acknowledgement, or its event, to the changed answer
 *
 * BENCH_SECONDS=5 for each line; COREDNS=/path/to/coredns.
 */
import { fork } from 'node:child_process';
import dgram from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startUpstream } from '../src/dns/testing/upstream.ts';
import { encodeQuery, flag, nameFromText, rcode, rrClass, rrType } from '../src/dns/wire/index.ts';
import { openDatagrams } from '../src/kernel/datagrams.ts';
import { memoryOf } from './support/cluster.ts';
import { latencyAt } from './support/dns-latency.ts';
import { cpuSeconds, findCoreDns, load, needDnsperf, startCoreDns, startPortolan } from './support/dns-rivals.ts';
import type { Server } from './support/dns-rivals.ts';
import { timesThroughApi } from './support/dns-through-api.ts';
import { serviceIP, startKubeObjects } from './support/kube-objects.ts';
import type { KubeObjects } from './support/kube-objects.ts';

const services = 10_000;
const endpointsPerService = 10;
const seconds = process.env['BENCH_SECONDS'] ?? '5';
const changes = 200;
const portolanPort = 15_353;
const coreDnsPort = 15_354;
const directory = mkdtempSync(join(tmpdir(), 'portolan-bench-'));

if (process.argv[2] === 'echo') await echo(process.argv[3] === 'batched');
else {
  try {
    await benchDns();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function benchDns(): Promise<void> {
  await needDnsperf();
  await floor('floor: the same loop, echoing', 'batched');
  await floor("floor: Node's own loop, echoing", 'single');
  const through = await timesThroughApi(directory, changes, portolanPort, (name, address) =>
    until(portolanPort, name, address),
  );
  console.log(`portolan: a new name answered ${quantiles(through)} after the API server's acknowledgement`);
  const objects = await startKubeObjects(services, endpointsPerService);
  const upstream = await startUpstream(({ name }) => [`${name} 300 A 192.168.7.7`]);
  try {
    const ours = await benchPortolan(objects, upstream.port);
    await benchCoreDns(objects, ours);
  } finally {
    objects.close();
    await upstream[Symbol.asyncDispose]();
  }
}

async function benchPortolan(objects: KubeObjects, upstream: number): Promise<number> {
  const kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigOf(objects.url));
  const began = performance.now();
  const server = await startPortolan(kubeconfig, portolanPort, upstream);
  try {
    await until(portolanPort, serviceName(services - 1), serviceIP(services - 1));
    const firstMs = performance.now() - began;
    await sleep(1_000);
    const { rss, pss } = memoryOf(server.pid);
    console.log(
      `portolan: first right answer ${firstMs.toFixed(0)} ms after its start; memory ${mb(rss)}, ${mb(pss)} its own share`,
    );
    console.log(`portolan: a change visible ${await changeTimes(objects)}`);
    const perCore = await measure('portolan: A of each service', server, serviceNames());
    await measure('portolan: A of each service, EDNS', server, serviceNames(), ['-e']);
    await measure('portolan: mixed', server, mixedNames());
    await measureLatency('portolan: at 20,000/s', server);
    await measure('portolan: forwarded, cached', server, externalNames());
    const after = memoryOf(server.pid);
    console.log(
      `portolan: memory after all this ${mb(after.rss)}, ${mb(after.pss)} its own share; its peak ${mb(after.peak)}`,
    );
    return perCore;
  } finally {
    await server.stop();
  }
}

async function benchCoreDns(objects: KubeObjects, ours: number): Promise<void> {
  const binary = await findCoreDns();
  if (binary === undefined) {
    console.log('coredns: there is none on this machine and no `go` to build it: no comparison');
    return;
  }
  const began = performance.now();
  const server = await startCoreDns(binary, directory, objects.url, coreDnsPort);
  try {
    await until(coreDnsPort, serviceName(services - 1), serviceIP(services - 1));
    console.log(`coredns: first right answer ${(performance.now() - began).toFixed(0)} ms after its start`);
    const theirs = await measure('coredns: A of each service', server, serviceNames());
    await measure('coredns: mixed', server, mixedNames());
    await measureLatency('coredns: at 20,000/s', server);
    console.log(`coredns: memory ${mb(memoryOf(server.pid).rss)}`);
    console.log(`portolan / coredns, answers per second of processor time: ${(ours / theirs).toFixed(2)}`);
  } finally {
    await server.stop();
  }
}

/** Answers per second of the server's processor time. */
async function measure(
  title: string,
  server: Server,
  questions: readonly string[],
  options: readonly string[] = [],
): Promise<number> {
  // Each question a few times: what is measured is the state that lasts.
  await load(server.port, directory, questions, ['-n', '3', ...options.filter((option) => option === '-e')]);
  const before = cpuSeconds(server.pid);
  const { perSecond, answered, lost, meanMs } = await load(server.port, directory, questions, [
    '-l',
    seconds,
    ...options,
  ]);
  const perCore = Math.round(answered / (cpuSeconds(server.pid) - before));
  console.log(
    `${title.padEnd(34)} ${String(perSecond).padStart(7)}/s ${String(perCore).padStart(7)} per core-second  lost ${lost}  mean ${meanMs.toFixed(2)} ms`,
  );
  return perCore;
}

async function measureLatency(title: string, server: Server): Promise<void> {
  const order = { port: server.port, rate: 20_000, seconds: 2 * Number(seconds) };
  const names = Array.from({ length: services }, (_, i) => `${serviceName(i)}.default.svc.cluster.local`);
  const measured = await latencyAt({ ...order, names });
  const ms = (value: number): string => value.toFixed(2);
  const { perSecond, lost, meanMs, p50Ms, p99Ms, p999Ms, typicalP99Ms, lateP99Ms, sinceSentP99Ms } = measured;
  console.log(
    `${title.padEnd(34)} ${String(perSecond).padStart(7)}/s  mean ${ms(meanMs)}, p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)} (of a typical second ${ms(typicalP99Ms)}), p99.9 ${ms(p999Ms)} ms  lost ${lost}  (p99 of the questions' own delay ${ms(lateP99Ms)}, of the answers' without it ${ms(sinceSentP99Ms)} ms)`,
  );
}

async function floor(title: string, mode: string): Promise<void> {
  const child = fork(import.meta.filename, ['echo', mode], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (value) => resolve(Number(value)));
    child.once('exit', (code) => reject(new Error(`the echo server ended with ${code}`)));
  });
  try {
    const server = { pid: child.pid ?? 0, port, stop: async () => {} };
    await measure(title, server, serviceNames());
    await measureLatency(`${title.split(',')[0] ?? title}, at 20,000/s`, server);
  } finally {
    child.disconnect();
  }
}

async function echo(batched: boolean): Promise<void> {
  process.on('disconnect', () => process.exit());
  const { execFileSync } = await import('node:child_process');
  execFileSync('taskset', ['-a', '-p', '-c', '0', String(process.pid)]);
  const ready = (port: number): void => void process.send?.(port);
  if (batched) {
    const answer = (packet: Buffer, length: number, _peer: unknown, out: Buffer): number => {
      packet.copy(out, 0, 0, length);
      out[2] = (out[2] ?? 0) | 0x80;
      return length;
    };
    const socket = await openDatagrams('127.0.0.1', 0, answer, () => {});
    socket.setRecvBufferSize(2 << 20);
    return ready(socket.port);
  }
  const socket = dgram.createSocket({
    type: 'udp4',
    lookup: (address, _options, callback) => callback(null, address, 4),
  });
  socket.on('message', (packet, { address, port }) => {
    packet[2] = (packet[2] ?? 0) | 0x80;
    socket.send(packet, port, address);
  });
  socket.bind(0, '127.0.0.1', () => ready(socket.address().port));
}

/** From the event's write to the first answer that has it. */
async function changeTimes(objects: KubeObjects): Promise<string> {
  const times: number[] = [];
  for (let i = 0; i < changes; i += 1) {
    const address = `10.96.200.${i + 1}`;
    const began = performance.now();
    objects.change(i % 7, address);
    await until(portolanPort, serviceName(i % 7), address);
    times.push(performance.now() - began);
  }
  return `${quantiles(times)} after the API's event`;
}

function quantiles(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms (${times.length} changes)`;
}

function serviceName(i: number): string {
  return `svc-${i}`;
}

/** Asks until the address is in the answer. */
function until(port: number, service: string, address: string): Promise<void> {
  const request = encodeQuery({
    id: 1,
    flags: flag.RD,
    name: nameFromText(`${service}.default.svc.cluster.local`),
    type: rrType.A,
    class: rrClass.IN,
    edns: undefined,
    exact: true,
  });
  const wanted = Buffer.from(address.split('.').map(Number));
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    let asked = 0;
    const ask = (): void => {
      asked = performance.now();
      socket.send(request, port, '127.0.0.1');
    };
    // Nobody may be there yet. Never two under way: a server that makes its clients wait would be asked ever more.
    const again = setInterval(() => {
      if (performance.now() - asked >= 20) ask();
    }, 20);
    socket.on('message', (packet) => {
      if (packet.subarray(-4).equals(wanted)) {
        clearInterval(again);
        socket.close(() => resolve());
      } else if (((packet[3] ?? 0) & 15) !== rcode.SERVFAIL) ask();
    });
    ask();
  });
}

function kubeconfigOf(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'bench', cluster: { server } }],
    users: [{ name: 'bench', user: {} }],
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
    'current-context': 'bench',
  });
}

function serviceNames(): string[] {
  return Array.from({ length: services }, (_, i) => `svc-${i}.default.svc.cluster.local A`);
}

function mixedNames(): string[] {
  return Array.from({ length: services }, (_, i) => {
    const name = `svc-${i}.default.svc.cluster.local`;
    switch (i % 6) {
      case 0:
        return `${name} AAAA`;
      case 1:
        return `_http._tcp.${name} SRV`;
      case 2:
        return `${(i & 255) + 1}.${i >>> 8}.96.10.in-addr.arpa PTR`;
      case 3:
        return `${name}.default.svc.cluster.local A`;
      default:
        return `${name} A`;
    }
  });
}

function externalNames(): string[] {
  return Array.from({ length: 2_000 }, (_, i) => `host-${i}.example.com A`);
}

function mb(value: number): string {
  return `${value.toFixed(0)} MB`;
}
