/**
 * One line per question, as CoreDNS's log plugin writes it (plugin/log, "common" format):
 *
 *   10.244.1.2:41234 - 4711 "A IN web.default.svc.cluster.local. udp 57 false 1232" NOERROR qr,aa,rd 112 0.000123s
 *
 * The client's port is not kept for the time of an answer, so 0 stands for it.
 */
import { flag, nameToText, plainSize, rcodeName, typeName } from '../wire/index.ts';
import type { Job } from './responder.ts';

const shown = ['QR', 'AA', 'TC', 'RD', 'RA', 'AD', 'CD'] as const;

export function queryLog(write: (line: string) => void): (job: Job, packet: Buffer, code: number) => void {
  return ({ query, client, requestSize, start }, packet, code) => {
    const flags = packet.readUInt16BE(2);
    const set = shown.filter((name) => (flags & flag[name]) !== 0).map((name) => name.toLowerCase());
    const type = typeName(query.type) === 'other' ? `TYPE${query.type}` : typeName(query.type);
    const seconds = ((performance.now() - start) / 1000).toFixed(9);
    const asked = [
      type,
      query.class === 1 ? 'IN' : `CLASS${query.class}`,
      nameToText(query.name),
      client.transport,
      requestSize,
      query.edns?.dnssecOk === true,
      query.edns?.size ?? plainSize,
    ];
    const from = client.address.includes(':') ? `[${client.address}]` : client.address;
    write(
      `${from}:0 - ${query.id} "${asked.join(' ')}" ${rcodeName(code)} ${set.join(',')} ${packet.length} ${seconds}s`,
    );
  };
}
