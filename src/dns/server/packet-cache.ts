/**
 * Whole answers from the cluster's own data, by the whole request but its id: the short way for the names that are asked
 * all the time. Never stale: an entry counts only while what it was made from has not changed.
 *
 *   request[2…] ──> { answer bytes, what it depends on and at which version }
 *
 * The oldest goes first, but what was asked again since gets a second chance: a walk through all names does not push out
 * the few that everybody asks for.
 */
import type { Encoded, Query, Reply } from '../wire/index.ts';
import { headerSize, rrType } from '../wire/index.ts';
import type { Versioned } from '../zone/index.ts';

export interface CachedPacket {
  readonly bytes: string;
  readonly dependsOn: Versioned;
  readonly version: number;
  readonly rotation: Rotation | undefined;
  readonly type: number;
  readonly rcode: number;
}

/** The answer section is a run of records of one size, so it may start anywhere. */
export interface Rotation {
  readonly start: number;
  readonly end: number;
  readonly size: number;
}

const longestRequest = 300;
/** So many second chances at most for one new entry. */
const chances = 8;

export class PacketCache {
  readonly #packets = new Map<string, Kept>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): CachedPacket | undefined {
    const kept = this.#packets.get(key);
    if (kept === undefined || kept.cached.version !== kept.cached.dependsOn.version) return undefined;
    kept.wasAsked = true;
    return kept.cached;
  }

  put(key: string, cached: CachedPacket): void {
    this.#packets.delete(key);
    if (this.#packets.size >= this.#limit) this.#makeRoom();
    this.#packets.set(key, { cached, wasAsked: false });
  }

  #makeRoom(): void {
    let left = chances;
    for (const [key, kept] of this.#packets) {
      this.#packets.delete(key);
      if (!kept.wasAsked || left === 0) return;
      left -= 1;
      kept.wasAsked = false;
      this.#packets.set(key, kept);
    }
  }
}

interface Kept {
  readonly cached: CachedPacket;
  wasAsked: boolean;
}

/** undefined: too long to be one of those that are asked all the time. */
export function requestKey(packet: Buffer, length: number): string | undefined {
  return length > headerSize && length <= longestRequest ? packet.toString('latin1', 2, length) : undefined;
}

/** Cookies and other options make every request its own. */
export function isCacheable(query: Query): boolean {
  return query.exact && query.edns?.hasOptions !== true;
}

export function rotationOf(query: Query, reply: Reply, encoded: Encoded): Rotation | undefined {
  if (encoded.answers < 2 || (query.type !== rrType.A && query.type !== rrType.AAAA)) return undefined;
  if (!reply.answer.every((record) => record.type === query.type && record.name === query.name)) return undefined;
  const { answerStart: start, answerEnd: end, answers } = encoded;
  return { start, end, size: (end - start) / answers };
}

/** As CoreDNS's loadbalance plugin does by chance, in turn: clients take the first. */
export function rotate(packet: Buffer, { start, end, size }: Rotation, turn: number): void {
  const shift = (turn % ((end - start) / size)) * size;
  if (shift === 0) return;
  const head = Buffer.from(packet.subarray(start, start + shift));
  packet.copyWithin(start, start + shift, end);
  packet.set(head, end - shift);
}
