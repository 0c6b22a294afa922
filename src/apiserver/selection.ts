/**
 * Which objects a list, watch or deletecollection is about: namespace, name, label selector, field selector.
 */
import type { KindDefinition } from '../api/kind.ts';
import type { KubeObject, Live } from '../api/object.ts';
import { parseFieldSelector, parseLabelSelector } from '../api/selectors/index.ts';
import { badRequest } from './errors.ts';
import type { ResourceRequest } from './request-info.ts';

export interface Selection {
  /** undefined: all. */
  readonly namespace: string | undefined;
  /** False: every object of the namespace is meant, nothing needs to be looked at. */
  readonly filtered: boolean;
  matches(object: KubeObject): boolean;
}

export function parseSelection(kind: KindDefinition, info: ResourceRequest, query: URLSearchParams): Selection {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const terms = parseFieldSelector(query.get('fieldSelector') ?? '').map(({ field, operator, value }) => {
    const read = fieldOf(kind, field);
    return (object: KubeObject): boolean => (read(object) === value) === (operator === '=');
  });
  if (info.name !== '') terms.push((object) => object.metadata?.name === info.name);
  return {
    namespace: info.namespace === '' ? undefined : info.namespace,
    filtered: !labels.empty || terms.length > 0,
    matches(object) {
      if (!labels.matches(object.metadata?.labels)) return false;
      if (terms.length === 0) return true;
      const shown = kind.custom?.read(object as Live<KubeObject>) ?? object;
      return terms.every((term) => term(shown));
    },
  };
}

/** Kinds with fields of their own and kinds without word the refusal differently upstream (each in its conversion.go). */
function fieldOf(kind: KindDefinition, field: string): (object: KubeObject) => string {
  if (field === 'metadata.name') return (object) => object.metadata?.name ?? '';
  if (field === 'metadata.namespace' && kind.resource.namespaced) return (object) => object.metadata?.namespace ?? '';
  const own = kind.fieldSelectors?.[field];
  if (own !== undefined) return own;
  if (kind.fieldSelectors !== undefined) throw badRequest(`field label not supported: ${field}`);
  throw badRequest(`"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`);
}
