/**
 * A custom kind's schema as OpenAPI: for v3 as it is; for v2, which has no word for half of it, what v2 can say.
 * Upstream: apiextensions-apiserver/pkg/controller/openapi (builder, v2/conversion.go).
 */
import { isEmbedded, isObject, itemsOf, preservesUnknown, valuesOf } from './schema.ts';
import type { Json, Schema } from './schema.ts';

const texts = {
  apiVersion:
    'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources',
  kind: 'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds',
  embeddedApiVersion:
    'apiVersion defines the versioned schema of this representation of an object. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources',
  embeddedKind:
    'kind is a string value representing the type of this object. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds',
  metadata:
    "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
};

/** `meta`: the reference to ObjectMeta in this document. */
export function customOpenApi(schema: Schema, three: boolean, meta: Json): Json {
  // kubectl would refuse every field but those that are named here.
  if (!three && preservesUnknown(schema)) return { type: 'object' };
  const own = withEmbedded(three ? schema : toV2(schema), three, meta);
  const properties = isObject(own['properties']) ? own['properties'] : {};
  const known: Json = {
    apiVersion: { description: texts.apiVersion, type: 'string' },
    kind: { description: texts.kind, type: 'string' },
    metadata: metadataOf(three, meta),
  };
  return { ...own, type: 'object', properties: { ...properties, ...known } };
}

function metadataOf(three: boolean, meta: Json): Json {
  return three ? { description: texts.metadata, allOf: [meta] } : { description: texts.metadata, ...meta };
}

/** All that can be said about a value, but what combines schemas and what kubectl stumbles over. */
function toV2(schema: Schema): Json {
  const { allOf: _all, anyOf: _any, oneOf: _one, not: _not, nullable, ...out } = schema as Json;
  const items = itemsOf(schema);
  const values = valuesOf(schema);
  if (items !== undefined) out['items'] = toV2(items);
  if (values !== undefined) out['additionalProperties'] = toV2(values);
  if (schema.properties !== undefined) out['properties'] = mapValues(schema.properties, toV2);
  if (nullable === true) delete out['type'];
  if (nullable === true || preservesUnknown(schema)) {
    delete out['items'];
    delete out['properties'];
  }
  const isBare = out['items'] === undefined && out['type'] === 'array';
  if (isBare || (preservesUnknown(schema) && out['type'] === 'object')) delete out['type'];
  if (schema.required !== undefined) {
    const required = schema.required.filter((name) => schema.properties?.[name]?.nullable !== true);
    if (required.length === 0 || values?.nullable === true) delete out['required'];
    else out['required'] = required;
  }
  return out;
}

/** Whole objects inside: they have a kind and a name, too. Upstream: addEmbeddedProperties. */
function withEmbedded(schema: Schema, three: boolean, meta: Json): Json {
  const out: Json = { ...schema };
  const inner = (value: Schema): Json => withEmbedded(value, three, meta);
  const items = itemsOf(schema);
  const values = valuesOf(schema);
  if (items !== undefined) out['items'] = inner(items);
  if (values !== undefined) out['additionalProperties'] = inner(values);
  const { properties } = schema;
  if (properties !== undefined) out['properties'] = mapValues(properties, inner);
  if (!isEmbedded(schema) || (!three && preservesUnknown(schema))) return out;
  const required = schema.required ?? [];
  out['required'] = [...required, ...['kind', 'apiVersion'].filter((name) => !required.includes(name))];
  out['properties'] = {
    ...(out['properties'] as Json | undefined),
    apiVersion: { description: texts.embeddedApiVersion, type: 'string' },
    kind: { description: texts.embeddedKind, type: 'string' },
    metadata: metadataOf(three, meta),
  };
  return out;
}

function mapValues(of: Readonly<Record<string, Schema>>, map: (schema: Schema) => Json): Json {
  return Object.fromEntries(Object.entries(of).map(([key, child]) => [key, map(child)]));
}
