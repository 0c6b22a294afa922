/**
 * Query or Reply → bytes, names compressed (RFC 1035 4.1.4; never inside SRV data, RFC 2782).
 *
 *   header | question as asked | answer | authority | additional | OPT
 *
 * What does not fit the limit is left out whole record by record: a missing additional record is no loss (RFC 2181 9), a
 * missing answer sets TC, and what fits is sent all the same, for the resolvers that never ask again over TCP (musl).
 */
import { ednsDo, ednsSize, flag, headerSize, plainSize, rcode, rrType } from './constants.ts';
import { rootName } from './name.ts';
import type { WireName } from './name.ts';
import type { Query, Reply, ResourceRecord } from './message.ts';

export interface Encoded {
  /** A view on shared memory: copy or send it before the next call. */
  readonly packet: Buffer;
  readonly truncated: boolean;
  /** Where the answer section starts, and how many records are in it. */
  readonly answerStart: number;
  readonly answerEnd: number;
  readonly answers: number;
}

export const tcpLimit = 0xffff;
const optSize = 11;
const scratch = Buffer.allocUnsafeSlow(tcpLimit);
/** Owner and data of the largest record that is not itself larger than a message. */
const maxPointer = 0x3fff;

/** How large an answer over UDP may be for this request. */
export function udpLimit(query: Pick<Query, 'edns'>): number {
  return query.edns === undefined ? plainSize : Math.min(Math.max(query.edns.size, plainSize), ednsSize);
}

export function encodeReply(query: Query, reply: Reply, limit: number): Encoded {
  const names = new Map<WireName, number>();
  const room = limit - (query.edns === undefined ? 0 : optSize);
  let at = writeName(headerSize, query.name, names);
  at = scratch.writeUInt16BE(query.type, at);
  at = scratch.writeUInt16BE(query.class, at);
  const answerStart = at;
  const write = (section: readonly ResourceRecord[]): number => {
    let count = 0;
    for (const record of section) {
      const end = writeRecord(at, record, names, room);
      if (end < 0) break;
      at = end;
      count += 1;
    }
    return count;
  };
  const answers = write(reply.answer);
  const answerEnd = at;
  let truncated = answers < reply.answer.length;
  const authority = truncated ? 0 : write(reply.authority);
  truncated ||= authority < reply.authority.length;
  let additional = truncated ? 0 : write(reply.additional);
  if (query.edns !== undefined) {
    at = writeOpt(at, reply.rcode, query.edns.dnssecOk);
    additional += 1;
  }
  const flags =
    flag.QR |
    flag.RA |
    (query.flags & (flag.RD | flag.CD | 0x7800)) |
    (reply.authoritative ? flag.AA : 0) |
    (reply.authenticData === true ? flag.AD : 0) |
    (truncated ? flag.TC : 0) |
    (reply.rcode & 0xf);
  writeHeader(query.id, flags, [1, answers, authority, additional]);
  return { packet: scratch.subarray(0, at), truncated, answerStart, answerEnd, answers };
}

/** For a request whose question could not be read. */
export function encodeFormatError(header: { readonly id: number; readonly flags: number }): Buffer {
  writeHeader(header.id, flag.QR | (header.flags & (flag.RD | 0x7800)) | rcode.FORMERR, [0, 0, 0, 0]);
  return Buffer.from(scratch.subarray(0, headerSize));
}

/** A request of our own towards an upstream. */
export function encodeQuery(query: Query): Buffer {
  writeHeader(query.id, query.flags, [1, 0, 0, query.edns === undefined ? 0 : 1]);
  let at = writeName(headerSize, query.name, new Map());
  at = scratch.writeUInt16BE(query.type, at);
  at = scratch.writeUInt16BE(query.class, at);
  if (query.edns !== undefined) at = writeOpt(at, 0, query.edns.dnssecOk);
  return Buffer.from(scratch.subarray(0, at));
}

function writeHeader(id: number, flags: number, counts: readonly [number, number, number, number]): void {
  scratch.writeUInt16BE(id, 0);
  scratch.writeUInt16BE(flags, 2);
  for (const [index, count] of counts.entries()) scratch.writeUInt16BE(count, 4 + 2 * index);
}

function writeOpt(start: number, code: number, dnssecOk: boolean): number {
  let at = scratch.writeUInt8(0, start);
  at = scratch.writeUInt16BE(rrType.OPT, at);
  at = scratch.writeUInt16BE(ednsSize, at);
  at = scratch.writeUInt32BE((((code >>> 4) & 0xff) << 24) | (dnssecOk ? ednsDo : 0), at);
  return scratch.writeUInt16BE(0, at);
}

/** -1: it does not fit, and nothing of it counts. */
function writeRecord(start: number, record: ResourceRecord, names: Map<WireName, number>, room: number): number {
  const known = new Map<WireName, number>();
  // Worst case, uncompressed: the writes below then never leave the scratch memory.
  if (start + record.name.length + 10 + dataRoom(record) > tcpLimit) return -1;
  let at = writeName(start, record.name, names, known);
  at = scratch.writeUInt16BE(record.type, at);
  at = scratch.writeUInt16BE(record.class, at);
  at = scratch.writeUInt32BE(record.ttl, at);
  const end = writeData(at + 2, record, names, known);
  scratch.writeUInt16BE(end - at - 2, at);
  if (end > room) return -1;
  for (const [name, offset] of known) names.set(name, offset);
  return end;
}

function dataRoom({ data }: ResourceRecord): number {
  switch (data.kind) {
    case 'bytes':
      return data.bytes.length + 2;
    case 'name':
      return data.target.length + 2;
    case 'mx':
    case 'srv':
      return data.target.length + 8;
    case 'soa':
      return data.mname.length + data.rname.length + 22;
  }
}

function writeData(
  start: number,
  { data }: ResourceRecord,
  names: ReadonlyMap<WireName, number>,
  known: Map<WireName, number>,
): number {
  let at = start;
  switch (data.kind) {
    case 'bytes':
      scratch.set(data.bytes, at);
      return at + data.bytes.length;
    case 'name':
      return writeName(at, data.target, names, known);
    case 'mx':
      at = scratch.writeUInt16BE(data.preference, at);
      return writeName(at, data.target, names, known);
    case 'srv':
      at = scratch.writeUInt16BE(data.priority, at);
      at = scratch.writeUInt16BE(data.weight, at);
      at = scratch.writeUInt16BE(data.port, at);
      return writeWhole(at, data.target, known);
    case 'soa':
      at = writeName(at, data.mname, names, known);
      at = writeName(at, data.rname, names, known);
      for (const number of data.numbers) at = scratch.writeUInt32BE(number >>> 0, at);
      return at;
  }
}

/** Suffixes are matched with their case, so that a target keeps the spelling that its record has. */
function writeName(
  start: number,
  name: WireName,
  names: ReadonlyMap<WireName, number>,
  known: Map<WireName, number> = names as Map<WireName, number>,
): number {
  let at = start;
  let rest = name;
  while (rest !== rootName) {
    const seen = names.get(rest) ?? known.get(rest);
    if (seen !== undefined) return scratch.writeUInt16BE(0xc000 | seen, at);
    if (at <= maxPointer) known.set(rest, at);
    const length = 1 + rest.charCodeAt(0);
    scratch.write(rest.slice(0, length), at, 'latin1');
    at += length;
    rest = rest.slice(length);
  }
  scratch[at] = 0;
  return at + 1;
}

/** Uncompressed, but later names may point into it. */
function writeWhole(start: number, name: WireName, known: Map<WireName, number>): number {
  scratch.write(name, start, 'latin1');
  for (let at = 0; name.charCodeAt(at) > 0; at += 1 + name.charCodeAt(at)) {
    if (start + at <= maxPointer && !known.has(name.slice(at))) known.set(name.slice(at), start + at);
  }
  return start + name.length;
}
