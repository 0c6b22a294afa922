/**
 * Domain names as they are on the wire, uncompressed, kept in a latin1 string: one character per byte, so that any byte
 * may stand in a label, case is preserved, and a name is a Map key.
 *
 *   'web.default.svc.cluster.local'  <->  '\x03web\x07default\x03svc\x07cluster\x05local\x00'
 *
 * Length bytes are below 0x40 and letters above, so folding the case of the whole string folds only letters.
 */
import { WireError } from './error.ts';

export type WireName = string;

export const rootName: WireName = '\0';
const maxName = 255;
const maxLabel = 63;

/** Compression pointers must point backwards, each further than the last (RFC 1035 4.1.4): no loop can exist. */
export function readName(packet: Buffer, start: number): { readonly name: WireName; readonly end: number } {
  let name = '';
  let end = -1;
  let from = start;
  for (;;) {
    const stop = walkLabels(packet, from, maxName - 1 - name.length);
    name += packet.toString('latin1', from, stop);
    const length = packet[stop] ?? 0;
    if (length === 0) return { name: name + rootName, end: end < 0 ? stop + 1 : end };
    const low = packet[stop + 1];
    if (low === undefined) throw new WireError('compression pointer runs past the end of the message');
    const target = ((length & 0x3f) << 8) | low;
    if (target >= from) throw new WireError('compression pointer does not point backwards');
    if (end < 0) end = stop + 2;
    from = target;
  }
}

/** Where the labels from here on end: at a zero octet or at a pointer. */
function walkLabels(packet: Buffer, start: number, room: number): number {
  for (let at = start; ;) {
    const length = packet[at];
    if (length === undefined) throw new WireError('name runs past the end of the message');
    if (length === 0 || length >= 0xc0) return at;
    if (length > maxLabel) throw new WireError('unknown label type');
    at += 1 + length;
    if (at > packet.length) throw new WireError('label runs past the end of the message');
    if (at - start > room) throw new WireError('name is longer than 255 octets');
  }
}

export function nameFromText(text: string): WireName {
  if (text === '.' || text === '') return rootName;
  const labels = (text.endsWith('.') ? text.slice(0, -1) : text).split('.');
  return nameFromLabels(labels);
}

/** Leftmost label first. */
export function nameFromLabels(labels: readonly string[]): WireName {
  let name = '';
  for (const label of labels) {
    if (label === '' || label.length > maxLabel) throw new WireError(`label "${label}" must have 1 to 63 octets`);
    name += String.fromCharCode(label.length) + label;
  }
  if (name.length + 1 > maxName) throw new WireError('name is longer than 255 octets');
  return name + rootName;
}

/** Leftmost label first; the root has none. */
export function labelsOf(name: WireName): string[] {
  const labels: string[] = [];
  for (let at = 0; ;) {
    const length = name.charCodeAt(at);
    if (!(length > 0)) return labels;
    labels.push(name.slice(at + 1, at + 1 + length));
    at += 1 + length;
  }
}

/** With a final dot; dots, backslashes and unprintable octets inside labels are escaped (RFC 1035 5.1). */
export function nameToText(name: WireName): string {
  return `${labelsOf(name).map(escapeLabel).join('.')}.`;
}

export function foldCase(name: WireName): WireName {
  return /[A-Z]/.test(name) ? name.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()) : name;
}

/** Where `zone` begins in `name`, label for label; -1 when `name` is not in it. Both folded. */
export function zoneOffset(name: WireName, zone: WireName): number {
  const start = name.length - zone.length;
  if (start < 0 || !name.endsWith(zone)) return -1;
  let at = 0;
  while (at < start) at += 1 + name.charCodeAt(at);
  return at === start ? start : -1;
}

function escapeLabel(label: string): string {
  return label.replaceAll(/[^!-~]|[.\\";()@$]/g, (octet) => {
    const code = octet.charCodeAt(0);
    return code > 0x20 && code < 0x7f ? `\\${octet}` : `\\${String(code).padStart(3, '0')}`;
  });
}
