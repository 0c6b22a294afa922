/**
 * CustomResourceDefinition → one KindDefinition per served version, as if each were a file in `kinds/`.
 * Upstream: apiextensions-apiserver/pkg/registry/customresource (strategy.go, etcd.go), pkg/apiserver/customresource_handler.go.
 */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
  CustomResourceSubresourceScale,
} from '../gen/types.ts';
import { apiError } from '../errors.ts';
import type { FieldError } from '../field-errors.ts';
import type { KindDefinition } from '../kind.ts';
import { structuralType } from '../managed-fields/index.ts';
import type { MergeType, StructuralSchema } from '../managed-fields/index.ts';
import type { KubeObject, Live } from '../object.ts';
import { sameJson } from '../patch/json.ts';
import { resources } from '../resources.ts';
import type { Resource } from '../resources.ts';
import { dns1123SubdomainName, validateObjectMeta, validateMetadataUpdate } from '../validation/index.ts';
import { customColumns } from './columns.ts';
import { conversionsTo } from './conversions.ts';
import type { Converter } from './conversions.ts';
import { decodeCustom } from './decode.ts';
import { applySchemaDefaults } from './defaults.ts';
import { findAll, parseJsonPath } from './json-path.ts';
import { prune } from './prune.ts';
import { ruleCheckOf } from './rule-check.ts';
import { copyJson, isObject } from './schema.ts';
import type { Json, Schema } from './schema.ts';
import { validateAgainst } from './validate.ts';
import { isStable, versionsByPriority } from './versions.ts';

/** In the order of discovery. Only for a definition that is Established. */
export function customKinds(definition: CustomResourceDefinition, converter: Converter): readonly KindDefinition[] {
  const served = definition.spec.versions.filter((version) => version.served);
  return versionsByPriority(served).map((version) => customKind(definition, version, converter));
}

type Draft = KubeObject & Json;

function customKind(
  definition: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  converter: Converter,
): KindDefinition {
  const resource = resourceOf(definition, version.name);
  const schema: Schema = version.schema?.openAPIV3Schema ?? { 'x-kubernetes-preserve-unknown-fields': true };
  const hasStatus = version.subresources?.status !== undefined;
  const scale = version.subresources?.scale;
  const rules = ruleCheckOf(schema, resource);
  const validate = (object: KubeObject, old?: Live<KubeObject>): FieldError[] => {
    const errors = validateAgainst(withoutMeta(object), schema, old === undefined ? undefined : withoutMeta(old));
    return rules === undefined ? errors : [...errors, ...rules.check(object, old, errors)];
  };
  const validateUpdate = (object: KubeObject, old: Live<KubeObject>): FieldError[] => [
    ...validateMetadataUpdate(object, old),
    ...validateObjectMeta(object, resource.namespaced, dns1123SubdomainName),
    ...validate(object, old),
  ];
  const deprecation = deprecationOf(definition, version);
  const byWebhook = definition.spec.conversion?.strategy === 'Webhook';
  // What a webhook converts stays as it was written: a write need not ask, and a read asks anyway.
  const storage = byWebhook
    ? version.name
    : (definition.spec.versions.find((one) => one.storage)?.name ?? version.name);
  const conversions = byWebhook ? conversionsTo(`${resource.group}/${version.name}`, converter) : undefined;
  return {
    resource,
    ...(deprecation === undefined ? {} : { deprecation }),
    custom: {
      schema,
      decode: (value, validation, text) => decodeCustom(resource, schema, value, validation, text),
      ...(conversions === undefined ? {} : { prepare: conversions.prepare }),
    },
    kept: { resource: { ...resource, version: storage }, read: reader(resource, schema, conversions?.of) },
    merging: mergingOf(definition, schema),
    applyDefaults: (object) => applySchemaDefaults(object, schema),
    prepareForCreate(object) {
      if (hasStatus) Reflect.deleteProperty(object, 'status');
      (object as { metadata: object }).metadata = { ...object.metadata, generation: 1 };
    },
    prepareForUpdate(object, old) {
      if (hasStatus) keepField(object, old, 'status');
      const before = old.metadata.generation ?? 1;
      const same = sameJson(contentOf(object, hasStatus), contentOf(old, hasStatus));
      (object as { metadata: object }).metadata = { ...object.metadata, generation: same ? before : before + 1 };
    },
    validate: (object) => [
      ...validateObjectMeta(object, resource.namespaced, dns1123SubdomainName),
      ...validate(object),
    ],
    validateUpdate,
    ...(rules === undefined ? {} : { warnings: (object: KubeObject) => [...rules.warnings(object)] }),
    ...(hasStatus ? { status: { prepareForUpdate: keepAllButStatus, validateUpdate } } : {}),
    ...(scale === undefined ? {} : { scale: scaleOf(scale) }),
    columns: customColumns(version.additionalPrinterColumns),
    fieldSelectors: Object.fromEntries(
      (version.selectableFields ?? []).map(({ jsonPath }) => [jsonPath.replace(/^\./, ''), textAt(jsonPath)]),
    ),
    unconditionalUpdate: false,
    onWrite: (view, object, old) => {
      if (object === undefined) return;
      const found = view.get(resources.customResourceDefinitions, {
        namespace: '',
        name: definition.metadata?.name ?? '',
      });
      if (found === undefined) throw apiError(404, 'NotFound', 'the server could not find the requested resource', {});
      if (old === undefined && found.metadata.deletionTimestamp !== undefined) {
        throw apiError(405, 'MethodNotAllowed', 'create not allowed while custom resource definition is terminating', {
          ...(resource.group === '' ? {} : { group: resource.group }),
          kind: resource.plural,
        });
      }
    },
  };
}

function resourceOf({ spec, status }: CustomResourceDefinition, version: string): Resource {
  const names = status?.acceptedNames ?? spec.names;
  const { kind } = names;
  return {
    group: spec.group,
    version,
    plural: names.plural,
    singular: names.singular ?? kind.toLowerCase(),
    kind,
    listKind: names.listKind ?? `${kind}List`,
    namespaced: spec.scope === 'Namespaced',
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    schema: [...spec.group.split('.').reverse(), version, kind].join('.'),
  };
}

/** Worked out when somebody's ownership is: a definition may be large and never written to. */
function mergingOf({ spec }: CustomResourceDefinition, schema: Schema): NonNullable<KindDefinition['merging']> {
  let type: MergeType | undefined;
  return {
    get type() {
      // Only structural schemas are Established, so its unions are resolved.
      return (type ??= structuralType(schema as StructuralSchema));
    },
    versions: spec.versions.filter(({ served }) => served).map(({ name }) => `${spec.group}/${name}`),
  };
}

/** The schema may speak of metadata.name; everything else in metadata is not its business. */
function withoutMeta(object: KubeObject): object {
  const { name, generateName } = object.metadata ?? {};
  return {
    ...object,
    metadata: { ...(name === undefined ? {} : { name }), ...(generateName === undefined ? {} : { generateName }) },
  };
}

/** What raises metadata.generation. */
function contentOf(object: KubeObject, hasStatus: boolean): object {
  const { metadata: _meta, apiVersion: _version, ...content } = object as Json;
  if (hasStatus) delete content['status'];
  return content;
}

function keepField(object: KubeObject, old: KubeObject, field: string): void {
  const before = (old as Json)[field];
  if (before === undefined) Reflect.deleteProperty(object, field);
  else (object as Json)[field] = copyJson(before);
}

function keepAllButStatus(object: KubeObject, old: Live<KubeObject>): void {
  const draft = object as Draft;
  for (const key of Object.keys(draft)) if (key !== 'status') Reflect.deleteProperty(draft, key);
  for (const [key, value] of Object.entries(old)) if (key !== 'status') (draft as Json)[key] = copyJson(value);
}

/** Stored object → this version's: renamed, or as a webhook has it; the schema of today prunes and fills it. Frozen in, shared out. */
function reader(
  resource: Resource,
  schema: Schema,
  converted: ((object: Live<KubeObject>) => KubeObject) | undefined,
): (object: Live<KubeObject>) => Live<KubeObject> {
  const known = new WeakMap<object, Live<KubeObject>>();
  const apiVersion = `${resource.group}/${resource.version}`;
  return (object) => {
    const before = known.get(object);
    if (before !== undefined) return before;
    const copy = copyJson(converted?.(object) ?? object) as Live<KubeObject>;
    prune(copy, schema);
    applySchemaDefaults(copy, schema);
    const read = { ...copy, apiVersion };
    const result = sameJson(read, object) ? object : read;
    known.set(object, result);
    return result;
  };
}

function textAt(jsonPath: string): (object: KubeObject) => string {
  const path = parseJsonPath(jsonPath);
  return (object) => {
    const [value] = findAll(object, path);
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
  };
}

function scaleOf(paths: CustomResourceSubresourceScale): NonNullable<KindDefinition['scale']> {
  const number = (object: KubeObject, path: string): number | undefined => {
    const [value] = findAll(object, parseJsonPath(path));
    return typeof value === 'number' ? value : undefined;
  };
  const replicasPath = paths.specReplicasPath.split('.').slice(1);
  return {
    replicasPath,
    get(object) {
      const replicas = number(object, paths.specReplicasPath);
      if (replicas === undefined) {
        const why = `the spec replicas field ${JSON.stringify(paths.specReplicasPath)} does not exist`;
        throw apiError(500, 'InternalError', `Internal error occurred: ${why}`, { causes: [{ message: why }] });
      }
      const selector =
        paths.labelSelectorPath === undefined ? undefined : findAll(object, parseJsonPath(paths.labelSelectorPath))[0];
      return {
        replicas,
        statusReplicas: number(object, paths.statusReplicasPath) ?? 0,
        selector: typeof selector === 'string' ? selector : '',
      };
    },
    set(object, replicas) {
      let place = object as Json;
      for (const key of replicasPath.slice(0, -1)) {
        if (!isObject(place[key])) place[key] = {};
        place = place[key] as Json;
      }
      place[replicasPath.at(-1) ?? ''] = replicas;
    },
  };
}

/** Upstream: defaultDeprecationWarning in customresource_handler.go. */
function deprecationOf(
  { spec }: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
): string | undefined {
  if (version.deprecated !== true) return undefined;
  if (version.deprecationWarning !== undefined) return version.deprecationWarning;
  const text = `${spec.group}/${version.name} ${spec.names.kind} is deprecated`;
  const better = versionsByPriority(spec.versions).find(
    (one) => one.served && one.deprecated !== true && isStable(one.name),
  );
  return better === undefined ? text : `${text}; use ${spec.group}/${better.name} ${spec.names.kind}`;
}
