/**
 * Containers through crun. One directory per container, one monitor process (monitor.ts), no daemon.
 *
 *   start(input) ─> bundle, monitor ─> pid file ─> the program itself runs ─> { kind: 'running' }
 *                                   └─> exit file first ─────────────────> { kind: 'failed', message }
 *   exit file ─> onExit(id): also for containers that an earlier agent started (adopt)
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { log } from '../util/log.ts';
import { detectCgroups } from './cgroups.ts';
import type { CgroupMode } from './cgroups.ts';
import { tryRun } from './command.ts';
import type { RunResult } from './command.ts';
import { monitorScript } from './monitor.ts';
import type { MonitorEnvironment } from './monitor.ts';
import type { AgentPaths } from './paths.ts';
import { executable, isAlive, sendSignal, startTicks } from './process.ts';
import type { ProcessId } from './process.ts';

export interface StartInput {
  readonly id: string;
  readonly spec: Readonly<Record<string, unknown>>;
  /** overlayfs lower directories, uppermost first. */
  readonly layers: readonly string[];
  /** Copied into the writable layer first. */
  readonly seed: string | undefined;
  readonly stdin: MonitorEnvironment['STDIN'];
  readonly hostPid: boolean;
}

export type StartResult =
  | { readonly kind: 'running'; readonly process: ProcessId; readonly startedAt: number }
  /** The program never ran. */
  | { readonly kind: 'failed'; readonly message: string };

export interface ContainerExit {
  readonly code: number;
  /** ms since the epoch. */
  readonly finishedAt: number;
  /** No one saw it end: the machine or its processes were taken down. */
  readonly lost: boolean;
}

export interface Runtime {
  readonly cgroups: CgroupMode;
  start(input: StartInput): Promise<StartResult>;
  /** Calls back once, also when the exit came before. `process` undefined: it is known to be dead. */
  adopt(id: string, process: ProcessId | undefined, onExit: (exit: ContainerExit) => void): void;
  signal(process: ProcessId, signal: NodeJS.Signals): boolean;
  /** Ends what is left of it and removes its files (not its logs). */
  remove(id: string, process: ProcessId | undefined): Promise<void>;
  /** The same for one whose process is not known. */
  removeStray(id: string): Promise<void>;
  exec(id: string, command: readonly string[], timeoutMs: number): Promise<RunResult>;
  /** Arguments that make `crun` exec in a container, for streams. */
  execArgs(id: string, command: readonly string[], tty: boolean, pidFile?: string): string[];
  runDirOf(id: string): string;
  /** Every container that has a directory. */
  ids(): string[];
}

const logger = log('agent');
/** Where a monitor was killed, nothing tells of the container's end: it is looked for. */
const orphanPollMs = 500;

export function createRuntime(paths: AgentPaths, signal: AbortSignal): Runtime {
  const cgroups = detectCgroups();
  for (const dir of [paths.containers, paths.raw, paths.events, paths.runContainers, paths.crun]) {
    mkdirSync(dir, { recursive: true, mode: 0o711 });
  }
  writeFileSync(paths.monitor, monitorScript, { mode: 0o755 });
  const listeners = new Map<string, () => void>();
  const watcher = watch(paths.events, { signal }, (_event, file) => {
    if (file !== null) listeners.get(file)?.();
  });
  watcher.on('error', (error) => logger.error({ err: error }, 'watching container events failed'));
  const crun = ['--root', paths.crun, `--cgroup-manager=${cgroups.manager}`];

  const exitOf = (id: string): ContainerExit | undefined => {
    const file = join(paths.events, `${id}.exit`);
    try {
      const code = Number(readFileSync(file, 'latin1').trim());
      return { code, finishedAt: statSync(file).mtimeMs, lost: false };
    } catch {
      return undefined;
    }
  };

  const runtime: Runtime = {
    cgroups,
    async start(input) {
      const { id } = input;
      const runDir = join(paths.runContainers, id);
      const bundle = join(paths.containers, id);
      for (const dir of ['upper', 'work', 'rootfs', 'scratch'])
        mkdirSync(join(bundle, dir), { recursive: true, mode: 0o755 });
      mkdirSync(runDir, { recursive: true, mode: 0o711 });
      writeFileSync(join(bundle, 'config.json'), JSON.stringify(input.spec), { mode: 0o600 });
      for (const stream of ['stdout', 'stderr'])
        writeFileSync(join(paths.raw, `${id}.${stream}`), '', { mode: 0o600, flag: 'a' });
      const environment: MonitorEnvironment = {
        ID: id,
        RUN: runDir,
        BUNDLE: bundle,
        EVENTS: paths.events,
        RAW: paths.raw,
        CRUN_ROOT: paths.crun,
        CGROUP_MANAGER: cgroups.manager,
        UNIFIED: cgroups.unified,
        LOWER: input.layers.map((layer) => layer.replaceAll(/([:,\\])/g, '\\$1')).join(':'),
        SEED: input.seed ?? '',
        STDIN: input.stdin,
        WAIT_OUTPUT: input.hostPid ? 'no' : 'yes',
      };
      const began = waitForFirst(listeners, [`${id}.pid`, `${id}.exit`], () => {
        const pid = readPid(join(paths.events, `${id}.pid`));
        return exitOf(id) !== undefined || pid !== undefined;
      });
      launch(paths.monitor, environment, (error) => {
        writeFileSync(join(runDir, 'crun.log'), `${error.message}\n`, { flag: 'a' });
        writeFileSync(join(paths.events, `${id}.exit`), '128\n');
      });
      await began;
      const pid = readPid(join(paths.events, `${id}.pid`));
      if (pid !== undefined && (await programRuns(pid))) {
        const ticks = startTicks(pid);
        if (ticks !== undefined) return { kind: 'running', process: { pid, startTicks: ticks }, startedAt: Date.now() };
      }
      return awaitOutcome(id, pid, runDir, exitOf, listeners);
    },
    adopt(id, process, onExit) {
      const known = exitOf(id);
      if (known !== undefined) {
        queueMicrotask(() => onExit(known));
        return;
      }
      watchForExit(id, process, onExit);
    },
    signal: sendSignal,
    async remove(id, process) {
      if (process !== undefined) sendSignal(process, 'SIGKILL');
      listeners.delete(`${id}.exit`);
      if (existsSync(join(paths.crun, id)))
        await tryRun('crun', [...crun, 'delete', '--force', id], { timeoutMs: 10_000 });
      const monitor = readPid(join(paths.runContainers, id, 'monitor.pid'));
      if (monitor !== undefined && exitOf(id) === undefined) await endMonitor(monitor, paths.monitor);
      for (const file of [`${id}.pid`, `${id}.exit`]) rmSync(join(paths.events, file), { force: true });
      rmSync(join(paths.runContainers, id), { recursive: true, force: true });
      rmSync(join(paths.containers, id), { recursive: true, force: true });
      for (const file of ['stdout', 'stderr', 'stdout.pos', 'stderr.pos'])
        rmSync(join(paths.raw, `${id}.${file}`), { force: true });
    },
    removeStray(id) {
      const pid = readPid(join(paths.events, `${id}.pid`));
      // A number may have gone to another program since: only crun's own record of the container's start is trusted.
      const ticks = pid === undefined || !existsSync(join(paths.crun, id)) ? undefined : startTicks(pid);
      return runtime.remove(id, pid === undefined || ticks === undefined ? undefined : { pid, startTicks: ticks });
    },
    exec: (id, command, timeoutMs) => tryRun('crun', runtime.execArgs(id, command, false), { timeoutMs }),
    execArgs: (id, command, tty, pidFile) => [
      ...crun,
      'exec',
      '--process',
      processFile(paths, id, command, tty, pidFile),
      ...(tty ? ['--tty'] : []),
      ...(pidFile === undefined ? [] : ['--pid-file', pidFile]),
      id,
    ],
    runDirOf: (id) => join(paths.runContainers, id),
    ids: () => readdirSync(paths.containers),
  };

  const watchForExit = (id: string, process: ProcessId | undefined, onExit: (exit: ContainerExit) => void): void => {
    const file = `${id}.exit`;
    const monitor = readPid(join(paths.runContainers, id, 'monitor.pid'));
    const monitorTicks = monitor === undefined ? undefined : startTicks(monitor);
    const done = (exit: ContainerExit): void => {
      if (!listeners.delete(file)) return;
      clearInterval(poll);
      onExit(exit);
    };
    const look = (): boolean => {
      const exit = exitOf(id);
      if (exit !== undefined) done(exit);
      return exit !== undefined;
    };
    const poll = setInterval(() => {
      if (look()) return;
      const watched = monitor !== undefined && monitorTicks !== undefined && startTicks(monitor) === monitorTicks;
      if (watched || (process !== undefined && isAlive(process))) return;
      if (!look()) done({ code: 137, finishedAt: Date.now(), lost: true });
    }, orphanPollMs);
    poll.unref();
    signal.addEventListener('abort', () => clearInterval(poll), { once: true });
    listeners.set(file, look);
    look();
  };

  return runtime;
}

/**
 * One program more runs as the container's own does: its user, groups, environment, capabilities (crun's default is root).
 * It lies beside the pid file and goes with it; a probe's is written once and goes with the container.
 */
function processFile(
  paths: AgentPaths,
  id: string,
  args: readonly string[],
  terminal: boolean,
  pidFile: string | undefined,
): string {
  const name = createHash('sha256').update(JSON.stringify(args)).digest('hex').slice(0, 16);
  const file = pidFile === undefined ? join(paths.runContainers, id, `exec-${name}.json`) : `${pidFile}.json`;
  if (existsSync(file)) return file;
  const config = readText(join(paths.containers, id, 'config.json'));
  if (config === '') return file;
  const { process } = JSON.parse(config) as { readonly process: { readonly env?: readonly string[] } };
  const { env = [] } = process;
  // Programs on a terminal ask for its kind; containerd names the same (internal/cri/server/container_execsync.go).
  const named = terminal ? [...env.filter((one) => !one.startsWith('TERM=')), 'TERM=xterm'] : env;
  writeFileSync(file, JSON.stringify({ ...process, args, terminal, env: named }), { mode: 0o600 });
  return file;
}

function launch(script: string, environment: MonitorEnvironment, onError: (error: Error) => void): void {
  const child = spawn('unshare', ['-m', '--propagation', 'private', 'sh', script], {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', ...environment },
  });
  child.on('error', onError);
  child.unref();
}

/** crun has written its pid file a moment before it becomes the program. */
async function programRuns(pid: number): Promise<boolean> {
  for (let look = 0; look < 2000; look += 1) {
    const exe = executable(pid);
    if (exe === undefined) return false;
    if (!/crun/.test(exe)) return true;
    await delay(1);
  }
  return false;
}

async function awaitOutcome(
  id: string,
  pid: number | undefined,
  runDir: string,
  exitOf: (id: string) => ContainerExit | undefined,
  listeners: Map<string, () => void>,
): Promise<StartResult> {
  await waitForFirst(listeners, [`${id}.exit`], () => exitOf(id) !== undefined);
  const said = readText(join(runDir, 'crun.log')).trim();
  // A program may be over before we could look at it: that is a run, its exit comes through adopt().
  if (pid !== undefined && said === '') {
    return { kind: 'running', process: { pid, startTicks: 'ended' }, startedAt: Date.now() };
  }
  return { kind: 'failed', message: crunMessage(said) };
}

/** `2026-…Z: executable file `x` not found in $PATH: No such file or directory` without colour and time. */
function crunMessage(said: string): string {
  const last = said.split('\n').findLast((line) => !line.startsWith(' ')) ?? '';

  return last.replaceAll(/\u001b\[[0-9;]*m/g, '').replace(/^[0-9T:.-]+Z?: /, '') || 'the container monitor ended early';
}

function waitForFirst(
  listeners: Map<string, () => void>,
  files: readonly string[],
  ready: () => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!ready()) return;
      clearInterval(poll);
      for (const file of files) listeners.delete(file);
      resolve();
    };
    // inotify may lose events when its queue overflows.
    const poll = setInterval(look, 250);
    for (const file of files) listeners.set(file, look);
    look();
  });
}

async function endMonitor(pid: number, script: string): Promise<void> {
  for (let look = 0; look < 50; look += 1) {
    if (!readText(`/proc/${String(pid)}/cmdline`).includes(script)) return;
    await delay(20);
  }
  const ticks = startTicks(pid);
  if (ticks !== undefined) sendSignal({ pid, startTicks: ticks }, 'SIGKILL');
}

function readPid(file: string): number | undefined {
  const pid = Number(readText(file).trim());
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
