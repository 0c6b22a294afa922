/**
 * What the kernel holds, in words that do not depend on history: which slot an endpoint sits in and which number it has differ
 * between two tables that mean the same. Read by nft itself, so that our own reading is not its own witness.
 */
import { execFileSync } from 'node:child_process';
import { keyBytes } from '../bytes.ts';
import { shardMap, shardMaps, shardOf } from '../shards.ts';

type Json = string | number | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [key: string]: Json;
}
type Listed = Readonly<Partial<Record<'map' | 'set', Held>>>;
interface Held {
  readonly name: string;
  readonly family: string;
  readonly elem?: readonly Json[];
}

/** The map that holds the slots of an address and port. */
export function slotsMapOf(address: string, port: number): string {
  return shardMap(shardOf(keyBytes(address, 'TCP', port), address.includes(':') ? 16 : 4));
}

export function kernelWords(netns: string): string[] {
  const text = execFileSync('nsenter', [`--net=${netns}`, 'nft', '-n', '-j', 'list maps; list sets'], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const nftables = text
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => (JSON.parse(line) as { nftables: readonly Listed[] }).nftables);
  const found: string[] = [];
  for (const family of ['ip', 'ip6']) {
    const sets = new Map<string, readonly Json[]>();
    for (const item of nftables) {
      const held = item.map ?? item.set;
      if (held?.family === family) sets.set(held.name, held.elem ?? []);
    }
    found.push(...wordsOf(sets).map((word) => `${family} ${word}`));
  }
  return found.sort();
}

function wordsOf(sets: ReadonlyMap<string, readonly Json[]>): string[] {
  const found: string[] = [];
  const each = (set: string, visit: (key: readonly Json[], value: Json) => void): void => {
    for (const element of sets.get(set) ?? []) {
      const [key, value] = isPair(element) ? element : [element, ''];
      visit(fields(key), value);
    }
  };
  const endpoints = new Map<string, string>();
  // The slot is the last field; from 32768 on it is the second pool.
  const pool = (slot: Json | undefined): string => (Number(slot) >= 32_768 ? 'near' : 'all');
  for (const [set, which] of [
    ['sticky-endpoints', 'all'],
    ['sticky-near', 'near'],
  ] as const) {
    each(set, (key, value) => endpoints.set(JSON.stringify([which, ...key]), JSON.stringify(value)));
  }
  for (const map of shardMaps) {
    each(map, (key, value) =>
      found.push(`${words(key.slice(0, -1))} ${pool(classid(key.at(-1)))} -> ${words(fields(value))}`),
    );
  }
  each('sticky-slots', (key, value) => {
    const target = endpoints.get(JSON.stringify([pool(key.at(-1)), ...key.slice(0, -1), value])) ?? 'nobody';
    found.push(`${words(key.slice(0, -1))} ${pool(key.at(-1))} sticks to ${target}`);
  });
  for (const set of ['restricted', 'allowed', 'snat-all', 'snat-own', 'hairpin']) {
    each(set, (key) => found.push(`${set} ${words(key)}`));
  }
  for (const set of ['internal', 'external']) {
    // A number that names a chain; for affinity it depends on which time-outs were met before.
    each(set, (key, value) => found.push(`${set} ${words(key)} ${routeWord(words([value]))}`));
  }
  return found;
}

/** nft writes 0 as `none`, and 32769 as `0:8001`. */
function classid(word: Json | undefined): number {
  const [high = '', low = ''] = typeof word === 'string' ? word.split(':') : [];
  return word === 'none' ? 0 : Number.parseInt(high, 16) * 0x1_0000 + Number.parseInt(low, 16);
}

function routeWord(code: string): string {
  const [high = 0, low = 0] = code.split(':').map((part) => Number.parseInt(part, 16));
  return high >= 0x6000 ? `stick ${String(high % 2)} ${String(low)}` : code;
}

/** An element of a map is a pair; a concatenation or a range is an object. */
function isPair(element: Json): element is readonly [Json, Json] {
  return Array.isArray(element) && element.length === 2;
}

function fields(key: Json): readonly Json[] {
  if (!isObject(key)) return [key];
  const { concat } = key;
  return Array.isArray(concat) ? (concat as readonly Json[]) : [key];
}

function isObject(key: Json): key is JsonObject {
  return typeof key === 'object' && !Array.isArray(key);
}

function words(list: readonly Json[]): string {
  return list.map((field) => (typeof field === 'object' ? JSON.stringify(field) : String(field))).join(' ');
}
