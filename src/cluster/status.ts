/**
 * `status`: what of a cluster is alive, and for what is not: why, and the fix. Changes nothing, and needs no root but for
 * reading the administrator's key.
 *
 *   parts (pid, alive) ── network (namespaces, link) ── API server and its Nodes ── addresses
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { resources } from '../api/resources.ts';
import { createClient, loadKubeconfig } from '../client/index.ts';
import { nameFlag } from './choose.ts';
import { isReady, notReadyReason } from './conditions.ts';
import { hasLink, listNamespaces } from './machine.ts';
import { partsOf } from './parts.ts';
import type { Part } from './parts.ts';
import { pathsOf } from './paths.ts';
import type { ClusterPaths } from './paths.ts';
import { findPart, readRecord } from './processes.ts';
import { readRunning } from './record.ts';
import { defaultName, rangesOf } from './settings.ts';
import type { ClusterRanges, ClusterSettings } from './settings.ts';
import { UsageError } from './usage-error.ts';
import { namespacedPlaces, topologyOf } from './topology.ts';
import type { Topology } from './topology.ts';

export interface PartStatus {
  readonly name: string;
  readonly pid: number | undefined;
  readonly alive: boolean;
  /** Why it is dead, and what to do. */
  readonly reason?: string;
  readonly fix?: string;
}

export interface NodeStatus {
  readonly name: string;
  readonly address: string;
  readonly podRange: string;
  readonly ready: boolean;
  readonly reason?: string;
}

export interface ClusterStatus {
  readonly name: string;
  readonly context: string;
  /** Everything is alive, linked and Ready. */
  readonly healthy: boolean;
  readonly server: string;
  readonly parts: readonly PartStatus[];
  readonly nodes: readonly NodeStatus[];
  readonly network: { readonly missing: readonly string[] };
  readonly addresses: Readonly<Record<string, string>>;
  readonly dataDir: string;
}

/** A broken line, as a full disk leaves it, may be thousands of characters of a stack. */
const longestWords = 200;

/** undefined: there is no cluster of this name. */
export async function status(name: string = defaultName): Promise<ClusterStatus | undefined> {
  const settings = readRunning(name);
  if (settings === undefined) return undefined;
  // Without root every living part would look dead.
  if (process.getuid?.() !== 0) throw new UsageError("status asks root's processes: sudo ./portolan status");
  const topology = topologyOf(settings);
  const paths = pathsOf(settings);
  const parts = partsOf(settings, topology, paths, { hostNetns: '' }).map((part) => partStatus(part, paths, name));
  const missing = missingNetwork(topology);
  const nodes = await nodeStatuses(topology, paths);
  return {
    name,
    context: topology.context,
    healthy: parts.every((part) => part.alive) && missing.length === 0 && nodes.every((node) => node.ready),
    server: topology.server,
    parts,
    nodes,
    network: { missing },
    addresses: addressesOf(settings, topology),
    dataDir: settings.dataDir,
  };
}

function partStatus(part: Part, paths: ClusterPaths, name: string): PartStatus {
  const alive = findPart(part, paths);
  if (alive !== undefined) return { name: part.name, pid: alive.pid, alive: true };
  const recorded = readRecord(paths.pidFile(part.name));
  return {
    name: part.name,
    pid: recorded?.pid,
    alive: false,
    reason:
      recorded === undefined
        ? 'was never started'
        : `process ${String(recorded.pid)} has ended; ${lastWords(paths.log(part.name))}`,
    fix: `portolan up${nameFlag(name)} starts it again; portolan logs ${part.name}${nameFlag(name)} shows what it said`,
  };
}

/** The last thing it said, which need not be why it ended: of a JSON line only the text. */
function lastWords(file: string): string {
  const line = tail(file, 1);
  return line === '' ? 'it said nothing' : `it last said: ${textOf(line).slice(0, longestWords)}`;
}

function textOf(line: string): string {
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
    return [msg, err?.message].filter((one) => one !== undefined).join(': ');
  } catch {
    return line;
  }
}

/** The last lines of a log; a log that can't be read says so in its place. */
export function tail(file: string, lines: number): string {
  try {
    const fd = openSync(file, 'r');
    try {
      const { size } = fstatSync(fd);
      const bytes = Buffer.alloc(Math.min(size, 16_384));
      readSync(fd, bytes, 0, bytes.length, size - bytes.length);
      return bytes.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return `(${(error as Error).message})`;
  }
}

function missingNetwork(topology: Topology): readonly string[] {
  const there = new Set(listNamespaces());
  const wanted = [topology.wire, ...namespacedPlaces(topology).map((place) => place.namespace)];
  const missing = wanted.filter((one) => !there.has(one)).map((one) => `namespace ${one}`);
  return hasLink(topology.hostLink) ? missing : [...missing, `link ${topology.hostLink}`];
}

async function nodeStatuses(topology: Topology, paths: ClusterPaths): Promise<readonly NodeStatus[]> {
  const places = topology.nodes.map(({ name, address, podRange }) => ({ name, address, podRange }));
  const unknown = (reason: string): readonly NodeStatus[] => places.map((one) => ({ ...one, ready: false, reason }));
  try {
    const client = createClient(await loadKubeconfig(paths.kubeconfig('admin')), { userAgent: 'portolan-status' });
    try {
      const { items } = await client.list(resources.nodes);
      return places.map((place) => {
        const node = items.find((one) => one.metadata.name === place.name);
        return isReady(node) ? { ...place, ready: true } : { ...place, ready: false, reason: notReadyReason(node) };
      });
    } finally {
      client.close();
    }
  } catch (error) {
    return unknown(`the API server can't be asked: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function addressesOf(settings: ClusterSettings, topology: Topology): Readonly<Record<string, string>> {
  const { addresses } = topology;
  const all = (name: keyof ClusterRanges): string =>
    rangesOf(settings)
      .map((ranges) => ranges[name])
      .join(', ');
  return {
    services: all('serviceRange'),
    pods: all('podRange'),
    'node ports': '30000-32767 on every node',
    'cluster DNS': topology.families.map((family) => family.addresses.dns).join(', '),
    lb: `${addresses.lbInside} (LAN), ${addresses.lbOutside} (public)`,
    'load balancer addresses': all('poolRange'),
    lan: addresses.lan,
    internet: addresses.internet,
    host: `${addresses.hostInside} (LAN), ${addresses.hostOutside} (public), link ${topology.hostLink}`,
  };
}
