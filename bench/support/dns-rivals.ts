/**
 * What is measured: DNS servers as processes on core 0, and dnsperf on core 1 to ask them.
 *
 *   portolan   ./portolan dns --kubeconfig …
 *   coredns    $COREDNS, or `coredns` on the PATH, or built once with `go` into the user's cache: bare kubernetes plugin
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errnoOf } from '../../src/util/errno.ts';

const run = promisify(execFile);
const launcher = join(import.meta.dirname, '..', '..', 'portolan');

export interface Server {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

export interface Load {
  readonly perSecond: number;
  readonly answered: number;
  readonly lost: string;
  readonly meanMs: number;
}

export async function needDnsperf(): Promise<void> {
  if (await runs('dnsperf', ['-h'])) return;
  console.log('installing dnsperf');
  await run('apt-get', ['install', '-y', '--no-install-recommends', 'dnsperf']).catch((cause: unknown) => {
    throw new Error('dnsperf is missing and cannot be installed; fix: apt-get install dnsperf', { cause });
  });
}

export async function startPortolan(kubeconfig: string, port: number, upstream: number): Promise<Server> {
  const args = [
    'dns',
    '--kubeconfig',
    kubeconfig,
    '--listen',
    `127.0.0.1:${port}`,
    '--upstream',
    `127.0.0.1:${upstream}`,
  ];
  return start(launcher, args, port);
}

export async function startCoreDns(binary: string, directory: string, url: string, port: number): Promise<Server> {
  const file = join(directory, 'Corefile');
  writeFileSync(
    file,
    `.:${port} {\n bind 127.0.0.1\n kubernetes cluster.local 10.96.0.0/16 {\n  endpoint ${url}\n  pods insecure\n }\n}\n`,
  );
  return start(binary, ['-conf', file], port, { GOMAXPROCS: '1' });
}

/** undefined: there is none, and it cannot be built here. */
export async function findCoreDns(): Promise<string | undefined> {
  const given = process.env['COREDNS'];
  if (given !== undefined) {
    if (await runs(given, ['-version'])) return given;
    throw new Error(`COREDNS=${given}: there is no such program`);
  }
  if (await runs('coredns', ['-version'])) return 'coredns';
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'portolan-bench');
  const binary = join(cache, 'coredns');
  if (existsSync(binary)) return binary;
  if (!(await runs('go', ['version']))) return undefined;
  console.log('building CoreDNS once (some minutes)');
  return build(cache, binary).catch((error: unknown) => {
    console.log(`CoreDNS cannot be built: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
    return undefined;
  });
}

async function build(cache: string, binary: string): Promise<string> {
  const source = join(cache, 'source');
  mkdirSync(source, { recursive: true });
  const plugins = ['bind', 'errors', 'kubernetes', 'autopath', 'cache', 'forward'];
  const imports = plugins.map((name) => `\t_ "github.com/coredns/coredns/plugin/${name}"`).join('\n');
  writeFileSync(join(source, 'go.mod'), 'module judge\ngo 1.25\n');
  writeFileSync(
    join(source, 'main.go'),
    `package main\n\nimport (\n\t"github.com/coredns/coredns/core/dnsserver"\n\t"github.com/coredns/coredns/coremain"\n${imports}\n)\n\nfunc init() { dnsserver.Directives = []string{"bind", "errors", "cache", "autopath", "kubernetes", "forward"} }\n\nfunc main() { coremain.Run() }\n`,
  );
  const go = (...args: readonly string[]) => run('go', args, { cwd: source, maxBuffer: 1 << 26 });
  await go('get', 'github.com/coredns/coredns@latest');
  await go('mod', 'tidy');
  await go('build', '-o', binary, '.');
  return binary;
}

export async function load(
  port: number,
  directory: string,
  questions: readonly string[],
  options: readonly string[],
): Promise<Load> {
  const file = join(directory, 'questions');
  writeFileSync(file, questions.join('\n'));
  const args = ['-c', '1', 'dnsperf', '-s', '127.0.0.1', '-p', String(port), '-d', file, '-c', '20', '-q', '200'];
  const { stdout } = await run('taskset', [...args, ...options], { maxBuffer: 1 << 28 });
  const value = (name: RegExp): string => name.exec(stdout)?.[1]?.trim() ?? '?';
  return {
    perSecond: Math.round(Number(value(/Queries per second:\s+([0-9.]+)/))),
    answered: Number(value(/Queries completed:\s+([0-9]+)/)),
    lost: value(/Queries lost:\s+(.+)/),
    meanMs: Number(value(/Average Latency \(s\):\s+([0-9.]+)/)) * 1000,
  };
}

/** Processor time of all its threads. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function runs(program: string, args: readonly string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    (error: unknown) => errnoOf(error) !== 'ENOENT',
  );
}

async function start(
  program: string,
  args: readonly string[],
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const child = spawn('taskset', ['-c', '0', program, ...args], { stdio: 'ignore', env: { ...process.env, ...env } });
  return { pid: child.pid ?? 0, port, stop: () => stopped(child) };
}

function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
