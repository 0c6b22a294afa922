/**
 * A list of EndpointSlices as it comes, read into what the proxy keeps of it (pack.ts), without an object for anything else:
 * nine tenths of the bytes are names of pods, fields and their managers.
 *
 *   answer ── readSlices ──> metadata at once (the next page is asked for), slices one by one when they are asked for
 *
 * A slice that is written in another way than servers write it is given to JSON.parse.
 */
import type { EndpointSlice, ListMeta } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import type { Page } from '../client/index.ts';
import { JsonCursor, Names, NotPlain } from '../util/json-cursor.ts';
import type { Span } from '../util/json-cursor.ts';
import { column, keptAnnotation, keptLabels, keptMetadata, PackedSlice, packSlice, row } from './pack.ts';
import type { SliceMeta } from './pack.ts';

const ofList = new Names('metadata', 'items');
const ofSlice = new Names('metadata', 'addressType', 'endpoints', 'ports');
const ofMetadata = new Names(
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'labels',
  'annotations',
);
const ofLabels = new Names(...keptLabels);
const ofAnnotations = new Names(keptAnnotation);
const ofEndpoint = new Names('addresses', 'conditions', 'nodeName', 'zone', 'hints');
const ofConditions = new Names('ready', 'serving', 'terminating');

export function readSlices(answer: Buffer): Page<EndpointSlice> {
  const cursor = new JsonCursor(answer);
  let metadata: ListMeta | undefined;
  let items: number | undefined;
  cursor.object();
  for (let name = cursor.name(ofList); name !== undefined; name = cursor.name(ofList)) {
    const start = cursor.at;
    if (name === 'items') items = start;
    // They are long, and what comes after them is of no interest.
    if (name !== 'items' || metadata === undefined) cursor.skip();
    if (name === 'metadata') metadata = JSON.parse(answer.toString('utf8', start, cursor.at)) as ListMeta;
    if (metadata !== undefined && items !== undefined) return { metadata, items: slicesAt(answer, items) };
  }
  throw new SyntaxError('the answer is no list of EndpointSlices');
}

function* slicesAt(answer: Buffer, start: number): Generator<Live<EndpointSlice>> {
  const cursor = new JsonCursor(answer, start);
  if (cursor.isNull()) return;
  cursor.array();
  while (cursor.item()) yield readSlice(cursor);
}

function readSlice(cursor: JsonCursor): Live<EndpointSlice> {
  const start = cursor.at;
  try {
    return plainSlice(cursor);
  } catch (error) {
    if (!(error instanceof NotPlain)) throw error;
    cursor.at = start;
    cursor.skip();
    return packSlice(JSON.parse(cursor.bytes.toString('utf8', start, cursor.at)) as Live<EndpointSlice>);
  }
}

function plainSlice(cursor: JsonCursor): PackedSlice {
  let metadata: SliceMeta | undefined;
  let addressType = '';
  let ports: EndpointSlice['ports'];
  rows.clear();
  cursor.object();
  for (let name = cursor.name(ofSlice); name !== undefined; name = cursor.name(ofSlice)) {
    if (name === 'metadata') metadata = keptMetadata(plainMetadata(cursor));
    else if (name === 'addressType') addressType = cursor.text();
    else if (name === 'endpoints') packEndpoints(cursor);
    else if (name === 'ports') ports = portsOf(cursor);
    else cursor.skip();
  }
  if (metadata === undefined) throw new NotPlain('a slice without metadata');
  return new PackedSlice(metadata, addressType, ports, rows.text());
}

function plainMetadata(cursor: JsonCursor): SliceMeta {
  const read: SliceMeta = { name: '', uid: '', resourceVersion: '', creationTimestamp: '' };
  cursor.object();
  for (let name = cursor.name(ofMetadata); name !== undefined; name = cursor.name(ofMetadata)) {
    if (name === '') cursor.skip();
    else if (name === 'labels') read.labels = plainTexts(cursor, ofLabels);
    else if (name === 'annotations') read.annotations = plainTexts(cursor, ofAnnotations);
    else read[name] = cursor.text();
  }
  return read;
}

function plainTexts(cursor: JsonCursor, wanted: Names<string>): Record<string, string> {
  const read: Record<string, string> = {};
  cursor.object();
  for (let name = cursor.name(wanted); name !== undefined; name = cursor.name(wanted)) {
    if (name === '') cursor.skip();
    else read[name] = cursor.text();
  }
  return read;
}

const ports: Span = { start: 0, end: 0 };
let lastPorts: { readonly text: string; readonly ports: EndpointSlice['ports'] } = { text: '', ports: undefined };

/** Slices that come one after the other often have the same ones: those are kept once. */
function portsOf(cursor: JsonCursor): EndpointSlice['ports'] {
  cursor.span(ports);
  const text = cursor.bytes.toString('utf8', ports.start, ports.end);
  if (text !== lastPorts.text) lastPorts = { text, ports: JSON.parse(text) as EndpointSlice['ports'] };
  return lastPorts.ports;
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
