/** The settings in force, on disk: DATA/cluster.json, and RUN/cluster.json while the cluster is up. */
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nameFlag } from './choose.ts';
import { pathsOf, runDirOf, runRoot } from './paths.ts';
import type { ClusterSettings } from './settings.ts';
import { parseRecord, readIfThere } from './record-file.ts';
import { UsageError } from './usage-error.ts';

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
  const file = recordOf(name);
  return readSettings(file, `"portolan down${nameFlag(name)}" takes away what is left of it`);
}

/** What an earlier run left in DATA, so that `up` after a reboot is the same cluster. */
export function readStored(dataDir: string): ClusterSettings | undefined {
  return readSettings(join(dataDir, 'cluster.json'), `mend it, or remove the folder ${dataDir}`);
}

/** For who has to go on with what can be read, as `down` has: a broken record is none. */
export function orNone<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** Every cluster that is up on this machine. One whose record is broken does not stop the others. */
export function listRunning(): readonly ClusterSettings[] {
  let names: readonly string[];
  try {
    names = readdirSync(runRoot);
  } catch {
    return [];
  }
  return names.map((name) => orNone(() => readRunning(name))).filter((one) => one !== undefined);
}

function recordOf(name: string): string {
  return join(runDirOf(name), 'cluster.json');
}

function readSettings(file: string, fix: string): ClusterSettings | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  const settings = parseRecord(file, text, fix) as Partial<ClusterSettings> | null;
  if (typeof settings?.name === 'string' && typeof settings.slot === 'number' && typeof settings.dataDir === 'string') {
    return settings as ClusterSettings;
  }
  throw new UsageError(`${file} is broken (no settings of a cluster): ${fix}`);
}
