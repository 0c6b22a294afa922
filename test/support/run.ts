/** Child processes of the tests: output kept, exit code given, never a shell, always with an end. */
import { spawn } from 'node:child_process';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The process is killed then, and the outcome is a failure that says so. */
  readonly timeoutMs?: number;
}

export async function runCommand(command: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...options.env } });
  const limit = options.timeoutMs ?? 60_000;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, limit);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => {
    // The program may end without reading: its exit code tells.
  });
  child.stdin.end(options.input ?? '');
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status) => resolve(status ?? 137));
    });
    if (late) stderr += `\n(killed after ${limit} ms)`;
    return { code, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
}

/** stdout of a command that must succeed. */
export async function mustRun(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await runCommand(command, options);
  if (outcome.code !== 0)
    throw new Error(`${command.join(' ')}: exit code ${outcome.code}\n${outcome.stdout}${outcome.stderr}`);
  return outcome.stdout;
}
