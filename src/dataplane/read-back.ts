/**
 * What the kernel has, as words: the inverse of element-bytes.ts, for a start and for a repair. Elements that we could not have
 * written come back as strays, to be deleted.
 */
import { partOf } from '../kernel/index.ts';
import type { ElementView, NftElement, NftElements } from '../kernel/index.ts';
import type { Family } from '../model/index.ts';
import { formatCidr } from '../util/ip.ts';
import { addressText, addressWidth, endpointText, keyText, wordAt } from './bytes.ts';
import { FoundEntry, FoundSlots } from './found.ts';
import { stickyEnds } from './held.ts';
import type { Sticky } from './held.ts';
import { KeyIndex } from './key-index.ts';
import { familyWord, nearOffset } from './ruleset.ts';
import { shardMaps, shardOf } from './shards.ts';

export interface ReadBack {
  readonly held: Map<string, FoundEntry>;
  /** All endpoints in slots, of entries without affinity. */
  readonly slots: FoundSlots;
  /** Addresses of pods that may reach themselves. */
  readonly hairpin: Set<string>;
  readonly strays: readonly { readonly set: string; readonly element: NftElement }[];
  /** Of endpoints, in slots. Clients may remember others: they are not read, a quarter of a million take the kernel 5 s. */
  readonly ids: ReadonlySet<number>;
}

/** True: the element is one that we may have written. */
type Visit = (entry: FoundEntry, element: ElementView, number: number) => boolean;

export function readBack(kernel: NftElements, family: Family, table: string): ReadBack {
  const width = addressWidth(family);
  const afterKey = width + 8;
  const held = new Map<string, FoundEntry>();
  const strays: { set: string; element: NftElement }[] = [];
  const numbers = new KeyIndex(afterKey);
  /** By number; undefined: no key of ours. */
  const entries: (FoundEntry | undefined)[] = [];
  const shards: number[] = [];
  const slots = new FoundSlots(family);
  const scan = (set: string, visit: (element: ElementView) => void): void =>
    kernel.scan(familyWord(family), table, set, visit);
  const each = (set: string, visit: Visit): void =>
    scan(set, (element) => {
      const number = numbers.of(element.bytes, element.key);
      if (number === entries.length) {
        const key = keyText(partOf(element, element.key), family);
        const entry = key === undefined ? undefined : new FoundEntry(key, family, number, slots);
        if (key !== undefined && entry !== undefined) held.set(key, entry);
        entries.push(entry);
        shards.push(shardOf(partOf(element, element.key), width));
      }
      const entry = entries[number];
      if (entry === undefined || !visit(entry, element, number)) strays.push({ set, element: bare(element) });
    });
  const wordAfterKey = ({ bytes, key }: ElementView): number => wordAt(bytes, key + afterKey);
  const endpointOf = ({ bytes, value }: ElementView): string => endpointText(bytes, family, value);

  for (const which of ['internal', 'external'] as const) {
    each(which, (entry, { bytes, value }) => (entry[which] = value === 0 ? 0 : wordAt(bytes, value)) !== 0);
  }
  for (const [shard, name] of shardMaps.entries()) {
    each(name, (_entry, element, number) => {
      // In a map where no packet looks for it.
      if (element.value === 0 || shards[number] !== shard) return false;
      return slots.add(number, wordAfterKey(element), element.bytes, element.value);
    });
  }
  const ids = new Set<number>();
  each('sticky-slots', (entry, element) => {
    if (element.value === 0) return false;
    const id = wordAt(element.bytes, element.value);
    ids.add(id);
    return put(entry.sticky, wordAfterKey(element), { id, endpoint: '' });
  });
  for (const pool of [0, 1] as const) {
    each(stickyEnds[pool], ({ sticky }, element) => {
      const id = wordAfterKey(element);
      let known = false;
      for (const [slot, { id: other }] of sticky[pool].entries()) {
        if (other !== id || element.value === 0) continue;
        sticky[pool][slot] = { id, endpoint: endpointOf(element) };
        known = true;
      }
      return known;
    });
  }
  each('snat-own', (entry) => (entry.sourceNat = 'own') !== undefined);
  // In both sets by foreign hands: the second one is wrong either way, and cheap to write again.
  each('snat-all', (entry) => {
    if (entry.sourceNat !== undefined) return false;
    entry.sourceNat = 'all';
    return true;
  });
  each('restricted', (entry) => (entry.sources ??= []) !== undefined);
  each('allowed', (entry, element) => {
    const cidr = cidrOf(bare(element), family);
    // A range under a key that is not restricted does nothing.
    if (entry.sources === undefined || cidr === undefined) return false;
    entry.sources.push(cidr);
    return true;
  });
  const hairpin = new Set<string>();
  scan('hairpin', ({ bytes, key }) => hairpin.add(addressText(bytes, key, family)));
  return { held, slots, hairpin, strays, ids };
}

/** At a slot of the first or the second pool; what lies between is a hole until it comes. False: there is no such slot. */
function put(pools: readonly [Sticky[], Sticky[]], slot: number, value: Sticky): boolean {
  if (slot >= nearOffset * 2) return false;
  const [list, index] = slot < nearOffset ? [pools[0], slot] : [pools[1], slot - nearOffset];
  while (list.length < index) list.push({ id: 0, endpoint: '' });
  list[index] = value;
  return true;
}

function bare(element: ElementView): { readonly key: Buffer; readonly keyEnd?: Buffer } {
  const key = partOf(element, element.key);
  return element.keyEnd === 0 ? { key } : { key, keyEnd: partOf(element, element.keyEnd) };
}

/** undefined: a range that is no CIDR, so not ours. */
function cidrOf({ key, keyEnd }: ReturnType<typeof bare>, family: Family): string | undefined {
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
