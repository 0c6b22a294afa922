/**
 * The columns of a custom kind: NAME, then additionalPrinterColumns, or AGE where there are none.
 * Upstream: apiextensions-apiserver/pkg/registry/customresource/tableconvertor/tableconvertor.go.
 */
import type { CustomResourceColumnDefinition } from '../gen/types.ts';
import type { Cell, Column } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { age } from '../time.ts';
import { findAll, JsonPathError, parseJsonPath } from './json-path.ts';
import type { JsonPath } from './json-path.ts';

const nameText =
  'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names';
const ageText =
  'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata';

const defaultColumns: readonly CustomResourceColumnDefinition[] = [
  { name: 'Age', type: 'date', description: ageText, jsonPath: '.metadata.creationTimestamp' },
];

export function customColumns(
  wanted: readonly CustomResourceColumnDefinition[] | undefined,
): readonly Column<KubeObject>[] {
  const name: Column<KubeObject> = {
    name: 'Name',
    type: 'string',
    format: 'name',
    description: nameText,
    priority: 0,
    cell: (object) => object.metadata.name,
  };
  const own = wanted === undefined || wanted.length === 0 ? defaultColumns : wanted;
  return [name, ...own.map(columnOf)];
}

function columnOf(definition: CustomResourceColumnDefinition): Column<KubeObject> {
  const path = readPath(definition.jsonPath);
  const type = definition.type as Column<KubeObject>['type'];
  return {
    name: definition.name,
    type,
    ...(definition.format === undefined ? {} : { format: definition.format }),
    description:
      definition.description ?? `Custom resource definition column (in JSONPath format): ${definition.jsonPath}`,
    priority: definition.priority ?? 0,
    cell: (object, now) => cellOf(type, findAll(object, path), now),
  };
}

/** Checked when the definition was written; one that an older server let in shows nothing. */
function readPath(text: string): JsonPath {
  try {
    return parseJsonPath(text);
  } catch (error) {
    if (error instanceof JsonPathError) return [{ kind: 'filter', test: () => false }];
    throw error;
  }
}

function cellOf(type: string, found: readonly unknown[], now: number): Cell {
  const [value] = found;
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      if (typeof value !== 'string') return null;
      return Number.isNaN(Date.parse(value)) ? '<invalid>' : age(value, now);
    default:
      return typeof value === 'string' ? value : JSON.stringify(value);
  }
}
