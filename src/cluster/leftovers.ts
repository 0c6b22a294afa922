/**
 * What of a cluster is on this machine, however it came to be left there: found by name, by namespace and by path, never by
 * the name of a program.
 *
 *   namespaces   /run/netns/PREFIX-PLACE and the pods' PREFIX-node-N-pod-ID
 *   processes    whoever lives in one of those namespaces (/proc/PID/ns/net), plus the recorded parts
 *   mounts       below DATA and RUN (/proc/self/mountinfo)
 */
import { readFileSync, readdirSync } from 'node:fs';
import { listNamespaces } from './machine.ts';
import type { ClusterPaths } from './paths.ts';
import { identify, inodeOf, isAlive, netnsOf, readRecord } from './processes.ts';
import type { ProcessId } from './processes.ts';
import { orNone } from './record.ts';
import { prefixOf } from './topology.ts';

export function namespacesOf(name: string): readonly string[] {
  return listNamespaces().filter((namespace) => belongsTo(name, namespace));
}

/** Only our places match, so that cluster `a` does not take namespaces of cluster `a-b`. */
export function belongsTo(name: string, namespace: string): boolean {
  const prefix = prefixOf(name);
  return (
    namespace.startsWith(prefix) &&
    /^-(wire|control|lan|lb|internet|node-\d+(-pod-[0-9a-f]+)?)$/.test(namespace.slice(prefix.length))
  );
}

export function processesIn(namespaces: readonly string[]): readonly ProcessId[] {
  const inodes = new Set(namespaces.map(inodeOf).filter((inode) => inode !== undefined));
  if (inodes.size === 0) return [];
  const found: ProcessId[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const inode = netnsOf(pid);
    const id = inode !== undefined && inodes.has(inode) ? identify(pid) : undefined;
    if (id !== undefined) found.push(id);
  }
  return found;
}

/** Parts that are alive, in whatever namespace. */
export function recordedParts(paths: ClusterPaths): readonly { readonly name: string; readonly id: ProcessId }[] {
  let files: readonly string[];
  try {
    files = readdirSync(paths.parts);
  } catch {
    return [];
  }
  return files
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({ name: file.slice(0, -'.json'.length), id: orNone(() => readRecord(`${paths.parts}/${file}`)) }))
    .filter((one): one is { name: string; id: ProcessId } => one.id !== undefined && isAlive(one.id));
}

/** Mount points below any of the folders, deepest first. */
export function mountsBelow(folders: readonly string[]): readonly string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => unescapeMount(line.split(' ')[4] ?? ''))
    .filter((point) => folders.some((folder) => point === folder || point.startsWith(`${folder}/`)))
    .sort((a, b) => b.length - a.length);
}

/** The kernel writes blanks, tabs, newlines and backslashes as octal (proc(5)). */
function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
