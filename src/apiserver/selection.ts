/**
 * Which objects a list, watch or deletecollection is about: namespace, name, label selector, field selector.
 */
import type { KindDefinition } from '../api/kind.ts';
import { parseFieldSelector, parseLabelSelector } from '../api/selectors/index.ts';
import type { LabelMatcher } from '../api/selectors/index.ts';
import type { Stored } from '../store/index.ts';
import { badRequest } from './errors.ts';
import { valueOf } from './render.ts';
import type { ResourceRequest } from './request-info.ts';

export interface Selection {
  /** undefined: all. */
  readonly namespace: string | undefined;
  /** False: every object of the namespace is meant, nothing needs to be looked at. */
  readonly filtered: boolean;
  matches(item: Stored): boolean;
}

export function parseSelection(kind: KindDefinition, info: ResourceRequest, query: URLSearchParams): Selection {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const terms = parseFieldSelector(query.get('fieldSelector') ?? '').map(({ field, operator, value }) => {
    const read = fieldOf(kind, field);
    return (item: Stored): boolean => (read(item) === value) === (operator === '=');
  });
  if (info.name !== '') terms.push((item) => item.name === info.name);
  if (!labels.empty) terms.push(labelled(labels));
  return {
    namespace: info.namespace === '' ? undefined : info.namespace,
    filtered: terms.length > 0,
    // Names before labels: they are known without a look into the object.
    matches: (item) => terms.every((term) => term(item)),
  };
}

/**
 * An object whose JSON nowhere says the name of such a label has none of them: nothing is parsed to find that out. Label names are
 * ASCII without quotes, so JSON writes them as they are.
 */
function labelled(labels: LabelMatcher): (item: Stored) => boolean {
  const names = labels.keys.map((key) => JSON.stringify(key));
  const withNone = labels.matches(undefined);
  return (item) =>
    names.some((name) => item.json.includes(name)) ? labels.matches(valueOf(item).metadata.labels) : withNone;
}

/** Kinds with fields of their own and kinds without word the refusal differently upstream (each in its conversion.go). */
function fieldOf(kind: KindDefinition, field: string): (item: Stored) => string {
  if (field === 'metadata.name') return (item) => item.name;
  if (field === 'metadata.namespace' && kind.resource.namespaced) return (item) => item.namespace;
  const own = kind.fieldSelectors?.[field];
  if (own !== undefined) return (item) => own(kind.kept?.read(valueOf(item)) ?? valueOf(item));
  if (kind.fieldSelectors !== undefined) throw badRequest(`field label not supported: ${field}`);
  throw badRequest(`"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`);
}
