/** Reads a list of EndpointSlices into what the proxy keeps of them (list-reader.ts): their endpoints become rows, byte by byte. */
import type { EndpointSlice } from '../api/gen/types.ts';
import { Names, NotPlain } from '../util/json-cursor.ts';
import type { JsonCursor, Span } from '../util/json-cursor.ts';
import { LastValue, pageReader, plainMetadata } from './list-reader.ts';
import type { Metadata } from './list-reader.ts';
import { column, keptOfSlices, PackedSlice, packSlice, row } from './pack.ts';

const ofSlice = new Names('metadata', 'addressType', 'endpoints', 'ports');
const ofLabels = new Names(...keptOfSlices.labels);
const ofAnnotations = new Names(...keptOfSlices.annotations);
const ofEndpoint = new Names('addresses', 'conditions', 'nodeName', 'zone', 'hints');
const ofConditions = new Names('ready', 'serving', 'terminating');
const ports = new LastValue<EndpointSlice['ports']>();
let lastType = '';

export const readSlices = pageReader<EndpointSlice>({ plain: plainSlice, pack: packSlice });

function plainSlice(cursor: JsonCursor): PackedSlice {
  let metadata: Metadata | undefined;
  let addressType = '';
  let slicePorts: EndpointSlice['ports'];
  rows.clear();
  cursor.object();
  for (let name = cursor.name(ofSlice); name !== undefined; name = cursor.name(ofSlice)) {
    if (name === 'metadata') metadata = plainMetadata(cursor, ofLabels, ofAnnotations);
    else if (name === 'addressType') addressType = lastType = cursor.text(lastType);
    else if (name === 'endpoints') packEndpoints(cursor);
    else if (name === 'ports') slicePorts = ports.read(cursor);
    else cursor.skip();
  }
  if (metadata === undefined) throw new NotPlain('a slice without metadata');
  return new PackedSlice(metadata, addressType, slicePorts, rows.text());
}

/** The rows of a slice, as bytes. */
class Rows {
  #bytes = Buffer.allocUnsafe(4096);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  get length(): number {
    return this.#length;
  }

  byte(byte: number): void {
    if (this.#length === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, this.#bytes]);
    this.#bytes[this.#length++] = byte;
  }

  copy(from: Buffer, { start, end }: Span): void {
    for (let at = start; at < end; at++) {
      const byte = from[at] ?? 0;
      if (byte < 0x20 || byte > 0x7e) throw new NotPlain('white space, or not ASCII');
      this.byte(byte);
    }
  }

  text(): string {
    return this.#bytes.toString('latin1', 0, this.#length);
  }
}

const rows = new Rows();
const [rowByte, columnByte] = [row.charCodeAt(0), column.charCodeAt(0)];

function packEndpoints(cursor: JsonCursor): void {
  rows.clear();
  if (cursor.isNull()) return;
  cursor.array();
  while (cursor.item()) {
    if (rows.length > 0) rows.byte(rowByte);
    packEndpoint(cursor);
  }
}

const span = (): Span => ({ start: 0, end: 0 });
/** Of the endpoint that is read, where its columns are; empty: it has none. */
const found = { address: span(), nodeName: span(), zone: span(), hints: span() };
/** Of its conditions. */
const letters = { ready: 0, serving: 0, terminating: 0 };
const [unset, yes, no] = [0x2d, 0x74, 0x66];

function packEndpoint(cursor: JsonCursor): void {
  for (const column of [found.address, found.nodeName, found.zone, found.hints]) column.start = column.end = 0;
  letters.ready = letters.serving = letters.terminating = unset;
  cursor.object();
  for (let name = cursor.name(ofEndpoint); name !== undefined; name = cursor.name(ofEndpoint)) {
    if (name === 'addresses') findAddress(cursor);
    else if (name === 'conditions') readConditions(cursor);
    else if (name === 'nodeName' || name === 'zone') cursor.textSpan(found[name]);
    else if (name === 'hints') cursor.span(found.hints);
    else cursor.skip();
  }
  const { address, nodeName, zone, hints } = found;
  rows.copy(cursor.bytes, address);
  rows.byte(columnByte);
  rows.byte(letters.ready);
  rows.byte(letters.serving);
  rows.byte(letters.terminating);
  rows.byte(columnByte);
  rows.copy(cursor.bytes, nodeName);
  if (zone.end > 0 || hints.end > 0) rows.byte(columnByte);
  rows.copy(cursor.bytes, zone);
  if (hints.end > 0) rows.byte(columnByte);
  rows.copy(cursor.bytes, hints);
}

function findAddress(cursor: JsonCursor): void {
  cursor.array();
  if (cursor.item()) cursor.textSpan(found.address);
  if (found.address.end === 0 || cursor.item()) throw new NotPlain('no address, or several');
}

function readConditions(cursor: JsonCursor): void {
  cursor.object();
  for (let name = cursor.name(ofConditions); name !== undefined; name = cursor.name(ofConditions)) {
    if (name === '') cursor.skip();
    else letters[name] = cursor.boolean() ? yes : no;
  }
}
