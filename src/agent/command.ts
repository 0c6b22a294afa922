/**
 * Runs a program to its end: no shell in between, input and output as text, bounded in time.
 *
 *   const { stdout } = await run('ip', ['-j', 'route'], {});
 */
import { spawn } from 'node:child_process';

export interface RunOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  /** 128 + signal number is not used: a program ended by a signal has code -1. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** Rejects only when the program can't be started. */
export function tryRun(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.signal === undefined ? {} : { signal: options.signal, killSignal: 'SIGKILL' as const }),
    });
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            child.kill('SIGKILL');
          }, options.timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout = bounded(stdout, text)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = bounded(stderr, text)));
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? -1, stdout, stderr, timedOut });
    });
    // A program that does not read its input ends the pipe early: its exit code tells the story.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** Rejects on a failure too, with what the program said. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const result = await tryRun(program, args, options);
  if (result.code === 0) return result;
  const said = (result.stderr.trim() || result.stdout.trim()).slice(0, 2000);
  throw new Error(`${program} ${args.slice(0, 3).join(' ')}: exit code ${String(result.code)}: ${said}`);
}

const outputLimit = 1 << 20;

function bounded(have: string, more: string): string {
  return have.length + more.length > outputLimit ? have : have + more;
}
