/**
 * What the kernel has, as words: the inverse of element-bytes.ts, for a start and for a repair. Elements that we could not have
 * written come back as strays, to be deleted.
 */
import type { ListedElement, NftElement, NftElements } from '../kernel/index.ts';
import type { Family } from '../model/index.ts';
import { formatCidr } from '../util/ip.ts';
import { addressText, addressWidth, endpointText, keyText, slotNumber } from './bytes.ts';
import { stickyEnds } from './held.ts';
import type { Held, Sticky } from './held.ts';
import { familyWord, nearOffset } from './ruleset.ts';

export interface ReadBack {
  readonly held: Map<string, Held>;
  /** Addresses of pods that may reach themselves. */
  readonly hairpin: Set<string>;
  readonly strays: readonly { readonly set: string; readonly element: NftElement }[];
  /** Of endpoints, that slots or clients know. */
  readonly ids: ReadonlySet<number>;
}

interface Building {
  readonly key: string;
  readonly family: Family;
  internal: number;
  external: number;
  plain: [string[], string[]];
  sticky: [Sticky[], Sticky[]];
  sources: string[] | undefined;
  sourceNat: 'all' | 'own' | undefined;
}

export function readBack(kernel: NftElements, family: Family, table: string): ReadBack {
  const held = new Map<string, Building>();
  const strays: { set: string; element: NftElement }[] = [];
  const list = (set: string): ListedElement[] => kernel.list(familyWord(family), table, set);
  const width = addressWidth(family) + 8;
  // Slots come in the order of the kernel's hash: the bytes find their entry without being turned into words each time.
  const byBytes = new Map<string, Building>();
  const at = (bytes: Buffer): Building | undefined => {
    const raw = bytes.toString('latin1', 0, width);
    let entry = byBytes.get(raw);
    if (entry !== undefined) return entry;
    const key = keyText(bytes, family);
    if (key === undefined) return undefined;
    entry = newEntry(key, family);
    held.set(key, entry);
    byBytes.set(raw, entry);
    return entry;
  };
  const each = (set: string, visit: (entry: Building, element: ListedElement) => boolean): void => {
    for (const element of list(set)) {
      const entry = at(element.key);
      if (entry === undefined || !visit(entry, element)) strays.push({ set, element: bare(element) });
    }
  };

  for (const which of ['internal', 'external'] as const) {
    each(which, (entry, { value }) => (entry[which] = value?.readUInt32LE(0) ?? 0) !== 0);
  }
  each('slots', (entry, { key, value }) => {
    if (value === undefined) return false;
    const { list: slots, index } = place(entry.plain, slotNumber(key, family));
    while (slots.length < index) slots.push('');
    slots[index] = endpointText(value, family);
    return true;
  });
  const ids = new Set<number>();
  each('sticky-slots', (entry, { key, value }) => {
    if (value === undefined) return false;
    const id = value.readUInt32LE(0);
    const { list: slots, index } = place(entry.sticky, slotNumber(key, family));
    while (slots.length < index) slots.push({ id: 0, endpoint: '' });
    slots[index] = { id, endpoint: '' };
    ids.add(id);
    return true;
  });
  for (const pool of [0, 1] as const) {
    each(stickyEnds[pool], ({ sticky }, { key, value }) => {
      const id = slotNumber(key, family);
      let known = false;
      for (const [slot, { id: other }] of sticky[pool].entries()) {
        if (other !== id || value === undefined) continue;
        sticky[pool][slot] = { id, endpoint: endpointText(value, family) };
        known = true;
      }
      return known;
    });
  }
  for (const { value } of list('affinity')) if (value !== undefined) ids.add(value.readUInt32LE(0));
  each('snat-own', (entry) => (entry.sourceNat = 'own') !== undefined);
  // In both sets by foreign hands: the second one is wrong either way, and cheap to write again.
  each('snat-all', (entry) => {
    if (entry.sourceNat !== undefined) return false;
    entry.sourceNat = 'all';
    return true;
  });
  each('restricted', (entry) => (entry.sources ??= []) !== undefined);
  each('allowed', (entry, element) => {
    const cidr = cidrOf(element, family);
    // A range under a key that is not restricted does nothing.
    if (entry.sources === undefined || cidr === undefined) return false;
    entry.sources.push(cidr);
    return true;
  });
  const hairpin = new Set(list('hairpin').map(({ key }) => addressText(key, 0, family)));
  return { held, hairpin, strays, ids };
}

function newEntry(key: string, family: Family): Building {
  return {
    key,
    family,
    internal: 0,
    external: 0,
    plain: [[], []],
    sticky: [[], []],
    sources: undefined,
    sourceNat: undefined,
  };
}

function place<T>(pools: readonly [T[], T[]], slot: number): { readonly list: T[]; readonly index: number } {
  return slot < nearOffset ? { list: pools[0], index: slot } : { list: pools[1], index: slot - nearOffset };
}

function bare({ key, keyEnd }: ListedElement): NftElement {
  return keyEnd === undefined ? { key } : { key, keyEnd };
}

/** undefined: a range that is no CIDR, so not ours. */
function cidrOf({ key, keyEnd }: ListedElement, family: Family): string | undefined {
  const width = addressWidth(family);
  const low = big(key.subarray(width + 8));
  const high = big((keyEnd ?? key).subarray(width + 8));
  const host = (high - low).toString(2).replace(/^0$/, '');
  if (host.includes('0') || (low & (high - low)) !== 0n) return undefined;
  return formatCidr({ family, base: low, bits: width * 8 - host.length });
}

function big(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`);
}
