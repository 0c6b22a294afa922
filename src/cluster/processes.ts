/**
 * A part as a process: started in its namespace and detached, found again, ended. Nobody supervises it.
 *
 *   startPart ── nsenter ── node main.ts agent …     output → DATA/logs/PART.log; pid and start time → RUN/parts/PART.json
 *   findPart  ── alive only if the pid's start time is the recorded one: a recycled pid is somebody else's process
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readlinkSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterPaths } from './paths.ts';
import type { Part } from './parts.ts';
import { parseRecord, readIfThere } from './record-file.ts';
import { errnoOf } from '../util/errno.ts';

export interface ProcessId {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. Never the same twice for one pid. */
  readonly startTime: string;
}

export interface StartOptions {
  /** The CLI's entry file. */
  readonly main: string;
}

export async function startPart(part: Part, paths: ClusterPaths, options: StartOptions): Promise<ProcessId> {
  const log = openSync(paths.log(part.name), 'a', 0o644);
  try {
    const child = spawn(
      'nsenter',
      [`--net=${netnsPath(part.namespace)}`, '--', process.execPath, ...part.nodeFlags, options.main, ...part.command],
      { detached: true, stdio: ['ignore', log, log], cwd: '/', env: partEnvironment() },
    );
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const id = child.pid === undefined ? undefined : identify(child.pid);
    if (id === undefined) throw new Error(`part ${part.name} ended as soon as it was started`);
    writeRecord(paths.pidFile(part.name), id);
    return id;
  } finally {
    closeSync(log);
  }
}

export function netnsPath(namespace: string): string {
  return `/run/netns/${namespace}`;
}

/** The recorded process if it is alive, in the namespace that now has the name. */
export function findPart(part: Part, paths: ClusterPaths): ProcessId | undefined {
  const recorded = readRecord(paths.pidFile(part.name));
  if (recorded === undefined || !isAlive(recorded)) return undefined;
  return netnsOf(recorded.pid) === inodeOf(part.namespace) ? recorded : undefined;
}

export function readRecord(file: string): ProcessId | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  // Not mended by starting the part once more: the one that it stands for may be alive.
  const fix = '"portolan down" ends what it stands for, then "portolan up" starts anew';
  const { pid, startTime } = (parseRecord(file, text, fix) ?? {}) as Partial<ProcessId>;
  return typeof pid === 'number' && typeof startTime === 'string' ? { pid, startTime } : undefined;
}

export function isAlive(id: ProcessId): boolean {
  return identify(id.pid)?.startTime === id.startTime;
}

/** undefined: no such process, or one that ended and waits for its parent. */
export function identify(pid: number): ProcessId | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The command name stands in parentheses and may hold anything: fields are counted after its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTime = fields[19];
  return fields[0] === 'Z' || fields[0] === 'X' || startTime === undefined ? undefined : { pid, startTime };
}

/** TERM, then KILL for those that have not ended. Returns when all have ended. */
export async function endProcesses(ids: readonly ProcessId[], graceMs = 3000): Promise<void> {
  signalAll(ids, 'SIGTERM');
  if (await allEnd(ids, graceMs)) return;
  signalAll(ids, 'SIGKILL');
  if (await allEnd(ids, 10_000)) return;
  const left = ids.filter(isAlive).map((id) => id.pid);
  throw new Error(`processes ${left.join(', ')} do not end, not even after SIGKILL: they wait for a device or a mount`);
}

function signalAll(ids: readonly ProcessId[], signal: NodeJS.Signals): void {
  for (const id of ids) {
    try {
      if (isAlive(id)) process.kill(id.pid, signal);
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH') throw error;
    }
  }
}

async function allEnd(ids: readonly ProcessId[], withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (ids.some(isAlive)) {
    if (performance.now() > deadline) return false;
    await sleep(5);
  }
  return true;
}

/** Inode of the network namespace that a process is in. */
export function netnsOf(pid: number): number | undefined {
  try {
    const match = /\[(\d+)\]/.exec(readlinkSync(`/proc/${String(pid)}/ns/net`));
    return match === null ? undefined : Number(match[1]);
  } catch {
    return undefined;
  }
}

/** Inode of a named network namespace. */
export function inodeOf(namespace: string): number | undefined {
  return statSync(netnsPath(namespace), { throwIfNoEntry: false })?.ino;
}

function writeRecord(file: string, id: ProcessId): void {
  writeFileSync(`${file}.new`, JSON.stringify(id));
  renameSync(`${file}.new`, file);
}

/** What belongs to the terminal that ran `up` is no business of a process that outlives it. */
function partEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'LANG', 'TZ', 'NODE_COMPILE_CACHE', 'PORTOLAN_LOG', 'NODE_EXTRA_CA_CERTS'];
  const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];
  const entries = [...kept, ...proxies].map((name) => [name, process.env[name]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
