/**
 * Moves what containers write into their log files in CRI format, line by line as it comes.
 *
 *   rootDir/raw/ID.stdout (appended by the container's monitor)  ── inotify ──>  logs/NS_NAME_UID/CONTAINER/N.log
 *   abc\n                                                                        2026-11-23T08:00:00.123456789Z stdout F abc\n
 *
 * The place in the raw file is kept in ID.stdout.pos, so that an agent that was killed goes on there; meanwhile nothing
 * blocks the container. Upstream format: docs of the CRI, kubelet's pkg/kubelet/kuberuntime/logs.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { readdirSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { log } from '../util/log.ts';

export interface LogPump {
  /** Follows this container's output into the file until `close`. */
  open(id: string, logFile: string): void;
  /** Takes everything that is there into the log and stops. */
  close(id: string): void;
  /** Takes in everything of this container now: before its log is read. */
  flush(id: string): void;
  /** Called after lines were added to the file. Returns how to stop. */
  onAppend(logFile: string, call: () => void): () => void;
}

interface Source {
  readonly stream: 'stdout' | 'stderr';
  readonly file: string;
  readonly fd: number;
  position: number;
  /** Up to here the raw file's blocks have been given back. */
  punched: number;
  /** Bytes after the last newline. */
  rest: Buffer;
}

interface Open {
  readonly logFile: string;
  readonly sources: readonly Source[];
  fd: number;
  size: number;
}

const logger = log('agent');
const chunkBytes = 256 * 1024;
/** containerd's max_container_log_line_size. */
const maxLine = 16 * 1024;
/** kubelet's containerLogMaxSize and containerLogMaxFiles. */
const rotateBytes = 10 * 1024 * 1024;
const rotateFiles = 5;
const punchBytes = 4 * 1024 * 1024;

export function createLogPump(rawDir: string, signal: AbortSignal): LogPump {
  const open = new Map<string, Open>();
  const watchers = new Map<string, Set<() => void>>();
  const due = new Set<string>();
  const chunk = Buffer.allocUnsafe(chunkBytes);

  const drain = (id: string): void => {
    const container = open.get(id);
    if (container === undefined) return;
    let added = 0;
    for (const source of container.sources) added += drainSource(container, source, chunk);
    if (added === 0) return;
    if (container.size > rotateBytes) rotate(container);
    for (const call of watchers.get(container.logFile) ?? []) call();
  };
  const drainDue = (): void => {
    const ids = [...due];
    due.clear();
    for (const id of ids) drain(id);
  };
  const watcher = watch(rawDir, { signal }, (_event, file) => {
    if (file === null || file.endsWith('.pos')) return;
    if (due.size === 0) setImmediate(drainDue);
    due.add(file.slice(0, file.lastIndexOf('.')));
  });
  watcher.on('error', (error) => logger.error({ err: error }, 'watching container output failed'));
  signal.addEventListener(
    'abort',
    () => {
      for (const id of [...open.keys()]) pump.close(id);
    },
    { once: true },
  );

  const pump: LogPump = {
    open(id, logFile) {
      if (open.has(id)) return;
      mkdirSync(dirname(logFile), { recursive: true, mode: 0o755 });
      const fd = openSync(logFile, 'a', 0o640);
      const sources = (['stdout', 'stderr'] as const).map((stream) => openSource(rawDir, id, stream));
      open.set(id, { logFile, sources, fd, size: fstatSync(fd).size });
      drain(id);
    },
    close(id) {
      drain(id);
      const container = open.get(id);
      if (container === undefined) return;
      open.delete(id);
      for (const source of container.sources) {
        // What the program left without a newline is a line that never became full.
        if (source.rest.length > 0 && !signal.aborted) append(container, source, [source.rest], 'P');
        closeSync(source.fd);
      }
      closeSync(container.fd);
      for (const call of watchers.get(container.logFile) ?? []) call();
    },
    flush: drain,
    onAppend(logFile, call) {
      const set = watchers.get(logFile) ?? new Set();
      watchers.set(logFile, set.add(call));
      return () => {
        set.delete(call);
        if (set.size === 0) watchers.delete(logFile);
      };
    },
  };
  return pump;
}

function openSource(rawDir: string, id: string, stream: 'stdout' | 'stderr'): Source {
  const file = join(rawDir, `${id}.${stream}`);
  let position = 0;
  try {
    position = Number(readFileSync(`${file}.pos`, 'latin1')) || 0;
  } catch {
    // It is new.
  }
  return { stream, file, fd: openSync(file, 'a+', 0o600), position, punched: position, rest: Buffer.alloc(0) };
}

function drainSource(container: Open, source: Source, chunk: Buffer): number {
  let added = 0;
  for (;;) {
    // `rest` is read again after a restart of the agent: the kept position is that of the last full line.
    const from = source.position + source.rest.length;
    const count = readSync(source.fd, chunk, 0, chunk.length, from);
    if (count === 0) break;
    const data =
      source.rest.length === 0 ? chunk.subarray(0, count) : Buffer.concat([source.rest, chunk.subarray(0, count)]);
    added += takeLines(container, source, data);
  }
  if (added > 0) {
    writeFileSync(`${source.file}.pos`, String(source.position));
    if (source.position - source.punched > punchBytes) giveBack(source);
  }
  return added;
}

function takeLines(container: Open, source: Source, data: Buffer): number {
  const lines: Buffer[] = [];
  let at = 0;
  for (let end = data.indexOf(10, at); end >= 0; end = data.indexOf(10, at)) {
    lines.push(data.subarray(at, end));
    at = end + 1;
  }
  if (lines.length > 0) append(container, source, lines, 'F');
  let rest = data.subarray(at);
  while (rest.length >= maxLine) {
    append(container, source, [rest.subarray(0, maxLine)], 'P');
    rest = rest.subarray(maxLine);
    at += maxLine;
  }
  source.position += at;
  source.rest = Buffer.from(rest);
  return at;
}

function append(container: Open, source: Source, lines: readonly Buffer[], last: 'F' | 'P'): void {
  const parts: Buffer[] = [];
  const stamp = timestamp();
  const full = Buffer.from(`${stamp} ${source.stream} F `);
  const partial = Buffer.from(`${stamp} ${source.stream} P `);
  const newline = Buffer.from('\n');
  for (const line of lines) {
    let at = 0;
    for (; line.length - at > maxLine; at += maxLine) parts.push(partial, line.subarray(at, at + maxLine), newline);
    parts.push(last === 'F' ? full : partial, line.subarray(at), newline);
  }
  const text = Buffer.concat(parts);
  writeSync(container.fd, text);
  container.size += text.length;
}

/** RFC3339Nano; the last three digits are not known. */
export function timestamp(): string {
  const micros = Math.floor((performance.timeOrigin + performance.now()) * 1000);
  const text = new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1);
  return `${text}${String(micros % 1000).padStart(3, '0')}000Z`;
}

/** Consumed blocks are given back while the monitor goes on appending: truncation could lose what it writes just now. */
function giveBack(source: Source): void {
  source.punched = source.position;
  const child = spawn('fallocate', ['-p', '-o', '0', '-l', String(source.position), source.file], { stdio: 'ignore' });
  child.on('error', (error) => logger.warn({ err: error, file: source.file }, 'container output keeps its disk space'));
}

function rotate(container: Open): void {
  closeSync(container.fd);
  const stamp = new Date().toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
  renameSync(container.logFile, `${container.logFile}.${stamp}`);
  container.fd = openSync(container.logFile, 'a', 0o640);
  container.size = 0;
  const dir = dirname(container.logFile);
  const old = readdirSync(dir).filter((name) => name.startsWith(`${basename(container.logFile)}.`));
  for (const name of old.sort().slice(0, Math.max(0, old.length - (rotateFiles - 1))))
    rmSync(join(dir, name), { force: true });
}
