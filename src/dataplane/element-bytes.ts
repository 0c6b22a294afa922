/**
 * Words about elements (held.ts) as the bytes that the kernel wants (kernel/nft-elements.ts).
 */
import type { NftElement } from '../kernel/index.ts';
import type { Protocol } from '../model/index.ts';
import { endpointBytes, idBytes, keyBytes, slotKeyBytes, sourceBytes } from './bytes.ts';
import type { ElementWords } from './held.ts';
import { shardMap, shardOf } from './shards.ts';

/** The kernel's name for the set that an element is in. */
export function setNameOf({ set, key }: ElementWords): string {
  return set === 'slots' ? shardMap(shardOf(entryKeyBytes(key), key.includes(':') ? 16 : 4)) : set;
}

export function encodeElement(words: ElementWords): NftElement {
  const { set, slot = 0, id = 0, value = '' } = words;
  const key = entryKeyBytes(words.key);
  if (set === 'sticky-endpoints' || set === 'sticky-near') return valued(slotKeyBytes(key, id), value);
  if (set === 'slots' || set === 'sticky-slots') return valued(slotKeyBytes(key, slot), value);
  if (set === 'allowed') return sourceBytes(key, String(value));
  return set === 'internal' || set === 'external' ? valued(key, value) : { key };
}

function valued(key: Uint8Array, value: string | number): NftElement {
  if (value === '') return { key };
  return { key, value: typeof value === 'number' ? idBytes(value) : endpointBytes(value) };
}

let lastText = '';
let lastBytes: Buffer = Buffer.alloc(0);

/** All elements of an entry come one after the other. */
function entryKeyBytes(text: string): Buffer {
  if (text === lastText) return lastBytes;
  const [address = '', protocol = '', port = ''] = text.split(' ');
  lastBytes = keyBytes(address, protocol as Protocol, Number(port));
  lastText = text;
  return lastBytes;
}
