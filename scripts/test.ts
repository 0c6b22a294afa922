/**
 * `npm test [-- WORD…]`: every test, or the files whose path contains one of the words. Ends with `N passed, N failed`.
 *
 *   install what is missing ── raise one cluster for all of test/e2e ── all files, longest first ── take it away
 *
 * Most files wait for processes, kernels and packets: one file more than there are cores keeps these busy.
 * Root is needed: the tests make network namespaces and containers. Nothing is skipped for want of a tool.
 */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { ensurePackages } from '../src/cluster/index.ts';
import { installTestPackages } from '../test/support/packages.ts';
import { kubectlPath, oldKubectlPath } from '../test/support/kubectl.ts';
import { removeLeftovers } from '../test/support/leftovers.ts';
import { longestFirst, rememberSeconds } from '../test/support/order.ts';
import { projectRoot } from '../test/support/paths.ts';
import { lowerSharedCluster, raiseSharedCluster } from '../test/support/shared-cluster.ts';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** A file that hangs is a failure with a name, not a run without an end. */
const FILE_TIMEOUT_MS = 300_000;
const PATTERNS = ['src/**/*.test.ts', 'test/*/*.test.ts'];
const CONCURRENCY = availableParallelism() + 1;

function filesOf(words: readonly string[]): string[] {
  const files = globSync(PATTERNS, { cwd: projectRoot });
  return longestFirst(words.length === 0 ? files : files.filter((file) => words.some((word) => file.includes(word))));
}

async function runFiles(files: readonly string[], signal: AbortSignal): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  if (files.length === 0) return counts;
  const seconds = new Map<string, number>();
  const stream = run({
    files: [...files],
    cwd: projectRoot,
    concurrency: CONCURRENCY,
    timeout: FILE_TIMEOUT_MS,
    signal,
  });
  stream.on('test:summary', (summary) => {
    if (summary.file !== undefined) {
      seconds.set(relative(projectRoot, summary.file), Math.round(summary.duration_ms) / 1000);
      return;
    }
    counts.passed = summary.counts.passed;
    counts.skipped = summary.counts.skipped;
    counts.failed = summary.counts.tests - summary.counts.passed - summary.counts.skipped - summary.counts.todo;
    if (!summary.success && counts.failed === 0) counts.failed = 1;
  });
  for await (const text of stream.compose(new spec())) process.stdout.write(String(text));
  rememberSeconds(seconds);
  const longest = [...seconds].sort(([, a], [, b]) => b - a).slice(0, 10);
  console.log(
    ['longest files:', ...longest.map(([file, took]) => `${took.toFixed(1).padStart(6)} s  ${file}`)].join('\n'),
  );
  return counts;
}

async function runWithCluster(files: readonly string[], signal: AbortSignal): Promise<Counts> {
  if (!files.some((file) => file.startsWith('test/e2e/'))) return await runFiles(files, signal);
  await raiseSharedCluster();
  try {
    return await runFiles(files, signal);
  } finally {
    await lowerSharedCluster();
  }
}

async function main(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('the tests make network namespaces: run them as root (sudo npm test)');
  await ensurePackages(console.log);
  installTestPackages();
  // Downloads first and one by one: a test must not wait for a mirror.
  for (const fetch of [kubectlPath, oldKubectlPath]) fetch();
  removeLeftovers();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const { passed, failed, skipped } = await runWithCluster(filesOf(process.argv.slice(2)), stop.signal);
  removeLeftovers();
  console.log(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
  process.exitCode = failed === 0 && passed > 0 && !stop.signal.aborted ? 0 : 1;
}

await main();
