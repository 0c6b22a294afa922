/**
 * Reads a log file in CRI format as `kubectl logs` wants it. Upstream: pkg/kubelet/kuberuntime/logs/logs.go.
 *
 *   readLog(file, { tailLines: 10, follow: true }, …) ── chunks of bytes, ready to be sent
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly tailLines: number | undefined;
  /** ms since the epoch. */
  readonly since: number | undefined;
  readonly limitBytes: number | undefined;
  readonly stream: 'All' | 'Stdout' | 'Stderr';
}

export interface FollowSource {
  /** Calls back after the file has grown or the container has ended. Returns how to stop. */
  onAppend(call: () => void): () => void;
  /** No more will come. */
  ended(): boolean;
}

export async function* readLog(
  file: string,
  options: LogOptions,
  source: FollowSource,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let reader = openReader(file);
  let left = options.limitBytes ?? Infinity;
  const render = (lines: readonly Buffer[]): Buffer => {
    const text = Buffer.concat(lines.flatMap((line) => renderLine(line, options)));
    const cut = text.length > left ? text.subarray(0, left) : text;
    left -= cut.length;
    return cut;
  };
  try {
    const wanted = reader.readLines().filter((line) => isWanted(line, options));
    const first = render(lastLines(wanted, options.tailLines));
    if (first.length > 0) yield first;
    while (options.follow && left > 0 && !signal.aborted) {
      // Asked before reading: what came before the end is still taken.
      const ended = source.ended();
      const lines = reader.readLines().filter((line) => isWanted(line, options));
      if (lines.length > 0) yield render(lines);
      else if (reader.isReplaced()) {
        reader.close();
        reader = openReader(file);
      } else if (ended) break;
      else await grown(source, reader, signal);
    }
  } finally {
    reader.close();
  }
}

interface Reader {
  /** Whole lines (with their newline) since the last call. */
  readLines(): Buffer[];
  hasMore(): boolean;
  isReplaced(): boolean;
  close(): void;
}

function openReader(file: string): Reader {
  const fd = openSync(file, 'r');
  const inode = fstatSync(fd).ino;
  let position = 0;
  const chunkLimit = 1 << 20;
  return {
    readLines() {
      const lines: Buffer[] = [];
      for (;;) {
        const size = Math.min(chunkLimit, fstatSync(fd).size - position);
        if (size <= 0) return lines;
        const chunk = Buffer.allocUnsafe(size);
        const data = chunk.subarray(0, readSync(fd, chunk, 0, size, position));
        const end = data.lastIndexOf(10) + 1;
        if (end === 0) return lines;
        for (let at = 0; at < end;) {
          const next = data.indexOf(10, at) + 1;
          lines.push(data.subarray(at, next));
          at = next;
        }
        position += end;
      }
    },
    hasMore: () => fstatSync(fd).size > position,
    isReplaced() {
      try {
        return statSync(file).ino !== inode;
      } catch {
        return false;
      }
    },
    close: () => closeSync(fd),
  };
}

/** A `P` line belongs to the `F` line that ends it: `tailLines` counts whole ones. */
function lastLines(lines: readonly Buffer[], count: number | undefined): readonly Buffer[] {
  if (count === undefined || count < 0) return lines;
  let full = 0;
  for (let index = lines.length - 1; index >= 0; index -= 1) {
    const line = lines[index];
    if (line === undefined) break;
    if (parts(line).tag === 'F' || index === lines.length - 1) full += 1;
    if (full > count) return lines.slice(index + 1);
  }
  return lines;
}

interface Parts {
  readonly time: string;
  readonly stream: string;
  readonly tag: string;
  /** Where the content begins. */
  readonly start: number;
}

function parts(line: Buffer): Parts {
  const one = line.indexOf(32);
  const two = line.indexOf(32, one + 1);
  const three = line.indexOf(32, two + 1);
  return {
    time: line.toString('latin1', 0, one),
    stream: line.toString('latin1', one + 1, two),
    tag: line.toString('latin1', two + 1, three),
    start: three + 1,
  };
}

function isWanted(line: Buffer, options: LogOptions): boolean {
  const { time, stream } = parts(line);
  if (options.stream !== 'All' && stream !== options.stream.toLowerCase()) return false;
  return options.since === undefined || Date.parse(time) >= options.since;
}

function renderLine(line: Buffer, options: LogOptions): Buffer[] {
  const { time, tag, start } = parts(line);
  const content = line.subarray(start, tag === 'P' ? line.length - 1 : line.length);
  return options.timestamps ? [Buffer.from(`${time} `), content] : [content];
}

function grown(source: FollowSource, reader: Reader, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const stop = source.onAppend(done);
    signal.addEventListener('abort', done, { once: true });
    if (reader.hasMore() || source.ended() || signal.aborted) done();
  });
}
