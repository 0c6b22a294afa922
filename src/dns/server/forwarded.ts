/**
 * A kept upstream answer made into the answer to one request without taking it apart: id, flags, letter case of the
 * question, TTLs and OPT are written over.
 */
import { agedPacket } from '../forward/index.ts';
import type { Ask, Entry } from '../forward/index.ts';
import { ednsDo, ednsSize, flag, headerSize, rrType } from '../wire/index.ts';
import type { Query, WireName } from '../wire/index.ts';

const optSize = 11;

/** undefined: it does not fit and must be cut record by record. */
export function forwardedPacket(query: Query, entry: Entry, limit: number, now: number): Buffer | undefined {
  const size = entry.bytes.length + (query.edns === undefined ? 0 : optSize);
  if (size > limit) return undefined;
  const packet = agedPacket(entry, now, size);
  const authenticData = entry.authenticData && wantsAuthenticData(query) ? flag.AD : 0;
  packet.writeUInt16BE(query.id, 0);
  packet.writeUInt16BE(flag.QR | flag.RA | (query.flags & (flag.RD | flag.CD)) | authenticData | entry.rcode, 2);
  // Names in the sections point to the question, so they follow its letter case.
  packet.write(query.name, headerSize, 'latin1');
  if (query.edns !== undefined) {
    const at = entry.bytes.length;
    packet.writeUInt16BE(packet.readUInt16BE(10) + 1, 10);
    packet.fill(0, at, at + optSize);
    packet.writeUInt16BE(rrType.OPT, at + 1);
    packet.writeUInt16BE(ednsSize, at + 3);
    if (query.edns.dnssecOk) packet.writeUInt16BE(ednsDo, at + 7);
  }
  return packet;
}

/** RFC 6840 5.7 and 5.8: AD or DO in the request. */
export function wantsAuthenticData(query: Query): boolean {
  return (query.flags & flag.AD) !== 0 || query.edns?.dnssecOk === true;
}

/** The question that is asked upstream on behalf of this one. */
export function askOf(query: Query, name: WireName): Ask {
  return {
    name,
    type: query.type,
    class: query.class,
    dnssecOk: query.edns?.dnssecOk === true,
    checkingDisabled: (query.flags & flag.CD) !== 0,
  };
}
