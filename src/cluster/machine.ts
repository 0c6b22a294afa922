/**
 * Looks at this machine, changes nothing: its addresses and routes, our namespaces and links on it.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import type { MachineLink, MachineRoute, MachineView } from './clash.ts';
import type { ExistingNetwork } from './network.ts';
import { run } from './run.ts';
import type { Topology } from './topology.ts';

export async function viewMachine(): Promise<MachineView> {
  const [links, ...routes] = await Promise.all([
    run('ip', ['-json', 'address', 'show']),
    run('ip', ['-json', '-4', 'route', 'show', 'table', 'all']),
    run('ip', ['-json', '-6', 'route', 'show', 'table', 'all']),
  ]);
  return {
    links: parseArray<MachineLink>(links),
    routes: routes.flatMap((text) => parseArray<MachineRoute>(text)).filter((route) => route.table !== 'local'),
    resolvers: readResolvers(),
  };
}

/** Which of the cluster's namespaces and links are there. */
export async function viewNetwork(topology: Topology): Promise<ExistingNetwork> {
  const namespaces = new Set(listNamespaces());
  if (!namespaces.has(topology.wire)) return { namespaces, wireLinks: new Set() };
  const links = await run('ip', ['-json', '-netns', topology.wire, 'link', 'show']);
  return { namespaces, wireLinks: new Set(parseArray<MachineLink>(links).map((link) => link.ifname)) };
}

/** Names in /run/netns, where `ip netns` keeps them. */
export function listNamespaces(): readonly string[] {
  return existsSync('/run/netns') ? readdirSync('/run/netns') : [];
}

/** Not from /sys/class/net: that shows the namespace in which /sys was mounted, which need not be ours. */
export function hasLink(name: string): boolean {
  return readFileSync('/proc/self/net/dev', 'utf8')
    .split('\n')
    .some((line) => line.trimStart().startsWith(`${name}:`));
}

function readResolvers(): readonly string[] {
  try {
    const text = readFileSync('/etc/resolv.conf', 'utf8');
    return [...text.matchAll(/^nameserver\s+(\S+)/gm)].map(([, address = '']) => address);
  } catch {
    return [];
  }
}

/** `ip -json` prints nothing at all where there is nothing to show. */
function parseArray<T extends object>(text: string): readonly T[] {
  if (text.trim() === '') return [];
  return (JSON.parse(text) as (T | Record<string, never>)[]).filter((one): one is T => Object.keys(one).length > 0);
}
