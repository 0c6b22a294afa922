/** Runs a program as if it had been called itself: same terminal, same signals, same exit code. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

export interface PassThroughOptions {
  readonly env?: NodeJS.ProcessEnv;
}

/** Resolves to its exit code; 128 + number if a signal ended it, as a shell has it. */
export async function passThrough(
  program: string,
  args: readonly string[],
  options: PassThroughOptions = {},
): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit', ...(options.env === undefined ? {} : { env: options.env }) });
  // The terminal sends Ctrl-C to both of us: the program decides what it means. A signal sent to us alone is passed on.
  const ignore = (): void => undefined;
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGINT', ignore);
  process.on('SIGQUIT', ignore);
  process.on('SIGTERM', pass);
  process.on('SIGHUP', pass);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (cause: NodeJS.ErrnoException) => {
        // As a shell has it, and nsenter and crun too: 127 not found, 126 not to be run.
        const code = { ENOENT: 127, EACCES: 126 }[cause.code ?? ''];
        if (code === undefined) reject(new Error(`cannot run ${program}: ${cause.message}`, { cause }));
        else {
          process.stderr.write(`portolan: cannot run ${program}: ${code === 127 ? 'not found' : 'not executable'}\n`);
          resolve(code);
        }
      });
      child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
  } finally {
    process.off('SIGINT', ignore);
    process.off('SIGQUIT', ignore);
    process.off('SIGTERM', pass);
    process.off('SIGHUP', pass);
  }
}
