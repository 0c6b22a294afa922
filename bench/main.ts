/**
 * `npm run bench [NAME…]`: runs bench/NAME.ts, or all of them, each in a process of its own, after the machine, so that the
 * figures can be judged. What benches share is in bench/support.
 */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { quantile } from './support/report.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(wanted: readonly string[]): Promise<number> {
  const names = readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
    .map((file) => basename(file, '.ts'));
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    process.stderr.write(`bench: there is no bench ${unknown.join(', ')}: there are ${names.join(', ')}\n`);
    return 1;
  }
  process.stdout.write(machine());
  let failed = 0;
  for (const name of wanted.length > 0 ? wanted : names) {
    process.stdout.write(`\n${name}\n`);
    if ((await runBench(name)) !== 0) failed++;
  }
  return failed === 0 ? 0 : 1;
}

function runBench(name: string): Promise<number | null> {
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.ts`)], { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}

function machine(): string {
  const [first] = cpus();
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GB`;
  return [
    `machine  ${String(cpus().length)} × ${first?.model ?? 'unknown CPU'}, ${memory}, Linux ${release()}`,
    `node     ${process.version}`,
    `commit   ${commit()}`,
    `load     ${readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')}`,
    `floor    ${floorText()}`,
    '',
  ].join('\n');
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', import.meta.dirname, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : ' with changes'}`;
  } catch {
    return 'not a git checkout';
  }
}

/** What nothing costs here: starting Node, and starting any program. */
function floorText(): string {
  const median = (program: string, args: readonly string[]): number =>
    quantile(
      Array.from({ length: 7 }, () => {
        const before = performance.now();
        execFileSync(program, args, { stdio: 'ignore' });
        return performance.now() - before;
      }),
      0.5,
    );
  return `node -e 0: ${median(process.execPath, ['-e', '0']).toFixed(0)} ms; true: ${median('true', []).toFixed(1)} ms`;
}
