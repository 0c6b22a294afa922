/**
 * gen/schema.json and the descriptions → OpenAPI schemas under upstream's names (`io.k8s.api.core.v1.Service`), with what kubectl
 * reads besides types: x-kubernetes-group-version-kind, patch strategies, int-or-string.
 */
import { readFileSync } from 'node:fs';
import { mergeNotes } from '../../api/managed-fields/index.ts';
import { mergeKey, patchStrategy } from '../../api/merge-keys.ts';
import { groupVersionOf } from '../../api/resources.ts';
import type { Resource } from '../../api/resources.ts';
import { goFields, typeSchema } from '../../api/schema.ts';
import type { FieldSchema } from '../../api/schema.ts';

export type Json = Record<string, unknown>;

/** How a document points at a schema: `#/components/schemas/` (v3) or `#/definitions/` (v2). */
export interface Dialect {
  readonly prefix: string;
  readonly three: boolean;
}

export const v3: Dialect = { prefix: '#/components/schemas/', three: true };
export const v2: Dialect = { prefix: '#/definitions/', three: false };

const either = (...types: readonly string[]): Json => ({ oneOf: types.map((type) => ({ type })) });

/** What Go has as types of their own and JSON as plain values. v2 has no way to say `either`. */
export const valueTypes: Readonly<
  Record<'FieldsV1' | 'IntOrString' | 'MicroTime' | 'Quantity' | 'Time', (dialect: Dialect) => Json>
> = {
  FieldsV1: () => ({ type: 'object' }),
  IntOrString: ({ three }) => ({
    ...(three ? either('integer', 'string') : { type: 'string' }),
    format: 'int-or-string',
  }),
  MicroTime: () => ({ type: 'string', format: 'date-time' }),
  Quantity: ({ three }) => (three ? either('string', 'number') : { type: 'string' }),
  Time: () => ({ type: 'string', format: 'date-time' }),
};

type Named = Pick<Resource, 'group' | 'version' | 'kind' | 'schema'>;

/** The schemas of these types and of all that they refer to. */
export function collectSchemas(types: readonly string[], resources: readonly Named[], dialect: Dialect): Json {
  const out: Json = {};
  const queue = [...types];
  for (let type = queue.shift(); type !== undefined; type = queue.shift()) {
    const name = schemaName(type);
    if (name in out) continue;
    const schema = typeToSchema(type, dialect, (ref) => queue.push(ref));
    const kinds = resources.filter((resource) => resource.schema === type);
    // A Scale is the body of many.
    const distinct = new Map(kinds.map((kind) => [`${groupVersionOf(kind)} ${kind.kind}`, groupVersionKind(kind)]));
    if (distinct.size > 0) schema['x-kubernetes-group-version-kind'] = [...distinct.values()];
    out[name] = schema;
  }
  return out;
}

/** The schema of its lists. */
export function listName({ schema }: Pick<Resource, 'schema'>): string {
  return `${schemaName(schema)}List`;
}

export function groupVersionKind({ group, version, kind }: Pick<Resource, 'group' | 'version' | 'kind'>): Json {
  return { group, kind, version };
}

const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const extensionsPackage = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
/** Of packages whose messages we have not. */
const extensionTypes = [
  'CustomResourceColumnDefinition',
  'CustomResourceConversion',
  'CustomResourceDefinition',
  'CustomResourceDefinitionCondition',
  'CustomResourceDefinitionNames',
  'CustomResourceDefinitionSpec',
  'CustomResourceDefinitionStatus',
  'CustomResourceDefinitionVersion',
  'CustomResourceSubresourceScale',
  'CustomResourceSubresources',
  'CustomResourceValidation',
  'ExternalDocumentation',
  'JSONSchemaProps',
  'SelectableField',
  'ValidationRule',
  'WebhookConversion',
];
const registrationTypes = [
  'MatchCondition',
  'MutatingWebhook',
  'MutatingWebhookConfiguration',
  'RuleWithOperations',
  'ValidatingWebhook',
  'ValidatingWebhookConfiguration',
];
/** Of two versions, ours says of which the earlier one is. */
const v1AutoscalingTypes = [
  'CrossVersionObjectReference',
  'HorizontalPodAutoscaler',
  'HorizontalPodAutoscalerSpec',
  'HorizontalPodAutoscalerStatus',
];
let names: ReadonlyMap<string, string> | undefined;

/** Packages as the protobuf messages have them; what has no message is taken for core. */
export function schemaName(type: string): string {
  names ??= loadNames();
  // A custom kind's is its name already.
  return names.get(type) ?? (type.includes('.') ? type : `io.k8s.api.core.v1.${type}`);
}

const aggregatorPackage = 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1';

function loadNames(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const message of Object.keys(readJson('../protobuf/fields.json'))) {
    const type = message.slice(message.lastIndexOf('.') + 1);
    const machinery = message.startsWith('meta.') ? 'apis.' : /^(api|util|runtime)\./.test(message) ? '' : undefined;
    found.set(
      type,
      machinery === undefined ? `io.k8s.api.${message}` : `io.k8s.apimachinery.pkg.${machinery}${message}`,
    );
  }
  for (const type of ['MicroTime', 'Patch', 'Time', 'Status', 'StatusDetails', 'StatusCause', 'ListMeta', 'ShardInfo'])
    found.set(type, `${metaPackage}.${type}`);
  for (const type of extensionTypes) found.set(type, `${extensionsPackage}.${type}`);
  for (const type of registrationTypes) found.set(type, `io.k8s.api.admissionregistration.v1.${type}`);
  for (const name of [...found.keys()].filter((type) => type.startsWith('APIService'))) {
    found.set(name, `${aggregatorPackage}.${name}`);
  }
  // Where two packages have one name, ours has a prefix.
  for (const type of ['ServiceReference', 'WebhookClientConfig']) {
    found
      .set(`Apiextensions${type}`, `${extensionsPackage}.${type}`)
      .set(`Admissionregistration${type}`, `io.k8s.api.admissionregistration.v1.${type}`);
  }
  for (const type of ['Event', 'EventSeries']) {
    found.set(type, `io.k8s.api.core.v1.${type}`).set(`Events${type}`, `io.k8s.api.events.v1.${type}`);
  }
  for (const type of v1AutoscalingTypes) found.set(`V1${type}`, `io.k8s.api.autoscaling.v1.${type}`);
  return found
    .set('EndpointPort', 'io.k8s.api.discovery.v1.EndpointPort')
    .set('RbacSubject', 'io.k8s.api.rbac.v1.Subject')
    .set('FlowcontrolSubject', 'io.k8s.api.flowcontrol.v1.Subject')
    .set('TokenRequest', 'io.k8s.api.authentication.v1.TokenRequest')
    .set('StorageTokenRequest', 'io.k8s.api.storage.v1.TokenRequest')
    .set('ApiregistrationServiceReference', `${aggregatorPackage}.ServiceReference`)
    .set('CoreEndpointPort', 'io.k8s.api.core.v1.EndpointPort')
    .set('CoreResourceClaim', 'io.k8s.api.core.v1.ResourceClaim');
}

function typeToSchema(type: string, dialect: Dialect, refer: (type: string) => void): Json {
  const value = Object.entries(valueTypes).find(([name]) => name === type)?.[1];
  if (value !== undefined) return { ...described(type, ''), ...value(dialect) };
  const { [type]: plain } = plainTypes(dialect, refer);
  if (plain !== undefined) return plain;
  const properties: Json = {};
  const required: string[] = [];
  for (const [field, schema] of typeSchema(type) ?? []) {
    const property = fieldToSchema(asReferences(schema, `${type}.${field}`), dialect, refer);
    properties[field] = { ...property, ...described(type, field), ...merging(type, field) };
    if (schema.required === true) required.push(field);
  }
  return {
    ...described(type, ''),
    type: 'object',
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
    ...mergeNotes(type),
  };
}

/** Of apimachinery, without a model of their own in the schema. */
function plainTypes(dialect: Dialect, refer: (type: string) => void): Readonly<Record<string, Json>> {
  const raw = (): Json => {
    refer('RawExtension');
    return { $ref: `${dialect.prefix}${schemaName('RawExtension')}` };
  };
  return {
    Patch: {
      description: 'Patch is provided to give a concrete name and type to the Kubernetes PATCH request body.',
      type: 'object',
    },
    RawExtension: { description: 'RawExtension is used to hold extensions in external versions.', type: 'object' },
    get WatchEvent() {
      return {
        description: 'Event represents a single event to a watched resource.',
        type: 'object',
        properties: { object: raw(), type: { type: 'string' } },
        required: ['type', 'object'],
      };
    },
  };
}

type Descriptions = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Only while documents are made of them: afterwards the memory is better used. */
let descriptions: WeakRef<readonly Descriptions[]> | undefined;

function described(type: string, field: string): { readonly description?: string } {
  let sources = descriptions?.deref();
  if (sources === undefined) {
    sources = ['descriptions.json', '../../api/gen/descriptions.json'].map((path) => readJson(path) as Descriptions);
    descriptions = new WeakRef(sources);
  }
  const description = sources.map((texts) => texts[type]?.[field]).find((text) => text !== undefined && text !== '');
  return description === undefined ? {} : { description };
}

function readJson(path: string): object {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as object;
}

/** A list of plain values merges as a set and has no key. */
function merging(type: string, field: string): Json {
  const strategy = patchStrategy(type, field);
  const key = mergeKey(type, field) ?? '';
  return {
    ...mergeNotes(`${type}.${field}`),
    ...(strategy === undefined ? {} : { 'x-kubernetes-patch-strategy': strategy }),
    ...(key === '' ? {} : { 'x-kubernetes-patch-merge-key': key }),
  };
}

/** The values that upstream has definitions for, alone, in lists and in maps. */
function asReferences(schema: FieldSchema, path: string): FieldSchema {
  if (path === 'ControllerRevision.data') return { ref: 'RawExtension' };
  if (schema.items !== undefined) return { ...schema, items: asReferences(schema.items, path) };
  if (schema.values !== undefined) return { ...schema, values: asReferences(schema.values, path) };
  if (goFields().quantities.has(path)) return { ref: 'Quantity' };
  if (path === 'ManagedFieldsEntry.fieldsV1') return { ref: 'FieldsV1' };
  if (schema.type === 'int-or-string') return { ref: 'IntOrString' };
  if (schema.format === 'micro-time') return { ref: 'MicroTime' };
  if (schema.format === 'date-time') return { ref: 'Time' };
  return schema;
}

function fieldToSchema(schema: FieldSchema, dialect: Dialect, refer: (type: string) => void): Json {
  if (schema.ref !== undefined) {
    refer(schema.ref);
    const $ref = `${dialect.prefix}${schemaName(schema.ref)}`;
    // Beside $ref nothing else counts in v3.0, so it is wrapped to carry a description.
    return dialect.three ? { allOf: [{ $ref }], ...(schema.ref in valueTypes ? {} : { default: {} }) } : { $ref };
  }
  if (schema.items !== undefined) return { type: 'array', items: fieldToSchema(schema.items, dialect, refer) };
  if (schema.values !== undefined)
    return { type: 'object', additionalProperties: fieldToSchema(schema.values, dialect, refer) };
  if (schema.type === 'any' || schema.type === undefined) return { type: 'object' };
  return { type: schema.type, ...(schema.format === undefined ? {} : { format: schema.format }) };
}
