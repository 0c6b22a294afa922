/**
 * What an authorizer is asked: a verb on a resource, or a method on a path. Upstream: k8s.io/apiserver/pkg/authorization/authorizer.
 */
import { parseFieldSelector } from '../../api/selectors/index.ts';
import type { FieldTerm } from '../../api/selectors/index.ts';
import type { RequestInfo, ResourceRequest } from '../request-info.ts';

export interface ResourceAttributes {
  readonly kind: 'resource';
  readonly verb: string;
  readonly group: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** `=` terms of the field selector, which may narrow a list down to what is allowed. */
  readonly fields: readonly FieldTerm[];
}

export interface PathAttributes {
  readonly kind: 'path';
  readonly verb: string;
  readonly path: string;
}

export type Attributes = ResourceAttributes | PathAttributes;

const byMethod: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

export function attributesOf(info: RequestInfo, method: string, query: URLSearchParams): Attributes {
  if (info.kind === 'path') return { kind: 'path', verb: method.toLowerCase(), path: info.path };
  const verb = byMethod[method] === undefined ? '' : info.verb === 'connect' ? (byMethod[method] ?? '') : info.verb;
  const fields = isCollection(info) ? fieldTerms(query.get('fieldSelector') ?? '') : [];
  const named = fields.find((term) => term.field === 'metadata.name')?.value ?? '';
  return resourceAttributes(verb, {
    group: info.group,
    // A namespace is a resource in itself, so that a Role in it may let it be read.
    namespace: info.plural === 'namespaces' && info.group === '' ? info.name : info.namespace,
    resource: info.plural,
    subresource: info.subresource,
    name: info.name === '' ? named : info.name,
    fields,
  });
}

export function resourceAttributes(
  verb: string,
  of: Partial<Omit<ResourceAttributes, 'kind' | 'verb'>> & Pick<ResourceAttributes, 'resource'>,
): ResourceAttributes {
  return { kind: 'resource', verb, group: '', namespace: '', subresource: '', name: '', fields: [], ...of };
}

function isCollection({ verb }: ResourceRequest): boolean {
  return verb === 'list' || verb === 'watch' || verb === 'deletecollection';
}

/** One that cannot be read is refused later, by who serves the list. */
function fieldTerms(text: string): readonly FieldTerm[] {
  if (text === '') return [];
  try {
    return parseFieldSelector(text).filter(({ operator }) => operator === '=');
  } catch {
    return [];
  }
}
