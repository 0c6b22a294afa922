/**
 * /openapi/v3: an index and one document per group and version; /openapi/v2: all in one. Built when first asked for, from the
 * registry, kept as bytes.
 *
 *   Accept ──> JSON, and for v2 gnostic's protobuf too ──> document's bytes and ETag ──> 200 or 304
 */
import { createHash } from 'node:crypto';
import { customOpenApi } from '../../api/custom/index.ts';
import type { KindDefinition } from '../../api/kind.ts';
import type { Resource } from '../../api/resources.ts';
import { remotesOf } from '../aggregation/index.ts';
import type { Exchange, Server } from '../context.ts';
import { notAcceptable } from '../errors.ts';
import { send, sendNoSuchPath } from '../http/respond.ts';
import type { Registry } from '../registry.ts';
import { reviewKinds } from '../reviews.ts';
import { subresourcesOf } from '../subresources/list.ts';
import { groupVersions } from './discovery.ts';
import { encodeSwagger } from './openapi-protobuf.ts';
import { kindPaths, pathOf, reviewPath, versionPath } from './openapi-paths.ts';
import { collectSchemas, groupVersionKind, listName, schemaName, v2, v3 } from './openapi-schemas.ts';
import type { Dialect, Json } from './openapi-schemas.ts';
import { version } from './version.ts';

interface Document {
  readonly bytes: Buffer;
  readonly hash: string;
}

interface Encoding {
  /** What may be asked for; the first one is what the answer is called. */
  readonly types: readonly string[];
  readonly encode: (document: Json) => Buffer;
}

const json: Encoding = {
  types: ['application/json'],
  encode: (document) => Buffer.from(JSON.stringify(document)),
};
/** Clients before 1.28 ask with `@`, which RFC 6838 has no room for. Upstream: kube-openapi, pkg/handler/handler.go. */
const protobuf: Encoding = {
  types: [
    'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
    'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  ],
  encode: encodeSwagger,
};

const documents = new WeakMap<object, Map<string, Document>>();

export async function serveOpenApi(exchange: Exchange): Promise<void> {
  const { path, request, response, server } = exchange;
  const name = path.replace(/^\/openapi\//, '').replace(/\/$/, '');
  const encoding = negotiate(request.headers.accept ?? '', name === 'v2' ? [json, protobuf] : [json]);
  const document = await documentWithRemotes(server, name, encoding);
  if (document === undefined) return sendNoSuchPath(exchange);
  const tag = `"${document.hash}"`;
  response.setHeader('etag', tag);
  response.setHeader('vary', 'Accept');
  if (request.headers['if-none-match'] === tag) {
    response.statusCode = 304;
    response.end();
    return;
  }
  await send(exchange, 200, encoding.types[0] ?? '', document.bytes);
}

/** The best clause that we can answer wins: by quality, then as they were written. */
function negotiate(accept: string, offered: readonly Encoding[]): Encoding {
  const clauses = (accept.trim() === '' ? '*/*' : accept).split(',').map((clause) => {
    const [type = '', ...parameters] = clause.split(';').map((part) => part.trim());
    const quality = parameters.find((parameter) => /^q=/i.test(parameter))?.slice(2);
    return { type: type.toLowerCase(), quality: Number(quality ?? 1) };
  });
  for (const { type } of clauses.sort((a, b) => b.quality - a.quality)) {
    const found = offered.find(({ types }) => type === '*/*' || type === 'application/*' || types.includes(type));
    if (found !== undefined) return found;
  }
  throw notAcceptable(offered.flatMap(({ types }) => types));
}

/** With what the servers of APIServices publish. */
async function documentWithRemotes(server: Server, name: string, encoding: Encoding): Promise<Document | undefined> {
  const own = documentFor(server.registry, name, encoding);
  if (remotesOf(server.store).length === 0 || (own !== undefined && name !== 'v2' && name !== 'v3')) return own;
  const { merged, remoteIndex, remoteSpecs, remoteVersion } = await import('../aggregation/openapi.ts');
  if (own === undefined) {
    const text = await remoteVersion(server, name);
    return text === undefined ? undefined : hashed(Buffer.from(text));
  }
  if (name === 'v3') {
    const { paths } = index(server.registry) as { readonly paths: Json };
    return hashed(json.encode({ paths: { ...paths, ...(await remoteIndex(server)) } }));
  }
  const { key, specs } = await remoteSpecs(server);
  if (specs.length === 0) return own;
  const whole = `${own.hash} ${key} ${encoding.types[0] ?? ''}`;
  const known = last.get(encoding);
  if (known?.key === whole) return known.document;
  const document = hashed(encoding.encode(merged(build(server.registry, name) ?? {}, specs)));
  last.set(encoding, { key: whole, document });
  return document;
}

/** Of each encoding, the last one that was merged. */
const last = new WeakMap<Encoding, { readonly key: string; readonly document: Document }>();

function hashed(bytes: Buffer): Document {
  return { bytes, hash: createHash('sha256').update(bytes).digest('hex').toUpperCase() };
}

/** What only built-in kinds are in is made once; the rest again when a custom kind comes or goes. */
function documentFor(registry: Registry, name: string, encoding: Encoding): Document | undefined {
  const custom = registry.customKinds;
  const ofCustom = name === 'v2' || name === 'v3' || custom.some(({ resource }) => name === `v3/${urlOf(resource)}`);
  const owner = ofCustom && custom.length > 0 ? custom : registry;
  let known = documents.get(owner);
  if (known === undefined) documents.set(owner, (known = new Map<string, Document>()));
  const key = `${name} ${encoding.types[0] ?? ''}`;
  let document = known.get(key);
  if (document === undefined) {
    const built = build(registry, name);
    if (built === undefined) return undefined;
    document = hashed(encoding.encode(built));
    known.set(key, document);
  }
  return document;
}

function build(registry: Registry, name: string): Json | undefined {
  if (name === 'v3') return index(registry);
  const all = groupVersions(registry);
  if (name === 'v2') {
    const { paths, schemas } = contentOf(registry, all, v2);
    return { swagger: '2.0', info, paths, definitions: schemas };
  }
  const found = all.find((item) => name === `v3/${urlOf(item)}`);
  if (found === undefined) return undefined;
  const { paths, schemas } = contentOf(registry, [found], v3);
  return { openapi: '3.0.0', info, paths, components: { schemas } };
}

const core = { group: '', version: 'v1' };
const info = { title: 'Kubernetes', version: version.gitVersion };

function index(registry: Registry): Json {
  const paths: Json = {};
  for (const item of groupVersions(registry)) {
    const url = urlOf(item);
    const hash = documentFor(registry, `v3/${url}`, json)?.hash ?? '';
    paths[url] = { serverRelativeURL: `/openapi/v3/${url}?hash=${hash}` };
  }
  return { paths };
}

/** `api/v1`, `apis/apps/v1`. */
function urlOf(of: { readonly group: string; readonly version: string }): string {
  return pathOf(of).slice(1);
}

function contentOf(
  registry: Registry,
  of: readonly { readonly group: string; readonly version: string }[],
  dialect: Dialect,
): { readonly paths: Json; readonly schemas: Json } {
  const kinds = of.flatMap(({ group, version }) => registry.inGroupVersion(group, version));
  const reviews = reviewKinds.filter((review) => of.some((one) => urlOf(one) === urlOf(review)));
  const paths: Json = {};
  for (const one of of) Object.assign(paths, versionPath(one, dialect));
  Object.assign(paths, kindPaths(kinds, dialect));
  for (const review of reviews) Object.assign(paths, reviewPath(review, dialect));
  // A document of one version speaks of options and events of that and of the core.
  const spoken = dialect.three ? [core, ...of.filter((one) => urlOf(one) !== urlOf(core))] : groupVersions(registry);
  return { paths, schemas: schemasOf(kinds, reviews, spoken, dialect) };
}

function schemasOf(
  kinds: readonly KindDefinition[],
  reviews: readonly (typeof reviewKinds)[number][],
  all: readonly { readonly group: string; readonly version: string }[],
  dialect: Dialect,
): Json {
  const named = [
    ...kinds.map(({ resource }) => resource),
    ...kinds.flatMap((kind) => subresourceKinds(kind)),
    ...reviews.map((review) => ({ ...review, schema: review.kind })),
  ];
  const everywhere = ['DeleteOptions', 'ObjectMeta', 'Status', 'APIResourceList', 'Patch', 'WatchEvent'];
  const schemas = collectSchemas([...named.map(({ schema }) => schema), ...everywhere], named, dialect);
  for (const kind of ['DeleteOptions', 'WatchEvent']) {
    const kindsOf = all.map(({ group, version }) => groupVersionKind({ group, version, kind }));
    Object.assign(schemas[schemaName(kind)] as Json, { 'x-kubernetes-group-version-kind': kindsOf });
  }
  for (const kind of ['APIResourceList', 'Status']) {
    const kindsOf = [groupVersionKind({ group: '', version: 'v1', kind })];
    Object.assign(schemas[schemaName(kind)] as Json, { 'x-kubernetes-group-version-kind': kindsOf });
  }
  for (const kind of kinds) Object.assign(schemas, listSchemas(kind, dialect));
  return { ...schemas, ...collectSchemas(['ListMeta'], [], dialect) };
}

/** Bodies of subresources that are not of the kind itself: Scale, Binding, Eviction, TokenRequest. */
function subresourceKinds(
  kind: KindDefinition,
): readonly (Pick<Resource, 'group' | 'version' | 'kind'> & { schema: string })[] {
  const { group, version } = kind.resource;
  return subresourcesOf(kind).flatMap((sub) =>
    sub.kind === undefined || sub.kind === kind.resource.kind || sub.kind.endsWith('Options')
      ? []
      : [{ group: sub.group ?? group, version: sub.version ?? version, kind: sub.kind, schema: sub.kind }],
  );
}

function listSchemas({ resource, custom, unstored }: KindDefinition, dialect: Dialect): Json {
  const schemas: Json = {};
  if (custom !== undefined) {
    const meta = { $ref: `${dialect.prefix}${schemaName('ObjectMeta')}` };
    const schema = customOpenApi(custom.schema, dialect.three, meta);
    schemas[resource.schema] = { ...schema, 'x-kubernetes-group-version-kind': [groupVersionKind(resource)] };
  }
  if (unstored?.includes('list') === false) return schemas;
  const item = `${dialect.prefix}${schemaName(resource.schema)}`;
  const meta = `${dialect.prefix}${schemaName('ListMeta')}`;
  schemas[listName(resource)] = {
    description: `${resource.kind}List is a list of ${resource.kind}.`,
    type: 'object',
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: dialect.three ? { allOf: [{ $ref: meta }], default: {} } : { $ref: meta },
      items: { type: 'array', items: { $ref: item } },
    },
    required: ['items'],
    'x-kubernetes-group-version-kind': [
      groupVersionKind({ ...resource, kind: resource.listKind ?? `${resource.kind}List` }),
    ],
  };
  return schemas;
}
