/** Runs a program to its end. What it said on stderr is the error. */
import { spawn } from 'node:child_process';

/** Resolves to stdout; rejects on another exit code than 0. */
export async function run(program: string, args: readonly string[], input?: string): Promise<string> {
  const child = spawn(program, args, { stdio: 'pipe' });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  // A program that ends before it read everything says why itself.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (cause) => reject(new Error(`cannot run ${program}: ${cause.message}`, { cause })));
    child.once('close', resolve);
  });
  if (code === 0) return Buffer.concat(out).toString('utf8');
  const said = Buffer.concat(err).toString('utf8').trim();
  throw new Error(`${[program, ...args].join(' ').slice(0, 200)}: ${said === '' ? `exit code ${String(code)}` : said}`);
}
