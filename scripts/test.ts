/**
 * `npm test [-- WORD…]`: every test, or the files whose path contains one of the words. Ends with `N passed, N failed`.
 *
 *   1 install what is missing   2 src/ and test/laws, two files at a time   3 one cluster for all of test/e2e   4 take it away
 *
 * Root is needed: the tests make network namespaces and containers. Nothing is skipped for want of a tool.
 */
import { globSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { ensurePackages } from '../src/cluster/index.ts';
import { projectRoot } from '../test/support/paths.ts';
import { installTestPackages } from '../test/support/packages.ts';
import { kubectlPath, oldKubectlPath } from '../test/support/kubectl.ts';
import { lowerSharedCluster, raiseSharedCluster } from '../test/support/shared-cluster.ts';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** A file that hangs is a failure with a name, not a run without an end. */
const FILE_TIMEOUT_MS = 300_000;

function filesOf(patterns: readonly string[], words: readonly string[]): string[] {
  const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: projectRoot })).sort();
  return words.length === 0 ? files : files.filter((file) => words.some((word) => file.includes(word)));
}

async function runFiles(files: readonly string[], concurrency: number): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  if (files.length === 0) return counts;
  const stream = run({ files: [...files], cwd: projectRoot, concurrency, timeout: FILE_TIMEOUT_MS });
  stream.on('test:summary', (summary) => {
    if (summary.file !== undefined) return;
    counts.passed = summary.counts.passed;
    counts.skipped = summary.counts.skipped;
    counts.failed = summary.counts.tests - summary.counts.passed - summary.counts.skipped - summary.counts.todo;
    if (!summary.success && counts.failed === 0) counts.failed = 1;
  });
  for await (const text of stream.compose(new spec())) process.stdout.write(String(text));
  return counts;
}

async function runEndToEnd(files: readonly string[]): Promise<Counts> {
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  await raiseSharedCluster();
  try {
    return await runFiles(files, 2);
  } finally {
    await lowerSharedCluster();
  }
}

async function main(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('the tests make network namespaces: run them as root (sudo npm test)');
  const words = process.argv.slice(2);
  await ensurePackages(console.log);
  installTestPackages();
  // Downloads first and one by one: a test must not wait for a mirror.
  for (const fetch of [kubectlPath, oldKubectlPath]) fetch();
  const near = await runFiles(filesOf(['src/**/*.test.ts', 'test/laws/*.test.ts'], words), 2);
  // Those that raise and end clusters of their own, one after the other: they compare the machine before and after.
  const alone = await runFiles(filesOf(['test/lifecycle/*.test.ts'], words), 1);
  const whole = await runEndToEnd(filesOf(['test/e2e/*.test.ts'], words));
  const sum = (key: keyof Counts): number => near[key] + alone[key] + whole[key];
  const skipped = sum('skipped') === 0 ? '' : `, ${sum('skipped')} skipped`;
  console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped}`);
  process.exitCode = sum('failed') === 0 && sum('passed') > 0 ? 0 : 1;
}

await main();
