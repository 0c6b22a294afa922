/**
 * Hostile bytes for the decoder: messages of the corpus, changed.
 *
 *   scripts/with-node src/dns/testing/fuzz.ts [SECONDS]      runs on, with a seed of the clock; prints what broke, as hex
 *
 * What broke belongs into corpus.txt, which the tests read: `HEX  # why`.
 */
import { readFileSync } from 'node:fs';
import { WireError, decodeMessage, decodeQuery, encodeQuery } from '../wire/index.ts';

export function corpus(): readonly Buffer[] {
  const text = readFileSync(new URL('corpus.txt', import.meta.url), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => Buffer.from(line.split(/\s/)[0] ?? '', 'hex'));
}

/** Throws what is neither an answer nor a WireError, or where a query does not survive being written and read again. */
export function feed(packet: Buffer): void {
  try {
    decodeMessage(packet);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
  try {
    const query = decodeQuery(packet);
    if (query.edns !== undefined) return;
    const again = decodeQuery(encodeQuery(query));
    if (again.name !== query.name || again.type !== query.type) throw new Error('a query changed on its way');
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Values that parsers trip over: lengths, pointers, borders. */
const odd = [0x00, 0x01, 0x0c, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff];

export function mutated(seeds: readonly Buffer[], random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  const seed = (): Buffer => seeds[below(seeds.length)] ?? Buffer.alloc(12);
  let packet = Buffer.from(seed());
  for (let changes = 1 + below(4); changes > 0; changes -= 1) {
    const at = below(packet.length);
    switch (below(6)) {
      case 0:
        packet[at] = odd[below(odd.length)] ?? 0;
        break;
      case 1:
        packet[at] = below(256);
        break;
      case 2:
        packet = packet.subarray(0, at);
        break;
      case 3:
        packet = Buffer.concat([packet.subarray(0, at), seed().subarray(below(20))]);
        break;
      case 4:
        packet = Buffer.concat([
          packet.subarray(0, at),
          Buffer.from([0xc0, below(packet.length + 2)]),
          packet.subarray(at),
        ]);
        break;
      default:
        if (packet.length > 11) packet[4 + below(8)] = below(4);
    }
  }
  return Buffer.from(packet);
}

if (import.meta.main) {
  const [seeds, random] = [corpus(), randomFrom(Date.now())];
  const until = Date.now() + 1000 * Number(process.argv[2] ?? 10);
  let count = 0;
  for (; Date.now() < until; count += 1) {
    const packet = mutated(seeds, random);
    try {
      feed(packet);
    } catch (error) {
      console.log(`${packet.toString('hex')}  # ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  }
  console.log(`${count} messages`);
}
