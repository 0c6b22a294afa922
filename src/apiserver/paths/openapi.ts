/**
 * /openapi/v3: an index and one document per group and version; /openapi/v2: all in one. Built when first asked for, from the
 * registry, kept as bytes.
 *
 *   Accept ──> JSON, and for v2 gnostic's protobuf too ──> document's bytes and ETag ──> 200 or 304
 */
import { createHash } from 'node:crypto';
import { customOpenApi } from '../../api/custom/index.ts';
import type { KindDefinition } from '../../api/kind.ts';
import { groupVersionOf } from '../../api/resources.ts';
import type { Exchange } from '../context.ts';
import { noSuchResource, notAcceptable } from '../errors.ts';
import { send } from '../http/respond.ts';
import type { Registry } from '../registry.ts';
import { subresourcesOf } from '../subresources/list.ts';
import { encodeSwagger } from './openapi-protobuf.ts';
import { collectSchemas, groupVersionKind, schemaName, v2, v3 } from './openapi-schemas.ts';
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
  const encoding = negotiate(String(request.headers.accept ?? ''), name === 'v2' ? [json, protobuf] : [json]);
  const document = documentFor(server.registry, name, encoding);
  if (document === undefined) throw noSuchResource();
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
    const bytes = encoding.encode(built);
    document = { bytes, hash: createHash('sha256').update(bytes).digest('hex').toUpperCase() };
    known.set(key, document);
  }
  return document;
}

function build(registry: Registry, name: string): Json | undefined {
  if (name === 'v3') return index(registry);
  if (name === 'v2') return swagger(registry);
  const found = registry.groupVersions().find((item) => name === `v3/${urlOf(item)}`);
  if (found === undefined) return undefined;
  const kinds = registry.inGroupVersion(found.group, found.version);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: version.gitVersion },
    paths: pathsOf(kinds, v3),
    components: { schemas: schemasOf(kinds, v3) },
  };
}

function index(registry: Registry): Json {
  const paths: Json = {};
  for (const item of registry.groupVersions()) {
    const url = urlOf(item);
    const hash = documentFor(registry, `v3/${url}`, json)?.hash ?? '';
    paths[url] = { serverRelativeURL: `/openapi/v3/${url}?hash=${hash}` };
  }
  return { paths };
}

function swagger(registry: Registry): Json {
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: version.gitVersion },
    paths: pathsOf(registry.kinds, v2),
    definitions: schemasOf(registry.kinds, v2),
  };
}

function urlOf(of: { readonly group: string; readonly version: string }): string {
  return `${of.group === '' ? 'api' : 'apis'}/${groupVersionOf(of)}`;
}

function schemasOf(kinds: readonly KindDefinition[], dialect: Dialect): Json {
  const resources = kinds.map(({ resource }) => resource);
  const schemas = collectSchemas(
    [...resources.map(({ schema }) => schema), 'DeleteOptions', 'ObjectMeta', 'Status'],
    resources,
    dialect,
  );
  for (const { resource, custom } of kinds) {
    if (custom !== undefined) {
      const meta = { $ref: `${dialect.prefix}${schemaName('ObjectMeta')}` };
      const schema = customOpenApi(custom.schema, dialect.three, meta);
      schemas[resource.schema] = { ...schema, 'x-kubernetes-group-version-kind': [groupVersionKind(resource)] };
    }
    const item = `${dialect.prefix}${schemaName(resource.schema)}`;
    schemas[`${schemaName(resource.schema)}List`] = {
      description: `${resource.kind}List is a list of ${resource.kind}.`,
      type: 'object',
      properties: {
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        metadata: { $ref: `${dialect.prefix}${schemaName('ListMeta')}` },
        items: { type: 'array', items: { $ref: item } },
      },
      required: ['items'],
      'x-kubernetes-group-version-kind': [
        groupVersionKind({ ...resource, kind: resource.listKind ?? `${resource.kind}List` }),
      ],
    };
  }
  return { ...schemas, ...collectSchemas(['ListMeta'], [], dialect) };
}

function pathsOf(kinds: readonly KindDefinition[], dialect: Dialect): Json {
  const paths: Json = {};
  for (const kind of kinds) {
    const { resource } = kind;
    const base = `/${urlOf(resource)}`;
    const scope = resource.namespaced ? '/namespaces/{namespace}' : '';
    const collection = `${base}${scope}/${resource.plural}`;
    const write = operation(kind, dialect);
    const names = [...(resource.namespaced ? ['namespace'] : [])];
    paths[collection] = {
      get: write('list'),
      post: write('post'),
      delete: write('deletecollection'),
      parameters: pathParameters(names, dialect),
    };
    const one = { get: write('get'), put: write('put'), patch: write('patch'), delete: write('delete') };
    paths[`${collection}/{name}`] = { ...one, parameters: pathParameters(['name', ...names], dialect) };
    if (resource.namespaced) paths[`${base}/${resource.plural}`] = { get: write('list') };
    for (const sub of subresourcesOf(kind).filter(({ name }) => name === 'status')) {
      const { get, put, patch } = one;
      const parameters = pathParameters(['name', ...names], dialect);
      paths[`${collection}/{name}/${sub.name}`] = { get, put, patch, parameters };
    }
  }
  return paths;
}

function pathParameters(names: readonly string[], { three }: Dialect): Json[] {
  return names.map((name) => ({
    name,
    in: 'path',
    required: true,
    ...(three ? { schema: { type: 'string', uniqueItems: true } } : { type: 'string', uniqueItems: true }),
  }));
}

type Action = 'get' | 'list' | 'post' | 'put' | 'patch' | 'delete' | 'deletecollection';

const patchTypes: readonly string[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];
const queries: Readonly<Record<Action, readonly string[]>> = {
  get: [],
  list: [
    'allowWatchBookmarks',
    'continue',
    'fieldSelector',
    'labelSelector',
    'limit',
    'resourceVersion',
    'resourceVersionMatch',
    'sendInitialEvents',
    'timeoutSeconds',
    'watch',
  ],
  post: ['dryRun', 'fieldManager', 'fieldValidation'],
  put: ['dryRun', 'fieldManager', 'fieldValidation'],
  patch: ['dryRun', 'fieldManager', 'fieldValidation'],
  delete: ['dryRun', 'gracePeriodSeconds', 'propagationPolicy'],
  deletecollection: ['dryRun', 'fieldSelector', 'labelSelector', 'limit'],
};

function operation(kind: KindDefinition, dialect: Dialect): (action: Action) => Json {
  const { resource } = kind;
  const ref = (name: string): Json => ({ $ref: `${dialect.prefix}${name}` });
  const own = ref(schemaName(resource.schema));
  const list = ref(`${schemaName(resource.schema)}List`);
  return (action) => {
    const answer =
      action === 'list' ? list : action === 'delete' || action === 'deletecollection' ? ref(schemaName('Status')) : own;
    const types =
      action === 'patch'
        ? patchTypes.slice(0, kind.custom === undefined ? 3 : 2)
        : ['application/json', 'application/yaml'];
    const body = action === 'post' || action === 'put' ? own : action === 'patch' ? { type: 'object' } : undefined;
    const parameters: Json[] = queries[action].map((name) =>
      dialect.three
        ? { name, in: 'query', schema: { type: 'string', uniqueItems: true } }
        : { name, in: 'query', type: 'string', uniqueItems: true },
    );
    if (body !== undefined && !dialect.three)
      parameters.push({ name: 'body', in: 'body', required: true, schema: body });
    return {
      operationId: `${action}${resource.group.replaceAll('.', '_')}${resource.version}${resource.kind}${resource.namespaced ? 'Namespaced' : ''}`,
      parameters,
      ...(body === undefined ? {} : bodyOf(types, body, dialect)),
      responses: { 200: answerOf(answer, dialect) },
      'x-kubernetes-action': action === 'get' ? 'get' : action,
      'x-kubernetes-group-version-kind': groupVersionKind(resource),
    };
  };
}

function bodyOf(types: readonly string[], schema: Json, dialect: Dialect): Json {
  if (!dialect.three) return { consumes: types };
  return { requestBody: { content: Object.fromEntries(types.map((type) => [type, { schema }])), required: true } };
}

function answerOf(schema: Json, dialect: Dialect): Json {
  if (!dialect.three) return { description: 'OK', schema };
  return { description: 'OK', content: { 'application/json': { schema } } };
}
