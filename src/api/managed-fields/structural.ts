/**
 * The merge type of a structural OpenAPI schema, as CustomResourceDefinitions carry it: `x-kubernetes-list-type`,
 * `x-kubernetes-list-map-keys`, `x-kubernetes-map-type`, `x-kubernetes-preserve-unknown-fields`, `x-kubernetes-int-or-string`,
 * `x-kubernetes-embedded-resource`, defaults of key fields.
 * Upstream: kube-openapi pkg/schemaconv/openapi.go; apiextensions pkg/apiserver/schema/kubeopenapi.go.
 */
import { builtInType } from './built-in.ts';
import { fieldElement } from './element.ts';
import type { MapField, MergeType } from './merge-type.ts';
import { deducedValue, scalarType } from './merge-type.ts';

export interface StructuralSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema | boolean;
  readonly items?: StructuralSchema;
  readonly default?: unknown;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
}

/** `schema`: of the whole object; apiVersion, kind and metadata need not be in it. */
export function structuralType(schema: StructuralSchema): MergeType {
  return withMeta(mapType(schema));
}

function typeOf(schema: StructuralSchema): MergeType {
  if (schema['x-kubernetes-int-or-string'] === true) return scalarType('untyped');
  if (schema['x-kubernetes-embedded-resource'] === true) return withMeta(mapType(schema));
  switch (schema.type) {
    case 'string':
      return scalarType('string');
    case 'integer':
    case 'number':
      return scalarType('numeric');
    case 'boolean':
      return scalarType('boolean');
    case 'array':
      return listType(schema);
    case 'object':
      return mapType(schema);
    default:
      return deducedValue;
  }
}

function listType(schema: StructuralSchema): MergeType {
  const kind = schema['x-kubernetes-list-type'] ?? 'atomic';
  const keys = kind === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : [];
  const element = schema.items === undefined ? deducedValue : typeOf(schema.items);
  return { list: { atomic: kind === 'atomic', keys, element } };
}

function mapType(schema: StructuralSchema): MergeType {
  const fields = new Map(Object.entries(schema.properties ?? {}).map(([name, field]) => [name, fieldOf(name, field)]));
  const more = schema.additionalProperties;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || more === true || (fields.size === 0 && !more);
  const element = typeof more === 'object' ? typeOf(more) : open ? deducedValue : undefined;
  return { map: { atomic: schema['x-kubernetes-map-type'] === 'atomic', fields, element } };
}

function fieldOf(name: string, schema: StructuralSchema): MapField {
  return {
    step: fieldElement(name),
    type: typeOf(schema),
    ...(schema.default === undefined ? {} : { default: schema.default }),
  };
}

function withMeta(type: MergeType): MergeType {
  const { map } = type;
  const fields = new Map(map?.fields);
  for (const name of ['apiVersion', 'kind']) fields.set(name, { step: fieldElement(name), type: scalarType('string') });
  fields.set('metadata', { step: fieldElement('metadata'), type: builtInType('ObjectMeta'), zero: {} });
  return { map: { atomic: map?.atomic ?? false, fields, element: map?.element } };
}
