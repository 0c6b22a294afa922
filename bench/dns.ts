/**
 * `npm run bench dns`: the DNS server on one core, dnsperf on the other, on loopback.
 *
 *   floor        a Node loop that sends every datagram back: what the runtime itself costs
 *   cluster      10,000 services × 10 endpoints: A of every service; then a mix of types, endpoints, reverse and missing names
 *   forwarded    names of an upstream server (also here), answered out of the cache
 *   rate         20,000 questions a second: latency
 *   per core     answers per second of processor time that the server used: comparable on a busy machine too
 *   size         memory, time to the first right answer, time until one change is visible
 */
import { execFile, fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import dgram from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { clusterService, namespace, slice } from '../src/dns/testing/objects.ts';
import { startServer, testCluster } from '../src/dns/testing/server.ts';
import type { TestCluster } from '../src/dns/testing/server.ts';
import { startUpstream } from '../src/dns/testing/upstream.ts';
import { encodeQuery, flag, nameFromText, rrClass, rrType } from '../src/dns/wire/index.ts';

interface Ready {
  readonly port: number;
  readonly rssMb?: number;
  readonly cpuMs?: number;
  readonly firstAnswerMs?: number;
  readonly changeMs?: number;
}

const services = 10_000;
const endpointsPerService = 10;
const seconds = Number(process.env['BENCH_SECONDS'] ?? 5);
const run = promisify(execFile);

if (process.argv[2] === 'serve') await serve(process.argv[3] ?? '');
else await benchDns();

async function benchDns(): Promise<void> {
  const perf = await run('dnsperf', ['-h']).then(
    () => true,
    () => false,
  );
  if (!perf) throw new Error('dnsperf is missing; fix: apt-get install dnsperf');
  const directory = mkdtempSync(join(tmpdir(), 'portolan-bench-'));
  try {
    await measure('floor: echo loop', 'echo', serviceNames(), directory);
    await measure('cluster: A of each service', 'cluster', serviceNames(), directory);
    await measure('cluster: A of each service, EDNS', 'cluster', serviceNames(), directory, ['-e']);
    await measure('cluster: mixed', 'cluster', mixedNames(), directory);
    await measure('cluster at 20,000/s', 'cluster', serviceNames(), directory, ['-Q', '20000', '-v']);
    await measure('forwarded, cached', 'forward', externalNames(), directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(
  title: string,
  mode: string,
  questions: readonly string[],
  directory: string,
  options: readonly string[] = [],
): Promise<void> {
  const child = fork(import.meta.filename, ['serve', mode], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  try {
    const ready = await message(child);
    // The server on core 0, the load on core 1.
    await run('taskset', ['-a', '-p', '-c', '0', String(child.pid)]);
    const file = join(directory, 'questions');
    writeFileSync(file, questions.join('\n'));
    const target = ['-s', '127.0.0.1', '-p', String(ready.port), '-d', file, '-c', '20', '-q', '200'];
    const load = (...more: readonly string[]): Promise<{ stdout: string }> =>
      run('taskset', ['-c', '1', 'dnsperf', ...target, ...more], { maxBuffer: 256 << 20 });
    // Each question a few times: what is measured is the state that lasts.
    await load('-n', '3', ...options);
    const before = await stats(child);
    const { stdout } = await load('-l', String(seconds), ...options);
    const after = await stats(child);
    const line = (name: RegExp): string => name.exec(stdout)?.[1]?.trim() ?? '?';
    const rate = Math.round(Number(line(/Queries per second:\s+([0-9.]+)/)));
    const lost = line(/Queries lost:\s+(.+)/);
    const mean = Number(line(/Average Latency \(s\):\s+([0-9.]+)/)) * 1000;
    const answered = Number(line(/Queries completed:\s+([0-9]+)/));
    const cpu = ((after.cpuMs ?? 0) - (before.cpuMs ?? 0)) / 1000;
    const perCore = Math.round(answered / cpu);
    console.log(
      `${title.padEnd(34)} ${String(rate).padStart(7)}/s  ${perCore}/s per core used  lost ${lost}  latency mean ${mean.toFixed(2)} ms${p99(stdout)}`,
    );
    if (ready.rssMb !== undefined) {
      const { rssMb, firstAnswerMs, changeMs } = ready;
      console.log(
        `${''.padEnd(34)} memory ${rssMb} MB at start, ${after.rssMb} MB after; first right answer ${firstAnswerMs?.toFixed(0)} ms; a change visible in ${changeMs?.toFixed(2)} ms`,
      );
    }
  } finally {
    child.disconnect();
  }
}

/** `-v` prints one line per answer: `> NOERROR name type 0.000123`. Without it only the mean is known. */
function p99(output: string): string {
  const times = [...output.matchAll(/^> [A-Z]+ .* ([0-9.]+)$/gm)].map(([, time]) => Number(time)).sort((a, b) => a - b);
  const time = times[Math.floor(times.length * 0.99)];
  return time === undefined ? '' : `, p99 ${(time * 1000).toFixed(2)} ms`;
}

function stats(child: ChildProcess): Promise<Ready> {
  const answer = message(child);
  child.send('stats');
  return answer;
}

function message(child: ChildProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    child.once('message', (value) => resolve(value as Ready));
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
}

async function serve(mode: string): Promise<void> {
  process.on('disconnect', () => process.exit());
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ port: 0, rssMb: memoryMb(), cpuMs: (user + system) / 1000 });
  });
  if (mode === 'echo') return serveEcho();
  if (mode === 'forward') {
    const upstream = await startUpstream(({ name }) => [`${name} 300 A 192.168.7.7`]);
    const server = await startServer(testCluster(), { upstreams: [`127.0.0.1:${upstream.port}`] });
    process.send?.({ port: server.port });
    return;
  }
  const cluster = bigCluster();
  const before = performance.now();
  const server = await startServer(cluster);
  await ask(server.port, 'svc-9999.default.svc.cluster.local', '10.96.39.16');
  const firstAnswerMs = performance.now() - before;
  const changed = performance.now();
  cluster.services.set(clusterService('default/svc-0', '10.96.200.200', 'http:80'));
  await ask(server.port, 'svc-0.default.svc.cluster.local', '10.96.200.200');
  process.send?.({ port: server.port, rssMb: memoryMb(), firstAnswerMs, changeMs: performance.now() - changed });
}

function serveEcho(): void {
  const socket = dgram.createSocket({
    type: 'udp4',
    lookup: (address, _options, callback) => callback(null, address, 4),
  });
  socket.on('message', (packet, { address, port }) => {
    packet[2] = (packet[2] ?? 0) | 0x80;
    socket.send(packet, port, address);
  });
  socket.bind(0, '127.0.0.1', () => process.send?.({ port: socket.address().port }));
}

/** Asks until the address is in the answer. */
function ask(port: number, name: string, address: string): Promise<void> {
  const request = encodeQuery({
    id: 1,
    flags: flag.RD,
    name: nameFromText(name),
    type: rrType.A,
    class: rrClass.IN,
    edns: undefined,
    exact: true,
  });
  const wanted = Buffer.from(address.split('.').map(Number));
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    socket.on('message', (packet) => {
      if (packet.subarray(-4).equals(wanted)) socket.close(() => resolve());
      else socket.send(request, port, '127.0.0.1');
    });
    socket.send(request, port, '127.0.0.1');
  });
}

function bigCluster(): TestCluster {
  const numbers = Array.from({ length: services }, (_, i) => i);
  const podIp = (n: number): string => `10.${128 + (n >>> 16)}.${(n >>> 8) & 255}.${n & 255}`;
  return testCluster({
    namespaces: [namespace('default')],
    services: numbers.map((i) => clusterService(`default/svc-${i}`, `10.96.${i >>> 8}.${(i & 255) + 1}`, 'http:80')),
    slices: numbers.map((i) => {
      const pods = Array.from({ length: endpointsPerService }, (_, e) => podIp(i * endpointsPerService + e));
      return slice(`default/svc-${i}-abcde`, `svc-${i}`, ['http:8080'], ...pods);
    }),
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

function memoryMb(): number {
  return Math.round(process.memoryUsage.rss() / 1e6);
}
