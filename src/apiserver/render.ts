/**
 * Stored objects → the JSON of an answer, in the form asked for. Plain lists concatenate the JSON that the store keeps; nothing is
 * parsed or serialized again.
 */
import type { KindDefinition } from '../api/kind.ts';
import type { KubeObject, Live } from '../api/object.ts';
import { groupVersionOf } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import type { ListMeta } from '../api/gen/types.ts';
import type { Stored } from '../store/index.ts';
import type { Form } from './http/negotiate.ts';

export function valueOf(stored: Stored): Live<KubeObject> {
  return stored.value as Live<KubeObject>;
}

/** What a stored object is to who asks in this version: the same one, but for custom kinds. */
export function viewOf(kind: KindDefinition, stored: Stored): Stored {
  if (kind.custom === undefined) return stored;
  const value = valueOf(stored);
  const read = kind.custom.read(value);
  return read === value ? stored : { ...stored, value: read, json: JSON.stringify(read) };
}

/** Every stored object begins so (`normalized` in object-meta.ts), which lists cut off as upstream does. */
export function jsonPrefix(resource: Resource): string {
  return `{"kind":${JSON.stringify(resource.kind)},"apiVersion":${JSON.stringify(groupVersionOf(resource))},`;
}

export function renderObject(kind: KindDefinition, stored: Stored, form: Form): string {
  switch (form.kind) {
    case 'object':
      return viewOf(kind, stored).json;
    case 'metadata':
      return JSON.stringify(partialMetadata(valueOf(stored)));
    case 'table':
      return renderTable(kind, [stored], form.include, { resourceVersion: String(stored.revision) }, true);
  }
}

export function renderList(kind: KindDefinition, items: readonly Stored[], meta: ListMeta, form: Form): string {
  const { resource } = kind;
  const metadata = JSON.stringify(meta);
  switch (form.kind) {
    case 'object': {
      const prefix = jsonPrefix(resource);
      const parts = items.map((item) =>
        // Custom objects keep their kind in lists: upstream's are unstructured.
        kind.custom === undefined && item.json.startsWith(prefix)
          ? `{${item.json.slice(prefix.length)}`
          : viewOf(kind, item).json,
      );
      return `{"kind":"${resource.listKind ?? `${resource.kind}List`}","apiVersion":"${groupVersionOf(resource)}","metadata":${metadata},"items":[${parts.join(',')}]}`;
    }
    case 'metadata': {
      const parts = items.map((item) => JSON.stringify(partialMetadata(valueOf(item))));
      return `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":${metadata},"items":[${parts.join(',')}]}`;
    }
    case 'table':
      return renderTable(kind, items, form.include, meta, true);
  }
}

/** In a watch only the first Table carries the columns. */
export function renderTable(
  kind: KindDefinition,
  items: readonly Stored[],
  include: 'None' | 'Metadata' | 'Object',
  meta: ListMeta,
  withColumns: boolean,
): string {
  const now = Date.now();
  const rows = items.map((item) => {
    const object = valueOf(viewOf(kind, item));
    const cells = kind.columns.map((column) => column.cell(object, now));
    if (include === 'None') return { cells };
    return { cells, object: include === 'Object' ? object : partialMetadata(object) };
  });
  const columnDefinitions = withColumns
    ? kind.columns.map(({ name, type, format, description, priority }) => ({
        name,
        type,
        format: format ?? '',
        description,
        priority,
      }))
    : null;
  return JSON.stringify({ kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: meta, columnDefinitions, rows });
}

function partialMetadata(object: KubeObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}
