/**
 * A list as it comes, read into what the proxy keeps of it (pack.ts), without an object for anything else: nine tenths of the
 * bytes are names of pods, fields and their managers.
 *
 *   answer ── pageReader(…) ──> metadata at once (the next page is asked for), objects one by one when they are asked for
 *
 * An object that is written in another way than servers write it is given to JSON.parse.
 */
import type { ListMeta } from '../api/gen/types.ts';
import type { KubeObject, Live } from '../api/object.ts';
import type { PageReader } from '../client/index.ts';
import { JsonCursor, Names, NotPlain } from '../util/json-cursor.ts';
import type { Span } from '../util/json-cursor.ts';

export type Metadata = Live<KubeObject>['metadata'];

/** How one kind is read: from where the cursor is, or where that is not plain, from a whole object. */
export interface ObjectReader<T extends KubeObject> {
  readonly plain: (cursor: JsonCursor) => Live<T>;
  readonly pack: (object: Live<T>) => Live<T>;
}

const ofList = new Names('metadata', 'items');

export function pageReader<T extends KubeObject>(reader: ObjectReader<T>): PageReader<T> {
  return (answer) => {
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
      if (metadata !== undefined && items !== undefined) return { metadata, items: itemsAt(answer, items, reader) };
    }
    throw new SyntaxError('the answer is no list');
  };
}

function* itemsAt<T extends KubeObject>(answer: Buffer, start: number, reader: ObjectReader<T>): Generator<Live<T>> {
  const cursor = new JsonCursor(answer, start);
  if (cursor.isNull()) return;
  cursor.array();
  while (cursor.item()) yield readItem(cursor, reader);
}

function readItem<T extends KubeObject>(cursor: JsonCursor, { plain, pack }: ObjectReader<T>): Live<T> {
  const start = cursor.at;
  try {
    return plain(cursor);
  } catch (error) {
    if (!(error instanceof NotPlain)) throw error;
    cursor.at = start;
    cursor.skip();
    return pack(JSON.parse(cursor.bytes.toString('utf8', start, cursor.at)) as Live<T>);
  }
}

const ofMetadata = new Names(
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'labels',
  'annotations',
);

/** The texts that are the same in object after object: kept once. */
const last = { namespace: '', creationTimestamp: '' };

/** What is kept of anybody's, and of the labels and annotations those that are wanted. */
export function plainMetadata(cursor: JsonCursor, labels: Names<string>, annotations: Names<string>): Metadata {
  const read: Metadata = { name: '', uid: '', resourceVersion: '', creationTimestamp: '', labels: {} };
  cursor.object();
  for (let name = cursor.name(ofMetadata); name !== undefined; name = cursor.name(ofMetadata)) {
    if (name === '') cursor.skip();
    else if (name === 'labels') read.labels = plainTexts(cursor, labels) ?? {};
    else if (name === 'annotations') {
      const wanted = plainTexts(cursor, annotations);
      if (wanted !== undefined) read.annotations = wanted;
    } else if (name === 'namespace' || name === 'creationTimestamp') {
      read[name] = last[name] = cursor.text(last[name]);
    } else read[name] = cursor.text();
  }
  return read;
}

/** undefined: none of them is wanted. */
function plainTexts(cursor: JsonCursor, wanted: Names<string>): Record<string, string> | undefined {
  let read: Record<string, string> | undefined;
  cursor.object();
  for (let name = cursor.name(wanted); name !== undefined; name = cursor.name(wanted)) {
    if (name === '') cursor.skip();
    else (read ??= {})[name] = cursor.text();
  }
  return read;
}

/** A value that is often written as in the object before: then it is that one's. Nobody may change it. */
export class LastValue<T> {
  readonly #span: Span = { start: 0, end: 0 };
  #text = '';
  #value: T | undefined;

  read(cursor: JsonCursor): T {
    cursor.span(this.#span);
    const text = cursor.bytes.toString('utf8', this.#span.start, this.#span.end);
    if (text !== this.#text || this.#value === undefined) {
      this.#text = text;
      this.#value = JSON.parse(text) as T;
    }
    return this.#value;
  }
}
