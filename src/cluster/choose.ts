/**
 * Which settings a cluster gets: those it has, those it had, or new ones in a slot that clashes with nothing.
 *
 *   running or stored ── flags may only repeat them ──┐
 *   new ── slot 0 (default name), else the first free ┴──> ClusterSettings that clash with nothing here
 */
import { clashText, findClashes } from './clash.ts';
import type { Clash, MachineView } from './clash.ts';
import { defaultName, resolveSettings } from './settings.ts';
import { UsageError } from './usage-error.ts';
import type { ClusterFlags, ClusterRanges, ClusterSettings } from './settings.ts';

/** 10.10.(10+slot).0/24 ends there. */
const lastSlot = 245;

export interface Surroundings {
  readonly view: MachineView;
  /** Settings of the other clusters of this machine. */
  readonly others: readonly ClusterSettings[];
  readonly hasLink: (name: string) => boolean;
}

export function linkOf(slot: number): string {
  return `portolan${String(slot)}`;
}

export function chooseNew(flags: ClusterFlags, around: Surroundings): ClusterSettings {
  const isDefault = (flags.name ?? defaultName) === defaultName;
  let first: readonly Clash[] | undefined;
  for (let slot = isDefault ? 0 : 1; slot <= (isDefault ? 0 : lastSlot); slot++) {
    const settings = resolveSettings(flags, slot);
    if (around.hasLink(linkOf(slot)) || around.others.some((other) => other.slot === slot)) continue;
    const clashes = findClashes(settings, around.view, linkOf(slot));
    if (clashes.length === 0) return settings;
    first ??= clashes;
  }
  if (first !== undefined) throw clashError(first);
  throw new UsageError(
    isDefault
      ? `the link ${linkOf(0)} is there and is no cluster's: remove it with "ip link delete ${linkOf(0)}", or choose another --name`
      : 'no address ranges are left for one more cluster: take one down first',
  );
}

/** A cluster that ran before: the same, if the machine still has room for it. */
export function checkStored(settings: ClusterSettings, flags: ClusterFlags, around: Surroundings): void {
  checkSame(settings, flags);
  const clashes = findClashes(settings, around.view, linkOf(settings.slot));
  if (clashes.length > 0) throw clashError(clashes);
}

/** Flags that ask for something else than what runs are refused, not ignored. */
export function checkSame(settings: ClusterSettings, flags: ClusterFlags): void {
  checkFamilies(settings, flags);
  const { nodes, dataDir: data, slot } = settings;
  const asked = resolveSettings({ nodes, data, ...flags, ipv6: isIPv6Alone(settings) }, slot);
  const given: readonly ('nodes' | 'zones' | 'externalIpRange' | keyof ClusterRanges)[] = [
    'nodes',
    'zones',
    'externalIpRange',
    'lanRange',
    'publicRange',
    'poolRange',
    'podRange',
    'serviceRange',
  ];
  for (const name of given) {
    if (flags[name] === undefined || String(asked[name]) === String(settings[name])) continue;
    throw new UsageError(
      `cluster "${settings.name}" exists with ${name} ${String(settings[name] ?? 'none')}, not ${String(asked[name])}: run "portolan down${nameFlag(settings.name)}" first`,
    );
  }
  if (flags.data !== undefined && flags.data !== settings.dataDir) {
    throw new UsageError(`cluster "${settings.name}" keeps its data in ${settings.dataDir}, not in ${flags.data}`);
  }
}

function checkFamilies(settings: ClusterSettings, { ipv6, dualStack }: ClusterFlags): void {
  const both = settings.ipv6 !== undefined;
  const alone = isIPv6Alone(settings) ? 'IPv6' : 'IPv4';
  if ((dualStack ?? both) === both && (ipv6 ?? isIPv6Alone(settings)) === isIPv6Alone(settings)) return;
  throw new UsageError(
    `cluster "${settings.name}" exists with ${both ? 'both families' : `${alone} alone`}: run "portolan down${nameFlag(settings.name)}" first`,
  );
}

function isIPv6Alone({ lanRange }: ClusterSettings): boolean {
  return lanRange.includes(':');
}

export function nameFlag(name: string): string {
  return name === defaultName ? '' : ` --name ${name}`;
}

function clashError(clashes: readonly Clash[]): UsageError {
  return new UsageError(`nothing was changed:\n${clashes.map((clash) => `  ${clashText(clash)}`).join('\n')}`);
}
