/**
 * URL → what is asked of which resource, as upstream's RequestInfo (k8s.io/apiserver/pkg/endpoints/request/requestinfo.go).
 *
 *   /api/v1/namespaces/NS/pods/NAME/log          core group, namespaced, subresource
 *   /apis/GROUP/VERSION/RESOURCE                 named group, cluster scope or all namespaces
 *   /readyz /openapi/v3 /apis /apis/apps ...     kind: 'path'
 */

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection' | 'connect';

export interface ResourceRequest {
  readonly kind: 'resource';
  readonly verb: Verb;
  readonly group: string;
  readonly version: string;
  /** '' for cluster-scoped resources and for all namespaces. */
  readonly namespace: string;
  readonly plural: string;
  /** '' for a collection. */
  readonly name: string;
  readonly subresource: string;
  /** What comes after the subresource. */
  readonly rest: string;
}

export interface PathRequest {
  readonly kind: 'path';
  readonly path: string;
}

export type RequestInfo = ResourceRequest | PathRequest;

/** The request line's target, never throwing: `//` is no URL, but someone sends it. */
export function splitTarget(target: string | undefined): { readonly path: string; readonly query: URLSearchParams } {
  const text = target ?? '/';
  const mark = text.indexOf('?');
  if (mark < 0) return { path: text, query: noQuery };
  return { path: text.slice(0, mark), query: new URLSearchParams(text.slice(mark + 1)) };
}

/** Nobody changes a query. */
const noQuery = new URLSearchParams();

/** Subresources of a namespace; anything else after its name is a resource in it. */
const namespaceSubresources = new Set(['status', 'finalize']);

/** Of whole collections, without a query: clients say the same few things all day. */
const known = new Map<string, RequestInfo>();
const mostKnown = 256;
const longestKnown = 256;

export function parseRequest(method: string, path: string, query: URLSearchParams): RequestInfo {
  if (query.size > 0 || path.length > longestKnown) return parse(method, path, query);
  const key = `${method} ${path}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const info = parse(method, path, query);
  if (info.kind === 'resource' && info.name === '') {
    if (known.size >= mostKnown) known.clear();
    known.set(key, info);
  }
  return info;
}

function parse(method: string, path: string, query: URLSearchParams): RequestInfo {
  let parts: string[];
  try {
    parts = path.split('/').filter((part) => part !== '');
    if (path.includes('%')) parts = parts.map(decodeURIComponent);
  } catch {
    return { kind: 'path', path };
  }
  const group = parts[0] === 'api' ? '' : parts[0] === 'apis' ? parts[1] : undefined;
  const version = parts[0] === 'api' ? parts[1] : parts[2];
  let rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  if (group === undefined || version === undefined || rest.length === 0) return { kind: 'path', path };
  const watchPath = rest[0] === 'watch' && rest.length > 1;
  if (watchPath) rest = rest.slice(1);
  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 2 && !namespaceSubresources.has(rest[2] ?? '')) {
    namespace = rest[1] ?? '';
    rest = rest.slice(2);
  }
  const [plural = '', name = '', subresource = '', ...more] = rest;
  const watching = watchPath || isTrue(query.get('watch'));
  const verb = verbOf(method, name, subresource, watching);
  return { kind: 'resource', verb, group, version, namespace, plural, name, subresource, rest: more.join('/') };
}

const connectSubresources = new Set(['exec', 'attach', 'portforward', 'proxy']);

function verbOf(method: string, name: string, subresource: string, watching: boolean): Verb {
  if (connectSubresources.has(subresource)) return 'connect';
  switch (method) {
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete';
    default:
      if (subresource !== '') return 'get';
      return watching ? 'watch' : name === '' ? 'list' : 'get';
  }
}

/** Go's strconv.ParseBool as the query conversion uses it: anything but 0 and false is true. */
export function isTrue(text: string | null): boolean {
  return text !== null && text !== '0' && text.toLowerCase() !== 'false';
}
