/**
 * Answers of upstream servers, kept for exactly the time their TTLs allow, in bounded memory.
 *
 *   key: name, type, DO, CD  ->  Entry: encoded message (latin1 string: 1 octet a byte, no ArrayBuffer around it),
 *                                       where its TTLs stand, until when it is fresh, until when better than nothing
 *
 * Least recently used goes first.
 */
import { decodeMessage, encodeReply, flag, headerSize, rcode, readName, rrType, tcpLimit } from '../wire/index.ts';
import type { Message, Query, Reply, ResourceRecord, WireName } from '../wire/index.ts';

export interface Entry {
  readonly bytes: string;
  readonly ttlOffsets: Uint16Array;
  readonly rcode: number;
  readonly authenticData: boolean;
  readonly storedAt: number;
  readonly freshUntil: number;
  /** RFC 8767: may stand in while no upstream answers. */
  readonly staleUntil: number;
  /** No upstream is asked before: set after a failure. */
  recheckAt: number;
}

export interface CacheLimits {
  readonly entries: number;
  readonly bytes: number;
}

const longestTtl = 86_400;
/** CoreDNS's cache plugin keeps denials at most so long. */
const longestDenial = 1_800;
/** RFC 9520 3.2: a failure is remembered for at least a second. */
const failureTtl = 1;
/** RFC 8767 5: one to three days are suggested, CoreDNS has an hour. */
const staleSeconds = 3_600;
/** RFC 8767 4: the TTL that stale records are sent with. */
const staleTtl = 30;
const entryOverhead = 200;

export class AnswerCache {
  readonly #entries = new Map<string, Entry>();
  readonly #limits: CacheLimits;
  #bytes = 0;

  constructor(limits: CacheLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  put(key: string, entry: Entry): void {
    this.#remove(key);
    this.#entries.set(key, entry);
    this.#bytes += weight(key, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limits.entries && this.#bytes <= this.#limits.bytes) return;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= weight(key, entry);
  }
}

/** `sections`: already cleaned of what does not belong to the question. */
export function entryOf(
  query: Query,
  message: Message,
  sections: Pick<Reply, 'answer' | 'authority'>,
  now: number,
): Entry {
  const reply: Reply = { rcode: message.rcode, authoritative: false, ...sections, additional: [] };
  const { packet } = encodeReply({ ...query, edns: undefined }, reply, tcpLimit);
  const ttl = lifetime(message.rcode, sections);
  const usable = message.rcode === rcode.NOERROR || message.rcode === rcode.NXDOMAIN;
  return {
    bytes: packet.toString('latin1'),
    ttlOffsets: ttlOffsetsOf(packet),
    rcode: message.rcode,
    authenticData: (message.flags & flag.AD) !== 0,
    storedAt: now,
    freshUntil: now + ttl * 1000,
    staleUntil: usable && ttl > 0 ? now + (ttl + staleSeconds) * 1000 : 0,
    recheckAt: 0,
  };
}

/** The whole message with its TTLs counted down, without OPT; id, flags and the question's case are the entry's own. */
export function agedPacket(entry: Entry, now: number, size: number = entry.bytes.length): Buffer {
  const packet = Buffer.allocUnsafe(size);
  packet.write(entry.bytes, 'latin1');
  const age = Math.floor((now - entry.storedAt) / 1000);
  const stale = now >= entry.freshUntil;
  for (const offset of entry.ttlOffsets) {
    const left = Math.max(0, packet.readUInt32BE(offset) - age);
    packet.writeUInt32BE(stale ? staleTtl : left, offset);
  }
  return packet;
}

export function agedMessage(entry: Entry, now: number): Message {
  return decodeMessage(agedPacket(entry, now));
}

/** RFC 2308 5 for denials: the SOA's TTL and MINIMUM, and without an SOA not at all. */
function lifetime(code: number, { answer, authority }: Pick<Reply, 'answer' | 'authority'>): number {
  if (code !== rcode.NOERROR && code !== rcode.NXDOMAIN) return failureTtl;
  const least = (records: readonly ResourceRecord[]): number =>
    records.reduce((ttl, record) => Math.min(ttl, record.ttl), longestTtl);
  if (code === rcode.NOERROR && answer.some((record) => record.type !== rrType.CNAME)) return least(answer);
  const soa = authority.find((record) => record.data.kind === 'soa');
  if (soa?.data.kind !== 'soa') return 0;
  return Math.min(least(answer), soa.ttl, soa.data.numbers[4], longestDenial);
}

function ttlOffsetsOf(packet: Buffer): Uint16Array {
  const records = packet.readUInt16BE(6) + packet.readUInt16BE(8) + packet.readUInt16BE(10);
  const offsets = new Uint16Array(records);
  let at = readName(packet, headerSize).end + 4;
  for (let i = 0; i < records; i += 1) {
    at = readName(packet, at).end;
    offsets[i] = at + 4;
    at += 10 + packet.readUInt16BE(at + 8);
  }
  return offsets;
}

function weight(key: WireName, entry: Entry): number {
  return key.length + entry.bytes.length + 2 * entry.ttlOffsets.length + entryOverhead;
}
