/**
 * Which test file starts first: the one that took longest the last time, so that none is left over at the end while a core idles.
 * The seconds are kept in the package's cache; a file without any counts as long if it raises clusters.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot } from './paths.ts';

const FILE = join(projectRoot, 'node_modules/.cache/test-seconds.json');

type Seconds = Readonly<Record<string, number>>;

export function longestFirst(files: readonly string[]): string[] {
  const known = lastSeconds();
  return [...files].sort((a, b) => guess(b, known) - guess(a, known) || a.localeCompare(b));
}

export function rememberSeconds(measured: ReadonlyMap<string, number>): void {
  mkdirSync(dirname(FILE), { recursive: true });
  writeFileSync(FILE, JSON.stringify({ ...lastSeconds(), ...Object.fromEntries(measured) }, undefined, 1));
}

function guess(file: string, known: Seconds): number {
  if (known[file] !== undefined) return known[file];
  if (file.startsWith('test/lifecycle/')) return 40;
  return file.startsWith('test/e2e/') ? 15 : 5;
}

function lastSeconds(): Seconds {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')) as Seconds;
  } catch {
    return {};
  }
}
