/**
 * The Accept header → the form of the answer (the object itself, a Table for people, or metadata only) and its encoding.
 *
 *   application/json;as=Table;v=v1;g=meta.k8s.io,application/json      by q, then in order: the first that we can give wins
 *
 * Upstream: k8s.io/apiserver pkg/endpoints/handlers/negotiation, rest.go (AllowsMediaTypeTransform), munnerz/goautoneg.
 */
import type { KindDefinition } from '../../api/kind.ts';
import type { Incoming } from './messages.ts';
import { notAcceptable, unroutedAnswer } from '../errors.ts';

export type Encoding = 'json' | 'yaml' | 'protobuf';

export const mediaTypes: Readonly<Record<Encoding, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
};

export type Form = { readonly encoding: Encoding } & (
  | { readonly kind: 'object' }
  | { readonly kind: 'table'; readonly include: 'None' | 'Metadata' | 'Object'; readonly version: MetaVersion }
  | { readonly kind: 'metadata'; readonly version: MetaVersion }
);

/** Of meta.k8s.io: Tables and metadata can still be had in the version before. */
export type MetaVersion = 'v1' | 'v1beta1';

interface Clause {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
  readonly parameters: ReadonlyMap<string, string>;
}

const encodings: readonly Encoding[] = ['json', 'yaml', 'protobuf'];
/** What a refusal names. */
export const accepted = encodings.map((encoding) => mediaTypes[encoding]);

/** `streams`: a watch, which YAML cannot be; a list could have been one by its path. */
export function negotiate(
  request: Incoming,
  query: URLSearchParams,
  kind?: KindDefinition,
  streams: Streams = 'none',
): Form {
  const header = request.headers.accept ?? '';
  if (header === '' || header === 'application/json') return { kind: 'object', encoding: 'json' };
  const clauses = parseAccept(header);
  for (const clause of clauses) {
    for (const encoding of encodings) {
      if (!fits(clause, encoding)) continue;
      const form = formOf(clause, encoding, query, kind);
      if (form === undefined) continue;
      // Upstream has chosen by now, and then finds that it cannot stream.
      if (streams === 'watch' && encoding === 'yaml') throw notAcceptable(offered(streams));
      return form;
    }
  }
  if (kind?.custom === undefined && !clauses.some((clause) => encodings.some((encoding) => fits(clause, encoding)))) {
    throw unroutedAnswer(streams === 'none' ? accepted : [...accepted, ...offered('watch')]);
  }
  throw notAcceptable(offered(streams));
}

/** For answers that have one form: Status, reviews, discovery. What cannot be met is answered in JSON. */
export function preferredEncoding(request: Incoming): Encoding {
  const header = request.headers.accept ?? '';
  if (header === '' || header === 'application/json') return 'json';
  for (const clause of parseAccept(header)) {
    if (clause.parameters.has('as')) continue;
    const found = encodings.find((encoding) => fits(clause, encoding));
    if (found !== undefined) return found;
  }
  return 'json';
}

type Streams = 'watch' | 'list' | 'none';

function offered(streams: Streams): readonly string[] {
  if (streams !== 'watch') return accepted;
  return [`${mediaTypes.json};stream=watch`, `${mediaTypes.protobuf};stream=watch`];
}

/** Highest q first; a type before its wildcard; else as they came. */
function parseAccept(header: string): readonly Clause[] {
  const clauses = header.split(',').map(parseClause);
  if (clauses.length === 1) return clauses;
  const exactness = ({ type, subtype }: Clause): number => (type === '*' ? 0 : subtype === '*' ? 1 : 2);
  return clauses.sort((a, b) => b.quality - a.quality || exactness(b) - exactness(a));
}

function parseClause(text: string): Clause {
  const [media = '', ...rest] = text.split(';').map((part) => part.trim());
  const [type = '', subtype = '*'] = media.toLowerCase().split('/');
  const parameters = new Map<string, string>();
  let quality = 1;
  for (const part of rest) {
    const at = part.indexOf('=');
    const key = part.slice(0, at < 0 ? undefined : at).trim();
    const value =
      at < 0
        ? ''
        : part
            .slice(at + 1)
            .trim()
            .replace(/^"(.*)"$/, '$1');
    if (key === 'q') quality = Number.isNaN(Number(value)) ? 1 : Number(value);
    else parameters.set(key, value);
  }
  return { type, subtype, quality, parameters };
}

function fits({ type, subtype }: Clause, encoding: Encoding): boolean {
  if (type === '*') return subtype === '*';
  return type === 'application' && (subtype === '*' || `application/${subtype}` === mediaTypes[encoding]);
}

function formOf(
  { parameters }: Clause,
  encoding: Encoding,
  query: URLSearchParams,
  kind: KindDefinition | undefined,
): Form | undefined {
  const stream = parameters.get('stream') ?? '';
  if (stream !== '' && (stream !== 'watch' || encoding === 'yaml')) return undefined;
  const as = parameters.get('as');
  if (as === undefined && !parameters.has('g') && !parameters.has('v')) {
    // Custom kinds have no message; their metadata has.
    return kind?.custom !== undefined && encoding === 'protobuf' ? undefined : { kind: 'object', encoding };
  }
  const version = parameters.get('v');
  if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  switch (as) {
    case 'Table': {
      if (encoding === 'protobuf') return undefined;
      const include = query.get('includeObject');
      const known = include === 'None' || include === 'Object' ? include : 'Metadata';
      return { kind: 'table', encoding, version, include: known };
    }
    case 'PartialObjectMetadata':
    case 'PartialObjectMetadataList':
      return { kind: 'metadata', encoding, version };
    default:
      return undefined;
  }
}

/** Answers of the same form can share their bytes. */
export function formKey(form: Form): string {
  switch (form.kind) {
    case 'object':
      return form.encoding;
    case 'metadata':
      return `${form.encoding}/metadata/${form.version}`;
    case 'table':
      return `table/${form.include}/${form.version}`;
  }
}
