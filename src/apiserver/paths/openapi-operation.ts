/**
 * One operation of a path, in the words of OpenAPI v2 or v3: what may be asked beside the path, what is sent, what is answered.
 * Upstream: apiserver/pkg/endpoints/installer.go.
 */
import type { Dialect, Json } from './openapi-schemas.ts';
import { schemaName } from './openapi-schemas.ts';

export interface Operation {
  readonly tag: string;
  /** x-kubernetes-group-version-kind. */
  readonly kind?: Json;
  readonly action:
    | 'get'
    | 'list'
    | 'post'
    | 'put'
    | 'patch'
    | 'delete'
    | 'deletecollection'
    | 'watch'
    | 'watchlist'
    | 'connect'
    | 'discovery';
  readonly id: string;
  readonly description: string;
  /** Names of schemas; no answer: text. */
  readonly body?: string;
  readonly answer?: string;
  /** The subresource whose options are in the query. */
  readonly connects?: string;
  /** Made by a CustomResourceDefinition: no strategic merge, no protobuf. */
  readonly custom?: boolean;
}

const text = ['application/json', 'application/yaml'];
const protobuf = 'application/vnd.kubernetes.protobuf';
const streams = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

const selection = ['continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion', 'resourceVersionMatch'];
const deletion = ['dryRun', 'gracePeriodSeconds', 'orphanDependents', 'propagationPolicy'];
const writing = ['dryRun', 'fieldManager', 'fieldValidation'];
const listing = ['allowWatchBookmarks', ...selection, 'sendInitialEvents', 'timeoutSeconds', 'watch'];

const queries: Readonly<Record<Operation['action'], readonly string[]>> = {
  get: [],
  list: listing,
  watch: listing,
  watchlist: listing,
  post: writing,
  put: writing,
  patch: [...writing, 'force'],
  delete: deletion,
  deletecollection: [...deletion, ...selection, 'sendInitialEvents', 'timeoutSeconds'],
  connect: [],
  discovery: [],
};
const streamed = ['container', 'stderr', 'stdin', 'stdout', 'tty'];
const options: Readonly<Record<string, readonly string[]>> = {
  attach: streamed,
  exec: ['command', ...streamed],
  log: [
    ...['container', 'follow', 'insecureSkipTLSVerifyBackend', 'limitBytes', 'previous', 'sinceSeconds'],
    ...['stream', 'tailLines', 'timestamps'],
  ],
  portforward: ['ports'],
  proxy: ['path'],
};
const flags = new Set([
  ...['allowWatchBookmarks', 'sendInitialEvents', 'watch', 'force', 'orphanDependents', 'stderr', 'stdin', 'stdout'],
  ...['tty', 'follow', 'insecureSkipTLSVerifyBackend', 'previous', 'timestamps'],
]);
const numbers = new Set([
  ...['gracePeriodSeconds', 'limit', 'timeoutSeconds', 'limitBytes', 'ports', 'sinceSeconds', 'tailLines'],
]);

const codes: Readonly<Record<Operation['action'], readonly number[]>> = {
  get: [200],
  list: [200],
  watch: [200],
  watchlist: [200],
  post: [200, 201, 202],
  put: [200, 201],
  patch: [200, 201],
  delete: [200, 202],
  deletecollection: [200],
  connect: [200],
  discovery: [200],
};
const meanings: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 401: 'Unauthorized' };

export function operationOf(dialect: Dialect, operation: Operation): Json {
  const { tag, kind, action, id, description } = operation;
  return {
    ...(dialect.three ? {} : { consumes: consumed(operation) }),
    description,
    operationId: id,
    ...parametersOf(dialect, operation),
    ...(dialect.three ? bodyOf(dialect, operation) : { produces: produced(operation) }),
    responses: {
      ...Object.fromEntries(codes[action].map((code) => [code, answerOf(dialect, operation, meanings[code] ?? '')])),
      401: { description: meanings[401] },
    },
    ...(dialect.three ? {} : { schemes: ['https'] }),
    tags: [tag],
    ...(action === 'discovery' ? {} : { 'x-kubernetes-action': action }),
    ...(kind === undefined ? {} : { 'x-kubernetes-group-version-kind': kind }),
  };
}

function consumed({ action, custom }: Operation): readonly string[] {
  if (action === 'discovery') return [...text, protobuf];
  if (action !== 'patch') return ['*/*'];
  return custom === true ? patchTypes.filter((type) => !type.includes('strategic')) : patchTypes;
}

function produced({ action, answer, custom }: Operation): readonly string[] {
  if (action === 'connect') return ['*/*'];
  const types = custom === true ? text : [...text, protobuf];
  if (answer === undefined) return ['text/plain', ...types];
  return ['list', 'watch', 'watchlist'].includes(action) ? [...types, ...streams] : types;
}

function parametersOf(dialect: Dialect, operation: Operation): { readonly parameters?: readonly Json[] } {
  const { action, connects } = operation;
  const parameters = [...queries[action], ...(connects === undefined ? [] : (options[connects] ?? []))].map((name) => {
    const type = { type: flags.has(name) ? 'boolean' : numbers.has(name) ? 'integer' : 'string', uniqueItems: true };
    return dialect.three ? { name, in: 'query', schema: type } : { name, in: 'query', ...type };
  });
  const body = dialect.three ? undefined : sentBy(operation);
  const sent =
    body === undefined
      ? []
      : [{ name: 'body', in: 'body', ...required(action), schema: { $ref: `${dialect.prefix}${body}` } }];
  const all: readonly Json[] = [...sent, ...parameters];
  return all.length === 0 ? {} : { parameters: all };
}

function sentBy({ action, body }: Operation): string | undefined {
  if (action === 'patch') return schemaName('Patch');
  return action === 'delete' || action === 'deletecollection' ? schemaName('DeleteOptions') : body;
}

/** A deletion may say nothing. */
function required(action: Operation['action']): { readonly required?: true } {
  return action === 'delete' || action === 'deletecollection' ? {} : { required: true };
}

function bodyOf(dialect: Dialect, operation: Operation): { readonly requestBody?: Json } {
  const body = sentBy(operation);
  if (body === undefined) return {};
  const schema = { $ref: `${dialect.prefix}${body}` };
  const content = Object.fromEntries(consumed(operation).map((type) => [type, { schema }]));
  return { requestBody: { content, ...required(operation.action) } };
}

function answerOf(dialect: Dialect, operation: Operation, description: string): Json {
  const { answer } = operation;
  const schema = answer === undefined ? { type: 'string' } : { $ref: `${dialect.prefix}${answer}` };
  if (!dialect.three) return { description, schema };
  return { description, content: Object.fromEntries(produced(operation).map((type) => [type, { schema }])) };
}
