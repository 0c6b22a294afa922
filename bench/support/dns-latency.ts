/**
 * How long answers take at a steady rate, asked by a process that does nothing else on core 1: one loop that never sleeps sends each
 * question when it is due, takes what has come, and looks at the clock.
 *
 *   latency     from the moment a question was due to its answer, so that a server which stalls is not asked less meanwhile
 *   generator   how late the questions themselves left, and the same loop against an echo: the floor, to read the latency against
 *
 * Not dnsperf: its sender and its receiver take turns on their core in slices of some milliseconds, and it prints every answer for
 * another process to read, all of which it takes for the server's.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import koffi from 'koffi';
import { encodeQuery, flag, nameFromText, rrClass, rrType } from '../../src/dns/wire/index.ts';
import { socketAddress } from '../../src/kernel/datagrams.ts';

export interface Latency {
  readonly perSecond: number;
  readonly lost: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Of each second's p99 the middle one: a stall of the machine, which the echo has too, spoils its own second only. */
  readonly typicalP99Ms: number;
  /** How late the generator itself was, 99th percentile; and the answers' with that taken off. */
  readonly lateP99Ms: number;
  readonly sinceSentP99Ms: number;
}

interface Order {
  readonly port: number;
  readonly rate: number;
  readonly seconds: number;
  /** Asked in turn, type A. */
  readonly names: readonly string[];
}

const patienceMs = 500;
/** Overdue questions go out in bursts of so many, for answers must be taken as well. */
const burst = 32;
const dontWait = 0x40;

export async function latencyAt(order: Order): Promise<Latency> {
  const child = fork(import.meta.filename, ['ask'], {
    execArgv: ['--expose-gc', '--max-semi-space-size=1'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // What was lost took for ever, which JSON cannot say.
    serialization: 'advanced',
  });
  child.send(order);
  const [answer] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`the generator ended with ${String(code)}`);
    }),
  ])) as [Latency];
  child.disconnect();
  return answer;
}

if (process.argv[2] === 'ask') {
  const { execFileSync } = await import('node:child_process');
  execFileSync('taskset', ['-a', '-p', '-c', '1', String(process.pid)]);
  const [order] = (await once(process, 'message')) as [Order];
  process.send?.(ask(order));
}

function ask({ port, rate, seconds, names }: Order): Latency {
  const socket = connected(port);
  const questions = names.map(question);
  // What is measured is the state that lasts.
  for (let round = 0; round < 3; round += 1) for (const packet of questions) askOne(socket, packet);
  const total = rate * seconds;
  const [due, sent, answered] = [new Float64Array(total), new Float64Array(total), new Float64Array(total)];
  globalThis.gc?.();
  const start = performance.now() + 10;
  for (let i = 0; i < total; i += 1) due[i] = start + (i * 1000) / rate;
  const end = start + seconds * 1000 + patienceMs;
  let [next, got] = [0, 0];
  for (let now = 0; got < total && now < end; now = performance.now()) {
    for (let i = 0; i < burst && next < total && (due[next] ?? 0) <= now; i += 1, next += 1) {
      const packet = questions[next % questions.length];
      if (packet === undefined) break;
      packet.writeUInt16BE(next & 0xffff, 0);
      sent[next] = performance.now();
      socket.send(packet);
    }
    for (let id = socket.receive(); id >= 0; id = socket.receive()) {
      // The latest question of this id: 65,536 of them are never under way.
      const i = next - 1 - ((next - 1 - id) & 0xffff);
      if (i < 0 || answered[i] !== 0) continue;
      answered[i] = performance.now();
      got += 1;
    }
  }
  const since = (began: Float64Array): Float64Array =>
    answered.map((at, i) => (at === 0 ? Infinity : at - (began[i] ?? 0))).sort();
  const times = since(due);
  const at = (sorted: Float64Array, share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  const whole = times.subarray(0, got);
  return {
    perSecond: Math.round(got / seconds),
    lost: total - got,
    meanMs: whole.reduce((sum, time) => sum + time, 0) / got,
    p50Ms: at(times, 0.5),
    p99Ms: at(times, 0.99),
    p999Ms: at(times, 0.999),
    typicalP99Ms: typicalP99(
      answered.map((at, i) => (at === 0 ? Infinity : at - (due[i] ?? 0))),
      rate,
    ),
    sinceSentP99Ms: at(since(sent), 0.99),
    lateP99Ms: at(sent.map((time, i) => time - (due[i] ?? 0)).sort(), 0.99),
  };
}

function typicalP99(times: Float64Array, rate: number): number {
  const seconds = Array.from({ length: Math.floor(times.length / rate) }, (_, second) => {
    const sorted = times.slice(second * rate, (second + 1) * rate).sort();
    return sorted[Math.floor((sorted.length - 1) * 0.99)] ?? 0;
  }).sort((a, b) => a - b);
  return seconds[Math.floor(seconds.length / 2)] ?? 0;
}

interface Connected {
  send(packet: Buffer): void;
  /** The answer's id; -1: nothing has come. */
  receive(): number;
}

function connected(port: number): Connected {
  const libc = koffi.load(null);
  const call = <T>(prototype: string): T => libc.func(prototype) as T;
  const socket = call<(domain: number, type: number, protocol: number) => number>('int socket(int, int, int)');
  const connect = call<(fd: number, name: Buffer, size: number) => number>(
    'int connect(int, const void *, unsigned int)',
  );
  const send = call<(fd: number, packet: Buffer, size: number, flags: number) => number>(
    'long send(int, const void *, size_t, int)',
  );
  const recv = call<(fd: number, packet: Buffer, size: number, flags: number) => number>(
    'long recv(int, void *, size_t, int)',
  );
  const fd = socket(2, 2, 0);
  const name = socketAddress('127.0.0.1', port);
  if (fd < 0 || connect(fd, name, name.length) !== 0) throw new Error(`connect 127.0.0.1:${port}`);
  const answer = Buffer.alloc(4096);
  return {
    send: (packet) => void send(fd, packet, packet.length, dontWait),
    receive: () => (recv(fd, answer, answer.length, dontWait) < 2 ? -1 : answer.readUInt16BE(0)),
  };
}

function askOne(socket: Connected, packet: Buffer): void {
  for (let attempts = 0; attempts < 3; attempts += 1) {
    socket.send(packet);
    const tooLate = performance.now() + 20;
    while (performance.now() < tooLate) if (socket.receive() >= 0) return;
  }
}

function question(name: string): Buffer {
  const query = { id: 0, flags: flag.RD, type: rrType.A, class: rrClass.IN, edns: undefined, exact: true };
  return Buffer.from(encodeQuery({ ...query, name: nameFromText(name) }));
}
