/** Clusters for benches: the real command line, a name of its own, gone afterwards whatever happens. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const launcher = join(import.meta.dirname, '..', '..', 'portolan');

export interface BenchCluster {
  readonly name: string;
  readonly kubeconfig: string;
  portolan(...args: string[]): Promise<string>;
  kubectl(...args: string[]): Promise<string>;
}

export async function withCluster(name: string, work: (cluster: BenchCluster) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'portolan-bench-'));
  const kubeconfig = join(dir, 'kubeconfig');
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const call = async (program: string, args: readonly string[]): Promise<string> =>
    (await execute(program, args, { env, maxBuffer: 2 ** 26 })).stdout;
  const cluster: BenchCluster = {
    name,
    kubeconfig,
    portolan: (command = '', ...args) => call(launcher, [command, '--name', name, ...args]),
    kubectl: (...args) => call('kubectl', args),
  };
  try {
    await work(cluster);
  } finally {
    await cluster.portolan('down');
    rmSync(dir, { recursive: true, force: true });
  }
}

export interface Memory {
  readonly rss: number;
  /** Pages that several processes share are counted once, in parts. */
  readonly pss: number;
  /** Pages of this process alone. */
  readonly private: number;
  /** The highest that RSS ever was. */
  readonly peak: number;
}

/** MB. */
export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'utf8');
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  const kb = (field: string, from = text): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(from)?.[1] ?? 0);
  return {
    rss: kb('Rss') / 1024,
    pss: kb('Pss') / 1024,
    private: (kb('Private_Clean') + kb('Private_Dirty')) / 1024,
    peak: kb('VmHWM', status) / 1024,
  };
}

/** Milliseconds of CPU, of all its threads, in user and kernel mode, since it started. */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  // The name of the program, in brackets, may hold spaces; what follows it begins with field 3. USER_HZ is 100 on Linux.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[14 - 3]) + Number(fields[15 - 3])) * 10;
}
