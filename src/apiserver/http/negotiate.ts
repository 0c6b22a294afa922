/**
 * The Accept header → the form of the answer: the object itself, a Table for people, or metadata only.
 *
 *   application/json;as=Table;v=v1;g=meta.k8s.io,application/json      first form that we can give wins
 */
import type { Incoming } from './listener.ts';
import { notAcceptable } from '../errors.ts';

export type Form =
  | { readonly kind: 'object' }
  | { readonly kind: 'table'; readonly include: 'None' | 'Metadata' | 'Object' }
  | { readonly kind: 'metadata' };

export const accepted = ['application/json', 'application/yaml'] as const;

const types = new Set<string>([...accepted, '*/*', 'application/*']);

export function negotiate(request: Incoming, query: URLSearchParams): Form {
  const header = String(request.headers.accept ?? '').trim();
  if (header === '') return { kind: 'object' };
  for (const option of header.split(',')) {
    const [type = '', ...rest] = option.split(';').map((part) => part.trim());
    if (!types.has(type.toLowerCase())) continue;
    const parameters = new URLSearchParams(rest.join('&'));
    const form = formOf(parameters, query);
    if (form !== undefined) return form;
  }
  throw notAcceptable(accepted);
}

function formOf(parameters: URLSearchParams, query: URLSearchParams): Form | undefined {
  const as = parameters.get('as');
  if (as === null) return { kind: 'object' };
  if (parameters.get('g') !== 'meta.k8s.io' || parameters.get('v') !== 'v1') return undefined;
  switch (as) {
    case 'Table': {
      const include = query.get('includeObject');
      return { kind: 'table', include: include === 'None' || include === 'Object' ? include : 'Metadata' };
    }
    case 'PartialObjectMetadata':
    case 'PartialObjectMetadataList':
      return { kind: 'metadata' };
    default:
      return undefined;
  }
}

/** Answers of the same form can share their bytes. */
export function formKey(form: Form): string {
  return form.kind === 'table' ? `table/${form.include}` : form.kind;
}
