/**
 * The paths of the OpenAPI documents: every request that a kind answers, under upstream's operation ids, which code generators make
 * method names of. Upstream: apiserver/pkg/endpoints/installer.go, kube-openapi's builder, api/openapi-spec.
 *
 *   Pod  ──>  /api/v1/namespaces/{namespace}/pods/{name}/log  get: readCoreV1NamespacedPodLog
 *   connectable subresources: connectCoreV1GetNamespacedPodProxyWithPath
 */
import type { KindDefinition } from '../../api/kind.ts';
import { groupVersionOf } from '../../api/resources.ts';
import type { Resource } from '../../api/resources.ts';
import { subresourcesOf } from '../subresources/list.ts';
import type { SubresourceInfo } from '../subresources/list.ts';
import { operationOf } from './openapi-operation.ts';
import type { Operation } from './openapi-operation.ts';
import { groupVersionKind, listName, schemaName } from './openapi-schemas.ts';
import type { Dialect, Json } from './openapi-schemas.ts';

type GroupVersion = Pick<Resource, 'group' | 'version'>;

/** `/api/v1`, `/apis/apps/v1`. */
export function pathOf(of: GroupVersion): string {
  return `/${of.group === '' ? 'api' : 'apis'}/${groupVersionOf(of)}`;
}

export function kindPaths(kinds: readonly KindDefinition[], dialect: Dialect): Json {
  const paths: Json = {};
  for (const kind of kinds) Object.assign(paths, new KindPaths(kind, dialect).all());
  return paths;
}

/** What is only asked by POST. */
export function reviewPath(
  review: GroupVersion & { readonly plural: string; readonly kind: string; readonly namespaced: boolean },
  dialect: Dialect,
): Json {
  const operation = operationOf(dialect, {
    ...identityOf(review),
    action: 'post',
    id: `create${idOf(review)}${review.namespaced ? 'Namespaced' : ''}${review.kind}`,
    description: `create a ${review.kind}`,
    body: schemaName(review.kind),
    answer: schemaName(review.kind),
  });
  const scope = review.namespaced ? '/namespaces/{namespace}' : '';
  const parameters = pathParameters(review.namespaced ? ['namespace'] : [], review.kind, dialect);
  return { [`${pathOf(review)}${scope}/${review.plural}`]: { post: operation, parameters } };
}

/** GET of a version, which lists its resources. */
export function versionPath(of: GroupVersion, dialect: Dialect): Json {
  const operation = operationOf(dialect, {
    tag: tagOf(of),
    action: 'discovery',
    id: `get${idOf(of)}APIResources`,
    description: 'get available resources',
    answer: schemaName('APIResourceList'),
  });
  return { [`${pathOf(of)}/`]: { get: operation } };
}

/** `rbac.authorization.k8s.io` → `rbac`, `authorization`. */
function wordsOf({ group }: Pick<Resource, 'group'>): string[] {
  return group === '' ? ['core'] : group.replace(/\.k8s\.io$/, '').split(/[.-]/);
}

function idOf(of: GroupVersion): string {
  return [...wordsOf(of), of.version].map(capital).join('');
}

function tagOf(of: GroupVersion): string {
  const [first = '', ...rest] = wordsOf(of);
  return `${first}${rest.map(capital).join('')}_${of.version}`;
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

function identityOf(of: GroupVersion & Pick<Resource, 'kind'>): Pick<Operation, 'tag' | 'kind'> {
  return { tag: tagOf(of), kind: groupVersionKind(of) };
}

const methods = {
  list: 'get',
  post: 'post',
  deletecollection: 'delete',
  get: 'get',
  put: 'put',
  patch: 'patch',
  delete: 'delete',
} as const;
type Action = keyof typeof methods;
const ids: Readonly<Record<Action, string>> = {
  list: 'list',
  post: 'create',
  deletecollection: 'delete',
  get: 'read',
  put: 'replace',
  patch: 'patch',
  delete: 'delete',
};
const subresourceVerbs: Readonly<Record<string, Action>> = {
  get: 'get',
  update: 'put',
  patch: 'patch',
  create: 'post',
};
const connects: Readonly<Record<string, readonly string[]>> = {
  attach: ['get', 'post'],
  exec: ['get', 'post'],
  portforward: ['get', 'post'],
  proxy: ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'],
};

class KindPaths {
  readonly #kind: KindDefinition;
  readonly #dialect: Dialect;
  readonly #base: string;
  readonly #collection: string;
  readonly #scopes: readonly string[];

  constructor(kind: KindDefinition, dialect: Dialect) {
    const { resource } = kind;
    this.#kind = kind;
    this.#dialect = dialect;
    this.#base = pathOf(resource);
    this.#scopes = resource.namespaced ? ['namespace'] : [];
    this.#collection = `${resource.namespaced ? '/namespaces/{namespace}' : ''}/${resource.plural}`;
  }

  all(): Json {
    const { resource, unstored, custom } = this.#kind;
    const paths: Json = {};
    const add = (path: string, operations: Json, names: readonly string[], named = resource.kind): void => {
      if (Object.keys(operations).length === 0) return;
      const parameters = pathParameters(names, named, this.#dialect);
      paths[path] = { ...operations, ...(parameters.length === 0 ? {} : { parameters }) };
    };
    const item = `${this.#collection}/{name}`;
    const names = ['name', ...this.#scopes];
    const mass = resource.plural === 'namespaces' ? [] : (['deletecollection'] as const);
    add(`${this.#base}${this.#collection}`, this.#operations(['list', 'post', ...mass]), this.#scopes);
    add(`${this.#base}${item}`, this.#operations(['get', 'put', 'patch', 'delete']), names);
    for (const sub of subresourcesOf(this.#kind)) {
      const path = `${this.#base}${item}/${sub.name}`;
      const kind = connects[sub.name] === undefined ? resource.kind : (sub.kind ?? '');
      add(path, this.#subresource(sub, ''), names, kind);
      if (sub.name === 'proxy') add(`${path}/{path}`, this.#subresource(sub, 'WithPath'), [...names, 'path'], kind);
    }
    const everywhere = resource.namespaced && (unstored?.includes('list') ?? true);
    if (everywhere) add(`${this.#base}/${resource.plural}`, { get: this.#operation('list', 'ForAllNamespaces') }, []);
    if (unstored !== undefined || custom !== undefined) return paths;
    add(`${this.#base}/watch${this.#collection}`, { get: this.#watch('List') }, this.#scopes);
    add(`${this.#base}/watch${item}`, { get: this.#watch('') }, names);
    if (everywhere) add(`${this.#base}/watch/${resource.plural}`, { get: this.#watch('ListForAllNamespaces') }, []);
    return paths;
  }

  #operations(actions: readonly Action[]): Json {
    const { unstored } = this.#kind;
    const verbs: Readonly<Record<Action, string>> = { ...ids, list: 'list', get: 'get', post: 'create' };
    const have = actions.filter((action) => unstored?.includes(verbs[action]) ?? true);
    return Object.fromEntries(have.map((action) => [methods[action], this.#operation(action)]));
  }

  #operation(action: Action, suffix = ''): Json {
    const { resource, custom, returnsDeleted } = this.#kind;
    const own = schemaName(resource.schema);
    const status = schemaName('Status');
    const namespaced = resource.namespaced && suffix === '' ? 'Namespaced' : '';
    const collection = action === 'deletecollection' ? 'Collection' : '';
    return operationOf(this.#dialect, {
      ...identityOf(resource),
      action,
      id: `${ids[action]}${idOf(resource)}${collection}${namespaced}${resource.kind}${suffix}`,
      description: describe(action, resource.kind),
      custom: custom !== undefined,
      ...(action === 'post' || action === 'put' ? { body: own } : {}),
      answer:
        action === 'list'
          ? listName(resource)
          : action === 'deletecollection' || (action === 'delete' && returnsDeleted !== true)
            ? status
            : own,
    });
  }

  #watch(suffix: string): Json {
    const { resource } = this.#kind;
    const namespaced = resource.namespaced && suffix !== 'ListForAllNamespaces' ? 'Namespaced' : '';
    const instead = "deprecated: use the 'watch' parameter with a list operation instead";
    return operationOf(this.#dialect, {
      ...identityOf(resource),
      action: suffix === '' ? 'watch' : 'watchlist',
      id: `watch${idOf(resource)}${namespaced}${resource.kind}${suffix}`,
      description:
        suffix === ''
          ? `watch changes to an object of kind ${resource.kind}. ${instead}, filtered to a single item with the 'fieldSelector' parameter.`
          : `watch individual changes to a list of ${resource.kind}. ${instead}.`,
      answer: schemaName('WatchEvent'),
    });
  }

  #subresource(sub: SubresourceInfo, suffix: string): Json {
    const { resource, custom } = this.#kind;
    const { group = resource.group, version = resource.version, kind = resource.kind } = sub;
    const identity = { tag: tagOf(resource), kind: groupVersionKind({ group, version, kind }) };
    const id = `${idOf(resource)}$${resource.namespaced ? 'Namespaced' : ''}${resource.kind}${capital(sub.name)}${suffix}`;
    const connected = connects[sub.name]?.map((method) => [
      method,
      operationOf(this.#dialect, {
        ...identity,
        action: 'connect',
        id: `connect${id.replace('$', capital(method))}`,
        description: `connect ${method.toUpperCase()} requests to ${sub.name} of ${resource.kind}`,
        connects: sub.name,
      }),
    ]);
    if (connected !== undefined) return Object.fromEntries(connected) as Json;
    const schema = schemaName(kind === resource.kind ? resource.schema : kind);
    const operations = sub.verbs.flatMap((verb) => {
      const action = subresourceVerbs[verb];
      if (action === undefined) return [];
      const operation = operationOf(this.#dialect, {
        ...identity,
        action,
        id: `${ids[action]}${id.replace('$', '')}`,
        description: describe(action, resource.kind, `${sub.name} of `),
        custom: custom !== undefined,
        ...(action === 'post' || action === 'put' ? { body: schema } : {}),
        ...(sub.name === 'log' ? { connects: 'log' } : { answer: schema }),
      });
      return [[methods[action], operation] as const];
    });
    return Object.fromEntries(operations);
  }
}

function describe(action: Action, kind: string, part = ''): string {
  switch (action) {
    case 'list':
      return `list or watch objects of kind ${kind}`;
    case 'deletecollection':
      return `delete collection of ${kind}`;
    case 'post':
    case 'delete':
      return `${ids[action]} ${part}${articled(kind)}`;
    case 'patch':
      return `partially update ${part}the specified ${kind}`;
    case 'get':
    case 'put':
      return `${ids[action]} ${part}the specified ${kind}`;
  }
}

/** Upstream looks at the first letter, and leaves it out of names that end in `s`. */
function articled(kind: string): string {
  if (kind.endsWith('s') && !kind.endsWith('ss')) return kind;
  return `${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind}`;
}

function pathParameters(names: readonly string[], kind: string, { three }: Dialect): Json[] {
  const descriptions: Readonly<Record<string, string>> = {
    name: `name of the ${kind}`,
    namespace: 'object name and auth scope, such as for teams and projects',
    path: 'path to the resource',
  };
  const type = { type: 'string', uniqueItems: true };
  return names.map((name) => ({
    description: descriptions[name] ?? '',
    name,
    in: 'path',
    required: true,
    ...(three ? { schema: type } : type),
  }));
}
