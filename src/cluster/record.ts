/** The settings in force, on disk: DATA/cluster.json, and RUN/cluster.json while the cluster is up. */
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathsOf, runDirOf, runRoot } from './paths.ts';
import type { ClusterSettings } from './settings.ts';

export function saveSettings(settings: ClusterSettings): void {
  const paths = pathsOf(settings);
  for (const file of [paths.settings, paths.record]) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, `${JSON.stringify(settings, undefined, 2)}\n`);
    renameSync(`${file}.new`, file);
  }
}

/** The cluster that is up under this name, or was when it crashed. */
export function readRunning(name: string): ClusterSettings | undefined {
  return readSettings(join(runDirOf(name), 'cluster.json'));
}

/** What an earlier run left in DATA, so that `up` after a reboot is the same cluster. */
export function readStored(dataDir: string): ClusterSettings | undefined {
  return readSettings(join(dataDir, 'cluster.json'));
}

/** Every cluster that is up on this machine. */
export function listRunning(): readonly ClusterSettings[] {
  let names: readonly string[];
  try {
    names = readdirSync(runRoot);
  } catch {
    return [];
  }
  return names.map(readRunning).filter((one) => one !== undefined);
}

function readSettings(file: string): ClusterSettings | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  return JSON.parse(text) as ClusterSettings;
}
