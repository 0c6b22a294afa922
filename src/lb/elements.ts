/**
 * Frontends as elements of the constant sets and maps (ruleset.ts), and the difference between two states of them: pure.
 *
 *   LbFrontend[] ── elementsOf ──> Elements ─┐
 *                  Elements of the kernel  ──┴─ difference ──> one nft script: deletes, then adds
 *
 * Keys and values are spelled as nft prints them with numeric output, so what is read back compares as text.
 */
import { cidrsOverlap, formatCidr, mustParseCidr } from '../util/ip.ts';
import type { Family } from '../util/ip.ts';
import type { Protocol } from '../model/index.ts';
import type { IdBook } from './ids.ts';
import { pickChain, slotOffset, tableName } from './ruleset.ts';
import type { LbFrontend } from './targets.ts';

export const setNames = ['vips', 'restricted', 'allowed', 'members'] as const;
export const mapNames = ['services', 'slots', 'backends'] as const;
export type CollectionName = (typeof setNames)[number] | (typeof mapNames)[number];

/** key → value; the value is '' in a set. */
export type Collection = Map<string, string>;
export type Elements = Readonly<Record<CollectionName, Collection>>;

export function emptyElements(): Elements {
  return {
    vips: new Map(),
    restricted: new Map(),
    allowed: new Map(),
    members: new Map(),
    services: new Map(),
    slots: new Map(),
    backends: new Map(),
  };
}

/** `vips`: the allocated addresses of this family, also those with no port that works: they answer, and refuse. */
export function elementsOf(vips: Iterable<string>, frontends: Iterable<LbFrontend>, ids: IdBook): Elements {
  const elements = emptyElements();
  for (const vip of vips) elements.vips.set(vip, '');
  for (const { frontend, active } of frontends) {
    const flow = flowKey(frontend.address, frontend.protocol, frontend.port);
    if (frontend.sourceRanges !== undefined) {
      elements.restricted.set(flow, '');
      for (const range of disjoint(frontend.sourceRanges)) elements.allowed.set(`${flow} . ${range}`, '');
    }
    // Nobody serves it: no entry, so the input chain refuses the connection at once.
    if (active.length === 0) continue;
    elements.services.set(flow, `goto ${pickChain(active.length, frontend.affinitySeconds)}`);
    for (const [slot, target] of active.entries()) {
      const mark = markText(ids.idOf(target));
      elements.slots.set(`${flow} . ${markText(slotOffset + slot)}`, mark);
      elements.backends.set(mark, `${target.address} . ${target.port}`);
      if (frontend.affinitySeconds !== undefined) elements.members.set(`${flow} . ${mark}`, '');
    }
  }
  return elements;
}

export interface Difference {
  readonly deletes: readonly string[];
  readonly adds: readonly string[];
}

/** Run deletes and adds in one transaction. Empty: nothing to do. */
export function difference(family: Family, from: Elements, to: Elements): Difference {
  const deletes: string[] = [];
  const adds: string[] = [];
  for (const name of [...setNames, ...mapNames]) {
    const where = `element ${family === 'IPv4' ? 'ip' : 'ip6'} ${tableName} ${name}`;
    const gone = [...from[name]].filter(([key, value]) => to[name].get(key) !== value).map(([key]) => key);
    const fresh = [...to[name]].filter(([key, value]) => from[name].get(key) !== value);
    if (gone.length > 0) deletes.push(`delete ${where} { ${gone.join(', ')} }`);
    if (fresh.length > 0) adds.push(`add ${where} { ${fresh.map(elementText).join(', ')} }`);
    // The arp table has a set of its own.
    if (name !== 'vips' || family !== 'IPv4') continue;
    const arp = `element arp ${tableName} vips`;
    if (gone.length > 0) deletes.push(`delete ${arp} { ${gone.join(', ')} }`);
    if (fresh.length > 0) adds.push(`add ${arp} { ${fresh.map(elementText).join(', ')} }`);
  }
  return { deletes, adds };
}

/** `elements = { 198.51.100.129 . 6 . 80 : goto pick2, … }` of `nft list map`, without counters or comments. */
export function parseElements(listing: string): Collection {
  const body = /elements = \{([^}]*)\}/.exec(listing)?.[1] ?? '';
  const found: Collection = new Map();
  for (const text of body.split(',')) {
    const [key = '', value = ''] = text.trim().split(/\s+:\s+/);
    if (key !== '') found.set(key.replaceAll(/\s+/g, ' '), value.replaceAll(/\s+/g, ' '));
  }
  return found;
}

export const protocolNumbers: Readonly<Record<Protocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

export function flowKey(address: string, protocol: Protocol, port: number): string {
  return `${address} . ${protocolNumbers[protocol]} . ${port}`;
}

function markText(mark: number): string {
  return `0x${mark.toString(16).padStart(8, '0')}`;
}

function elementText([key, value]: readonly [string, string]): string {
  return value === '' ? key : `${key} : ${value}`;
}

/** Ranges inside others of the list left out: the kernel refuses overlapping elements. A single address has no prefix. */
function disjoint(ranges: readonly string[]): readonly string[] {
  const parsed = [...new Set(ranges)].map(mustParseCidr).sort((a, b) => a.bits - b.bits);
  const kept = parsed.filter((range, i) => !parsed.slice(0, i).some((wider) => cidrsOverlap(wider, range)));
  return kept.map((range) => formatCidr(range).replace(range.family === 'IPv4' ? /\/32$/ : /\/128$/, ''));
}
