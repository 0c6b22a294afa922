/**
 * Bytes → Query or Message. Safe for hostile input: every read is checked, only WireError comes out.
 *
 *   decodeQuery    servers: the header, one question, the OPT record; the rest is skipped over, but must be well formed
 *   decodeMessage  the forwarder: all sections; names inside record data are uncompressed
 */
import { ednsDo, flag, headerSize, rrType } from './constants.ts';
import { WireError } from './error.ts';
import { readName } from './name.ts';
import type { Edns, Message, Query, Question, RData, ResourceRecord } from './message.ts';

/** A message's own word on what follows; each record has at least 11 octets, so the length bounds the work. */
const leastRecord = 11;

export function decodeQuery(packet: Buffer): Query {
  const { id, flags, counts } = readHeader(packet);
  // RFC 9619: a request has exactly one question.
  if (counts[0] !== 1) throw new WireError('a request must have one question');
  const { question, end } = readQuestion(packet, headerSize);
  let at = end;
  let edns: Edns | undefined;
  for (let left = counts[1] + counts[2] + counts[3]; left > 0; left -= 1) {
    const record = readRecordHead(packet, at);
    if (record.type === rrType.OPT) {
      if (edns !== undefined || record.name !== '\0')
        throw new WireError('more than one OPT record, or not at the root');
      edns = ednsOf(record);
    }
    at = record.end;
  }
  return { id, flags, ...question, edns, exact: at === packet.length };
}

export function decodeMessage(packet: Buffer): Message {
  const { id, flags, counts } = readHeader(packet);
  if (counts[0] > 1) throw new WireError('more than one question');
  let at = headerSize;
  let question: Question | undefined;
  if (counts[0] === 1) {
    const read = readQuestion(packet, at);
    question = read.question;
    at = read.end;
  }
  const section = (count: number): readonly ResourceRecord[] => {
    const records: ResourceRecord[] = [];
    for (let left = count; left > 0; left -= 1) {
      const head = readRecordHead(packet, at);
      records.push({
        name: head.name,
        type: head.type,
        class: head.class,
        // RFC 2181 8: a TTL with the top bit set is zero.
        ttl: head.ttl > 0x7fffffff && head.type !== rrType.OPT ? 0 : head.ttl,
        data: readData(packet, head),
      });
      at = head.end;
    }
    return records;
  };
  const answer = section(counts[1]);
  const authority = section(counts[2]);
  const additional = section(counts[3]);
  const opt = additional.find((record) => record.type === rrType.OPT);
  const upper = opt === undefined ? 0 : opt.ttl >>> 24;
  return { id, flags, rcode: (upper << 4) | (flags & 0xf), question, answer, authority, additional };
}

/** Enough of a malformed request to answer FORMERR; undefined: not a request at all, so nothing may be sent back. */
export function requestHeader(packet: Buffer): { readonly id: number; readonly flags: number } | undefined {
  if (packet.length < headerSize) return undefined;
  const flags = packet.readUInt16BE(2);
  return (flags & flag.QR) !== 0 ? undefined : { id: packet.readUInt16BE(0), flags };
}

interface RecordHead {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly dataStart: number;
  readonly end: number;
}

function readHeader(packet: Buffer): {
  readonly id: number;
  readonly flags: number;
  readonly counts: readonly [number, number, number, number];
} {
  if (packet.length < headerSize) throw new WireError('message is shorter than its header');
  const counts = [
    packet.readUInt16BE(4),
    packet.readUInt16BE(6),
    packet.readUInt16BE(8),
    packet.readUInt16BE(10),
  ] as const;
  if ((counts[1] + counts[2] + counts[3]) * leastRecord > packet.length) {
    throw new WireError('more records are announced than fit');
  }
  return { id: packet.readUInt16BE(0), flags: packet.readUInt16BE(2), counts };
}

function readQuestion(packet: Buffer, start: number): { readonly question: Question; readonly end: number } {
  const { name, end } = readName(packet, start);
  if (end + 4 > packet.length) throw new WireError('question runs past the end of the message');
  return {
    question: { name, type: packet.readUInt16BE(end), class: packet.readUInt16BE(end + 2) },
    end: end + 4,
  };
}

function readRecordHead(packet: Buffer, start: number): RecordHead {
  const { name, end } = readName(packet, start);
  if (end + 10 > packet.length) throw new WireError('record runs past the end of the message');
  const dataStart = end + 10;
  const dataEnd = dataStart + packet.readUInt16BE(end + 8);
  if (dataEnd > packet.length) throw new WireError('record data runs past the end of the message');
  return {
    name,
    type: packet.readUInt16BE(end),
    class: packet.readUInt16BE(end + 2),
    ttl: packet.readUInt32BE(end + 4),
    dataStart,
    end: dataEnd,
  };
}

function ednsOf(record: RecordHead): Edns {
  return {
    size: record.class,
    version: (record.ttl >>> 16) & 0xff,
    dnssecOk: (record.ttl & ednsDo) !== 0,
    hasOptions: record.end > record.dataStart,
  };
}

function readData(packet: Buffer, head: RecordHead): RData {
  const { dataStart: start, end } = head;
  const nameAt = (at: number): { readonly name: string; readonly end: number } => {
    const read = readName(packet, at);
    if (read.end > end) throw new WireError('name runs past the end of its record');
    return read;
  };
  const exactly = <T>(data: T, stop: number): T => {
    if (stop !== end) throw new WireError('record data has the wrong length');
    return data;
  };
  switch (head.type) {
    case rrType.NS:
    case rrType.CNAME:
    case rrType.PTR:
    case rrType.DNAME: {
      const target = nameAt(start);
      return exactly({ kind: 'name', target: target.name }, target.end);
    }
    case rrType.MX: {
      need(start + 2 <= end);
      const target = nameAt(start + 2);
      return exactly({ kind: 'mx', preference: packet.readUInt16BE(start), target: target.name }, target.end);
    }
    case rrType.SRV: {
      need(start + 6 <= end);
      const target = nameAt(start + 6);
      const [priority, weight, port] = [0, 2, 4].map((offset) => packet.readUInt16BE(start + offset)) as [
        number,
        number,
        number,
      ];
      return exactly({ kind: 'srv', priority, weight, port, target: target.name }, target.end);
    }
    case rrType.SOA: {
      const mname = nameAt(start);
      const rname = nameAt(mname.end);
      need(rname.end + 20 === end);
      const numbers = [0, 4, 8, 12, 16].map((offset) => packet.readUInt32BE(rname.end + offset));
      return {
        kind: 'soa',
        mname: mname.name,
        rname: rname.name,
        numbers: numbers as [number, number, number, number, number],
      };
    }
    case rrType.A:
      need(end - start === 4);
      break;
    case rrType.AAAA:
      need(end - start === 16);
      break;
  }
  return { kind: 'bytes', bytes: Uint8Array.prototype.slice.call(packet, start, end) };
}

function need(condition: boolean): void {
  if (!condition) throw new WireError('record data has the wrong length');
}
