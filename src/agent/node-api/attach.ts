/**
 * `kubectl attach`, `kubectl run -it`: the streams of the container's own program.
 * Output is read from where its monitor writes it, byte by byte as it comes; input goes into its pipe.
 */
import { closeSync, constants, openSync, readSync, statSync, watch } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeContext } from '../node-context.ts';
import { isTrue, success } from './channels.ts';
import type { Channels } from './channels.ts';
import type { Located } from './locate.ts';
import { followSize } from './terminal.ts';

const endPollMs = 50;
const lastWordsMs = 1000;

export function serveAttach(context: NodeContext, found: Located, query: URLSearchParams, channels: Channels): void {
  const { id } = found;
  const runDir = context.runtime.runDirOf(id);
  const follow = (stream: 'stdout' | 'stderr'): (() => void) =>
    followBytes(join(context.paths.raw, `${id}.${stream}`), (data) => channels.send(stream, data));
  const stops: (() => void)[] = [];
  let last: NodeJS.Timeout | undefined;
  if (isTrue(query.get('output')) || isTrue(query.get('stdout'))) stops.push(follow('stdout'));
  if (isTrue(query.get('error')) || isTrue(query.get('stderr'))) stops.push(follow('stderr'));
  if (isTrue(query.get('input')) || isTrue(query.get('stdin'))) {
    connectInput(join(runDir, 'in'), channels, () => {
      // Input that may come again: its end is the end of this attachment, not of the program's input (containerd's Attach). What
      // the program says to the last of it is still heard.
      if (!isInputOnce(found)) last = setTimeout(() => channels.finish(success), lastWordsMs);
    }).catch(() => channels.finish(noInput));
  }
  followSize(channels, () => found.worker.record.containers[found.container]?.process?.pid);
  const stop = (): void => {
    clearInterval(poll);
    clearTimeout(last);
    for (const call of stops) call();
  };
  const poll = setInterval(() => {
    const run = found.worker.record.containers[found.container];
    if (run?.id === id && run.exit === undefined) return;
    stop();
    // The exit code is the container's, told in its status: the attachment itself went well.
    channels.finish(success);
  }, endPollMs);
  channels.onClose(stop);
  channels.start();
}

const noInput = {
  metadata: {},
  status: 'Failure',
  message: 'stdin is not open in this container',
  reason: 'InternalError',
};

function isInputOnce({ worker, container }: Located): boolean {
  const { spec } = worker.pod;
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? []), ...(spec?.ephemeralContainers ?? [])];
  const found = all.find(({ name }) => name === container);
  return found?.stdinOnce === true && found.tty !== true;
}

/** `onEnd`: the client has sent all, and it is written. */
async function connectInput(fifo: string, channels: Channels, onEnd: () => void): Promise<void> {
  const early: Buffer[] = [];
  let write = (data: Buffer): void => void early.push(data);
  let ended = false;
  let end = (): void => void (ended = true);
  channels.onInput((data) => write(data));
  let over = (): void => undefined;
  channels.onInputEnd(() => {
    over = onEnd;
    end();
  });
  channels.onClose(() => end());
  const handle = await open(fifo, constants.O_WRONLY);
  let chain = Promise.resolve();
  let closed = false;
  end = () => {
    if (closed) return;
    closed = true;
    void chain.finally(() => handle.close()).then(over, () => undefined);
  };
  write = (data) => {
    if (!closed) chain = chain.then(() => handle.write(data)).then(() => undefined, end);
  };
  for (const data of early) write(data);
  if (ended) end();
}

/** Everything that is added to the file from now on. */
function followBytes(file: string, call: (data: Buffer) => void): () => void {
  const fd = openSync(file, 'r');
  let position = statSync(file).size;
  let closed = false;
  const chunk = Buffer.allocUnsafe(64 * 1024);
  const read = (): void => {
    for (let count = -1; count !== 0 && !closed; position += count) {
      count = readSync(fd, chunk, 0, chunk.length, position);
      if (count > 0) call(Buffer.from(chunk.subarray(0, count)));
    }
  };
  const watcher = watch(file, read);
  return () => {
    if (closed) return;
    read();
    closed = true;
    watcher.close();
    closeSync(fd);
  };
}
