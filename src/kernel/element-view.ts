/**
 * The elements of a listing, read where they lie: a table of 100,000 would be a million small objects otherwise.
 *
 *   body of a listing ── viewElements ──> visit({ bytes, key: 40, value: 72, keyEnd: 0 })     positions in `bytes`
 *
 * Upstream: linux/netfilter/nf_tables.h (NFTA_SET_ELEM_LIST_ELEMENTS).
 */

/** Where the parts of an element are; 0: it has none. Used again for the next element: valid during the visit only. */
export interface ElementView {
  readonly bytes: Buffer;
  readonly key: number;
  readonly keyEnd: number;
  readonly value: number;
}

/** Attribute types of an element, and of the listing that it is in. */
const parts = { key: 1, data: 2, keyEnd: 10 };
const listElements = 3;
const plainValue = 1;
const typeMask = 0x3fff;
/** netfilter's own header. */
const headerSize = 4;
const attributeHeader = 4;

/** The bytes of a part that is there. */
export function partOf({ bytes }: ElementView, start: number): Buffer {
  return bytes.subarray(start, start + lengthOf(bytes, start - attributeHeader) - attributeHeader);
}

export function viewElements(body: Buffer, visit: (element: ElementView) => void): void {
  const view = { bytes: body, key: 0, keyEnd: 0, value: 0 };
  for (let at = headerSize; at + attributeHeader <= body.length; at += stride(body, at)) {
    if (typeOf(body, at) !== listElements) continue;
    const end = at + lengthOf(body, at);
    for (let item = at + attributeHeader; item + attributeHeader <= end; item += stride(body, item)) {
      readParts(view, item);
      visit(view);
    }
  }
}

function readParts(view: { bytes: Buffer; key: number; keyEnd: number; value: number }, item: number): void {
  const { bytes } = view;
  const end = item + lengthOf(bytes, item);
  view.key = view.keyEnd = view.value = 0;
  for (let at = item + attributeHeader; at + attributeHeader <= end; at += stride(bytes, at)) {
    const type = typeOf(bytes, at);
    const inner = at + attributeHeader;
    // A verdict is nested in the same place, with another type.
    if (typeOf(bytes, inner) !== plainValue) continue;
    if (type === parts.key) view.key = inner + attributeHeader;
    else if (type === parts.data) view.value = inner + attributeHeader;
    else if (type === parts.keyEnd) view.keyEnd = inner + attributeHeader;
  }
}

function lengthOf(bytes: Buffer, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

function typeOf(bytes: Buffer, at: number): number {
  return ((bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8)) & typeMask;
}

/** To the next attribute: they are padded to four bytes. */
function stride(bytes: Buffer, at: number): number {
  return Math.max((lengthOf(bytes, at) + 3) & ~3, attributeHeader);
}
