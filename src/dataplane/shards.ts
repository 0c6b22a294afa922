/**
 * Which of the slot maps a key's slots are in. One map would do for packets, but not for reading it back: the kernel dumps a
 * map in messages of 32 kB and walks from its beginning for each, so the time grows with the square of the elements (100,000:
 * 0.7 s, 400,000: 12 s). Of the same elements in 32 maps it is a 32nd.
 *
 *   packet:  jhash ip daddr . th dport mod 32 seed …  ── the same number ──  shardOf(key): where its slots are written
 *
 * Upstream: linux/jhash.h, net/netfilter/nft_hash.c (the hash is scaled to the modulus, not divided by it).
 */

export const shardCount = 32;
export const shardSeed = 0x706f7274;
const shardBits = 5;

export function shardMap(shard: number): string {
  return `slots-${String(shard)}`;
}

/** All slot maps. */
export const shardMaps: readonly string[] = Array.from({ length: shardCount }, (_, i) => shardMap(i));

/** `key`: an entry key's bytes (bytes.ts), perhaps with more behind; `addressWidth` 4 or 16. */
export function shardOf(key: Buffer, addressWidth: 4 | 16): number {
  // As the packet's registers have them: the address, then the port, without the protocol that is between them in a key.
  const port = addressWidth + 4;
  const start = (0xdeadbeef + addressWidth + 4 + shardSeed) | 0;
  let [a, b, c] = [start, start, start];
  let at = 0;
  if (addressWidth === 16) {
    [a, b, c] = mix(a + word(key, 0), b + word(key, 4), c + word(key, 8));
    at = 12;
  }
  return end(a + word(key, at), b + word(key, port), c) >>> (32 - shardBits);
}

function word(bytes: Buffer, at: number): number {
  return bytes.readInt32LE(at);
}

function turn(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function mix(x: number, y: number, z: number): [number, number, number] {
  let [a, b, c] = [x | 0, y | 0, z | 0];
  a = ((a - c) ^ turn(c, 4)) | 0;
  c = (c + b) | 0;
  b = ((b - a) ^ turn(a, 6)) | 0;
  a = (a + c) | 0;
  c = ((c - b) ^ turn(b, 8)) | 0;
  b = (b + a) | 0;
  a = ((a - c) ^ turn(c, 16)) | 0;
  c = (c + b) | 0;
  b = ((b - a) ^ turn(a, 19)) | 0;
  a = (a + c) | 0;
  c = ((c - b) ^ turn(b, 4)) | 0;
  b = (b + a) | 0;
  return [a, b, c];
}

function end(x: number, y: number, z: number): number {
  let [a, b, c] = [x | 0, y | 0, z | 0];
  c = ((c ^ b) - turn(b, 14)) | 0;
  a = ((a ^ c) - turn(c, 11)) | 0;
  b = ((b ^ a) - turn(a, 25)) | 0;
  c = ((c ^ b) - turn(b, 16)) | 0;
  a = ((a ^ c) - turn(c, 4)) | 0;
  b = ((b ^ a) - turn(a, 14)) | 0;
  return ((c ^ b) - turn(b, 24)) >>> 0;
}
