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
  metadata:
    "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
};

/** `meta`: the reference to ObjectMeta in this document. */
export function customOpenApi(schema: Schema, three: boolean, meta: Json): Json {
  const own = three ? { ...(schema as Json) } : toV2(schema);
  const properties = isObject(own['properties']) ? own['properties'] : {};
  const known: Json = {
    apiVersion: { description: texts.apiVersion, type: 'string' },
    kind: { description: texts.kind, type: 'string' },
    metadata: three ? { description: texts.metadata, allOf: [meta] } : { description: texts.metadata, ...meta },
  };
  return { ...own, type: 'object', properties: { ...properties, ...known } };
}

function toV2(schema: Schema): Json {
  const out: Json = {};
  if (schema.description !== undefined) out['description'] = schema.description;
  for (const [key, value] of Object.entries(schema))
    if (key.startsWith('x-kubernetes-') && key !== 'x-kubernetes-validations') out[key] = value;
  // A client that checked these would refuse what the server takes.
  if (schema.nullable === true || schema['x-kubernetes-int-or-string'] === true) return out;
  if (schema.type !== undefined) out['type'] = schema.type;
  if (schema.format !== undefined) out['format'] = schema.format;
  if (preservesUnknown(schema) || isEmbedded(schema)) return out;
  if (schema.required !== undefined) out['required'] = schema.required;
  const items = itemsOf(schema);
  if (items !== undefined) out['items'] = toV2(items);
  const values = valuesOf(schema);
  if (values !== undefined) out['additionalProperties'] = toV2(values);
  if (schema.properties !== undefined) {
    out['properties'] = Object.fromEntries(Object.entries(schema.properties).map(([key, child]) => [key, toV2(child)]));
  }
  return out;
}
