/**
 * A terminal for a program, with no code of ours in C: `script` (bsdutils) makes the pty and copies between it and its own
 * standard input and output; `stty` sets the size of the one that the program has inside of the container.
 */
import { spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import type { Channels, TerminalSize } from './channels.ts';

/** Arguments of `script` that run a command in a new terminal. */
export function terminalArgs(command: readonly string[]): string[] {
  return ['-qefc', `exec ${command.map(quote).join(' ')}`, '/dev/null'];
}

const waitMs = 5;
const maxWaits = 2000;

/**
 * Gives the program each size that the client tells. The first one comes before the program is there; crun hands on only
 * later changes of its own terminal, so the size is set on the program's.
 */
export function followSize(channels: Channels, pid: () => number | undefined): void {
  let wanted: TerminalSize | undefined;
  const apply = (waits: number): void => {
    const program = pid();
    if (wanted === undefined) return;
    if (program !== undefined && hasTerminal(program)) resize(program, wanted);
    else if (waits > 0) setTimeout(() => apply(waits - 1), waitMs).unref();
  };
  channels.onResize((size) => {
    wanted = size;
    apply(maxWaits);
  });
}

function hasTerminal(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${String(pid)}/fd/0`).includes('pts/');
  } catch {
    return false;
  }
}

function resize(pid: number, { width, height }: TerminalSize): void {
  if (width <= 0 || height <= 0) return;
  const args = ['-F', `/proc/${String(pid)}/fd/0`, 'cols', String(width), 'rows', String(height)];
  const child = spawn('stty', args, { stdio: 'ignore' });
  // The terminal may be gone by now; that is no one's loss.
  child.on('error', () => undefined);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
