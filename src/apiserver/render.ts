/**
 * Stored objects → an answer in the form asked for: JSON text, or the bytes of protobuf. Plain lists concatenate the JSON that the
 * store keeps; nothing is parsed or serialized again.
 */
import type { Column, KindDefinition } from '../api/kind.ts';
import type { KubeObject, Live } from '../api/object.ts';
import { groupVersionOf } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import type { ListMeta } from '../api/gen/types.ts';
import type { Stored } from '../store/index.ts';
import type { Form, MetaVersion } from './http/negotiate.ts';
import { encodeItem, encodeList, encodeProtobuf } from './protobuf/encode.ts';

/** JSON text, or protobuf. */
export type Rendered = string | Buffer;

export function valueOf(stored: Stored): Live<KubeObject> {
  return stored.value as Live<KubeObject>;
}

/** What a stored object is to who asks in this version: the same one, but for what is stored otherwise. */
export function viewOf(kind: KindDefinition, stored: Stored): Stored {
  if (kind.kept === undefined) return stored;
  const value = valueOf(stored);
  const read = kind.kept.read(value);
  return read === value ? stored : { ...stored, value: read, json: JSON.stringify(read) };
}

/** Every stored object begins so (`normalized` in object-meta.ts), which lists cut off as upstream does. */
function jsonPrefix(resource: Resource): string {
  return `{"kind":${JSON.stringify(resource.kind)},"apiVersion":${JSON.stringify(groupVersionOf(resource))},`;
}

export function renderObject(kind: KindDefinition, stored: Stored, form: Form): Rendered {
  switch (form.kind) {
    case 'object': {
      const shown = viewOf(kind, stored);
      // The value is parsed when it is asked for: JSON does not need it.
      return form.encoding === 'protobuf' ? (encodeProtobuf(shown.value) ?? shown.json) : shown.json;
    }
    case 'metadata':
      return renderValue(partialMetadata(valueOf(stored), form.version), form);
    case 'table':
      return renderTable(kind, [stored], form, { resourceVersion: String(stored.revision) }, true);
  }
}

export function renderList(kind: KindDefinition, items: readonly Stored[], meta: ListMeta, form: Form): Rendered {
  switch (form.kind) {
    case 'object':
      return form.encoding === 'protobuf' ? protobufList(kind, items, meta) : jsonList(kind, items, meta);
    case 'metadata': {
      const parts = items.map((item) => partialMetadata(valueOf(item), form.version));
      const apiVersion = `meta.k8s.io/${form.version}`;
      return renderValue({ kind: 'PartialObjectMetadataList', apiVersion, metadata: meta, items: parts }, form);
    }
    case 'table':
      return renderTable(kind, items, form, meta, true);
  }
}

/** What is made for this answer alone. */
export function renderValue(value: object, { encoding }: Pick<Form, 'encoding'>): Rendered {
  return (encoding === 'protobuf' ? encodeProtobuf(value) : undefined) ?? JSON.stringify(value);
}

function jsonList(kind: KindDefinition, items: readonly Stored[], meta: ListMeta): string {
  const { resource } = kind;
  const prefix = jsonPrefix(resource);
  const parts = items.map((item) => {
    const { json } = viewOf(kind, item);
    // Custom objects keep their kind in lists: upstream's are unstructured.
    return kind.custom === undefined && json.startsWith(prefix) ? `{${json.slice(prefix.length)}` : json;
  });
  return `{"kind":"${listKindOf(resource)}","apiVersion":"${groupVersionOf(resource)}","metadata":${JSON.stringify(meta)},"items":[${parts.join(',')}]}`;
}

function protobufList(kind: KindDefinition, items: readonly Stored[], meta: ListMeta): Buffer {
  const { resource } = kind;
  const apiVersion = groupVersionOf(resource);
  return encodeList(
    apiVersion,
    listKindOf(resource),
    meta,
    items.map((item) => encodeItem(apiVersion, resource.kind, viewOf(kind, item).value)),
  );
}

function listKindOf(resource: Resource): string {
  return resource.listKind ?? `${resource.kind}List`;
}

/** In a watch only the first Table carries the columns. */
export function renderTable(
  kind: KindDefinition,
  items: readonly Stored[],
  form: TableForm,
  meta: ListMeta,
  withColumns: boolean,
): string {
  const objects = items.map((item) => valueOf(viewOf(kind, item)));
  return renderRows(kind.columns, objects, form, meta, withColumns);
}

type TableForm = Omit<Extract<Form, { kind: 'table' }>, 'encoding'>;

export function renderRows(
  columns: readonly Column<KubeObject>[],
  objects: readonly Live<KubeObject>[],
  { include, version }: TableForm,
  meta: ListMeta,
  withColumns: boolean,
): string {
  const now = Date.now();
  const rows = objects.map((object) => {
    const cells = columns.map((column) => column.cell(object, now));
    if (include === 'None') return { cells };
    return { cells, object: include === 'Object' ? object : partialMetadata(object, version) };
  });
  const columnDefinitions = withColumns
    ? columns.map(({ name, type, format, description, priority }) => ({
        name,
        type,
        format: format ?? '',
        description,
        priority,
      }))
    : null;
  const apiVersion = `meta.k8s.io/${version}`;
  return JSON.stringify({ kind: 'Table', apiVersion, metadata: meta, columnDefinitions, rows });
}

function partialMetadata(object: KubeObject, version: MetaVersion): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}
