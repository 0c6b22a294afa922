/**
 * `down`: takes away everything of a cluster, also what a crash left of it, and nothing of anybody else's.
 *
 *   parts (nodes and lb, then the control plane) ── whoever is left in our namespaces ── mounts ── link, namespaces ── folders
 *
 * Each step works when the steps before it found nothing, so half a cluster goes as well as a whole one.
 */
import { existsSync, rmSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { linkOf } from './choose.ts';
import { removeContext } from './kubeconfig.ts';
import { mountsBelow, namespacesOf, processesIn, recordedParts } from './leftovers.ts';
import { withLock } from './lock.ts';
import { hasLink } from './machine.ts';
import { forgetNetnsMount } from './netns-mount.ts';
import { pathsOf, runRoot } from './paths.ts';
import type { ClusterPaths } from './paths.ts';
import { endProcesses } from './processes.ts';
import type { ProcessId } from './processes.ts';
import { orNone, readRunning, readStored } from './record.ts';
import { run } from './run.ts';
import { checkName, defaultName } from './settings.ts';
import type { ClusterSettings } from './settings.ts';
import { UsageError } from './usage-error.ts';
import { prefixOf } from './topology.ts';
import { errnoOf } from '../util/errno.ts';

export interface DownOptions {
  readonly name?: string;
}

export interface DownResult {
  /** False: there was no cluster of this name, nor anything left of one. */
  readonly found: boolean;
  /** `--data` was given to `up`: the folder that was left. */
  readonly keptData: string | undefined;
}

export async function down(options: DownOptions): Promise<DownResult> {
  const name = checkName(options.name ?? defaultName);
  if (process.getuid?.() !== 0)
    throw new UsageError('down removes network namespaces: run it as root: sudo ./portolan down');
  return withLock(`cluster-${name}`, 120_000, async () => {
    const settings = settingsLeft(name);
    const found = await tearDown(name, { removeData: true });
    const contexts = await removeContext(prefixOf(name));
    return {
      found: found || settings !== undefined || contexts.length > 0,
      keptData: settings?.keepData === true ? settings.dataDir : undefined,
    };
  });
}

/** Everything but the context. Returns whether there was anything. */
export async function tearDown(name: string, what: { readonly removeData: boolean }): Promise<boolean> {
  const defaultData = `/var/lib/portolan/${name}`;
  const settings = settingsLeft(name);
  const paths = pathsOf({ name, dataDir: settings?.dataDir ?? defaultData });
  const namespaces = namespacesOf(name);
  const ended = await endAll(name, paths);
  // Only where the agents mount: DATA itself may be a disk of the person's.
  await unmountAll([paths.run, join(paths.data, 'nodes')]);
  const link = settings === undefined ? undefined : linkOf(settings.slot);
  const hadLink = link !== undefined && hasLink(link) && (await ourLink(link, namespaces));
  if (hadLink) await run('ip', ['link', 'delete', link]);
  // Looked at again: until its agent ended, pods came and went.
  const left = namespacesOf(name);
  if (left.length > 0) await run('ip', ['-batch', '-'], left.map((one) => `netns delete ${one}\n`).join(''));
  const hadRun = existsSync(paths.run);
  rmSync(paths.run, { recursive: true, force: true });
  if (what.removeData && settings !== undefined && !settings.keepData) {
    rmSync(paths.data, { recursive: true, force: true });
    removeIfEmpty(dirname(paths.data));
  }
  await forgetNetnsMount();
  removeIfEmpty(runRoot);
  return ended > 0 || namespaces.length > 0 || hadLink || hadRun;
}

/** A record that a crash broke must not keep the rest from going. */
function settingsLeft(name: string): ClusterSettings | undefined {
  return orNone(() => readRunning(name)) ?? orNone(() => readStored(`/var/lib/portolan/${name}`));
}

/** Nodes and lb end while the API server still hears their goodbyes; then it ends; then whatever lives in our namespaces. */
async function endAll(name: string, paths: ClusterPaths): Promise<number> {
  const parts = recordedParts(paths);
  const isControl = (part: { readonly name: string }): boolean => part.name === 'control-plane';
  await endProcesses(
    parts.filter((part) => !isControl(part)).map((part) => part.id),
    2000,
  );
  await endProcesses(
    parts.filter(isControl).map((part) => part.id),
    2000,
  );
  let count = parts.length;
  // A container that is just starting appears between two looks.
  const look = (): readonly ProcessId[] => processesIn(namespacesOf(name));
  for (let left = look(); left.length > 0; left = look()) {
    count += left.length;
    await endProcesses(left, 0);
  }
  return count;
}

async function unmountAll(folders: readonly string[]): Promise<void> {
  for (const point of mountsBelow(folders)) await run('umount', ['--lazy', point]);
}

/** The link's other end lies in our wire namespace; if that is gone, so is the pair, and the link is somebody else's. */
async function ourLink(link: string, namespaces: readonly string[]): Promise<boolean> {
  const details = await run('ip', ['-json', '-details', 'link', 'show', link]);
  const [entry] = JSON.parse(details) as { linkinfo?: { info_kind?: string }; link_netns?: string }[];
  return (
    entry?.linkinfo?.info_kind === 'veth' && (entry.link_netns === undefined || namespaces.includes(entry.link_netns))
  );
}

/** A folder that others still use, or that is a mount point, stays. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    const code = errnoOf(error) ?? '';
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EBUSY'].includes(code)) throw error;
  }
}
