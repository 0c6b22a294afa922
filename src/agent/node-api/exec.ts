/** `kubectl exec`: a program more in a running container, its streams to the client. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeContext } from '../node-context.ts';
import { startTicks } from '../process.ts';
import { exitStatus, isTrue } from './channels.ts';
import type { Channels } from './channels.ts';
import { followSize, terminalArgs } from './terminal.ts';

export function serveExec(context: NodeContext, id: string, query: URLSearchParams, channels: Channels): void {
  const command = query.getAll('command');
  const tty = isTrue(query.get('tty'));
  const pidFile = join(context.runtime.runDirOf(id), `exec-${randomBytes(6).toString('hex')}.pid`);
  const args = context.runtime.execArgs(id, command, tty, pidFile);
  const child = tty ? spawn('script', terminalArgs(['crun', ...args])) : spawn('crun', args);
  connectInput(child, channels, query);
  if (tty) followSize(channels, () => pidOf(pidFile));
  const done = [channels.pump(child.stdout, 'stdout'), channels.pump(child.stderr, 'stderr')];
  let over = false;
  const exited = new Promise<number>((resolve) => {
    child.on('error', () => resolve(126));
    child.on('exit', (code) => resolve(code ?? 137));
  });
  void Promise.all([exited, ...done]).then(([code]) => {
    over = true;
    channels.finish(exitStatus(code));
    for (const file of [pidFile, `${pidFile}.json`]) rmSync(file, { force: true });
  });
  channels.onClose(() => {
    if (over) return;
    endProgram(pidFile);
    child.kill('SIGKILL');
  });
  channels.start();
}

function connectInput(child: ChildProcessWithoutNullStreams, channels: Channels, query: URLSearchParams): void {
  // A program that does not read its input may be over before the client knows.
  child.stdin.on('error', () => undefined);
  const wanted = isTrue(query.get('input')) || isTrue(query.get('stdin'));
  if (!wanted) {
    // `script` takes the end of its input for the end of the session.
    if (!isTrue(query.get('tty'))) child.stdin.end();
    return;
  }
  channels.onInput((data) => void child.stdin.write(data));
  channels.onInputEnd(() => child.stdin.end());
}

/** The client went away: its program must not stay behind. */
function endProgram(pidFile: string): void {
  const pid = pidOf(pidFile);
  if (pid === undefined || startTicks(pid) === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended just now.
  }
}

function pidOf(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'latin1').trim());
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}
