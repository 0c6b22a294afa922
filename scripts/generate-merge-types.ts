/**
 * Generates how server-side apply merges each type of the schema, from upstream's own schema of its types:
 *
 *   k8s.io/client-go/applyconfigurations/internal/internal.go (v0.36)  ──>  src/api/gen/merge-types.json
 *
 *   lists     `Type.field` → keys of a list that merges as a map; [] for a set. All other lists are atomic.
 *   atomic    types, and `Type.field` of maps, that are replaced as a whole
 *   structs   `Type.field` that Go holds by value: it is there, empty, where JSON has nothing
 *   defaults  `Type.field` → what a key that is left out counts as
 *
 * Run it once per release: `go mod download k8s.io/client-go@v0.36.0`, then
 * `scripts/with-node scripts/generate-merge-types.ts PATH/OF/internal.go`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

interface UpstreamRef {
  readonly namedType?: string;
  readonly list?: { readonly elementRelationship: string; readonly keys?: readonly string[] };
  readonly map?: { readonly elementRelationship?: string };
}
interface UpstreamField {
  readonly name: string;
  readonly type: UpstreamRef;
  readonly default?: unknown;
}
interface UpstreamType {
  readonly name: string;
  readonly map?: { readonly fields?: readonly UpstreamField[]; readonly elementRelationship?: string };
}
type OurType = Readonly<Record<string, { readonly ref?: string }>>;

/** Not in client-go: `+listType` in k8s.io/apiextensions-apiserver pkg/apis/apiextensions/v1 types.go, types_jsonschema.go. */
const lists: Record<string, readonly string[]> = {
  'CustomResourceDefinitionStatus.conditions': ['type'],
  'JSONSchemaProps.x-kubernetes-validations': ['rule'],
  'APIServiceStatus.conditions': ['type'],
};
const structs = [
  ...['metadata', 'spec', 'status'].map((field) => `CustomResourceDefinition.${field}`),
  'CustomResourceDefinitionSpec.names',
  'CustomResourceDefinitionStatus.acceptedNames',
  ...['metadata', 'spec', 'status'].flatMap((field) => [`APIService.${field}`, `Scale.${field}`]),
];
const atomic: string[] = [];
const defaults: Record<string, unknown> = {};

function readUpstream(path: string): ReadonlyMap<string, readonly UpstreamType[]> {
  const yaml = /YAMLObject\(`([\s\S]*?)`\)/.exec(readFileSync(path, 'utf8'))?.[1];
  if (yaml === undefined) throw new Error(`${path} has no schema`);
  const { types } = parse(yaml) as { readonly types: readonly UpstreamType[] };
  return Map.groupBy(types, ({ name }) => name.slice(name.lastIndexOf('.') + 1));
}

const prefixes =
  /^(?:Core|Events|Discovery|Storage|Authentication|Rbac|Admissionregistration|Apiextensions|Apiregistration|V1)/;

const laterTypes = new Set(['CrossVersionObjectReference', 'HorizontalPodAutoscaler']);

/** Upstream's type with the same last name and the same fields. */
function find(
  upstream: ReadonlyMap<string, readonly UpstreamType[]>,
  name: string,
  type: OurType,
): UpstreamType | undefined {
  const want = Object.keys(type).sort().join();
  const candidates = [...(upstream.get(name) ?? []), ...(upstream.get(name.replace(prefixes, '')) ?? [])];
  // Of two that we have, the one without its version in our name is v2's.
  const ours = laterTypes.has(name) ? candidates.filter((one) => one.name.includes('.v2.')) : candidates;
  return ours.find(
    ({ map }) =>
      (map?.fields ?? [])
        .map((field) => field.name)
        .sort()
        .join() === want,
  );
}

function record(name: string, type: UpstreamType): void {
  if (type.map?.elementRelationship === 'atomic') atomic.push(name);
  for (const field of type.map?.fields ?? []) {
    const path = `${name}.${field.name}`;
    const { list, map, namedType } = field.type;
    if (list?.elementRelationship === 'associative') lists[path] = list.keys ?? [];
    if (map?.elementRelationship === 'atomic') atomic.push(path);
    if (namedType !== undefined && isEmptyMap(field.default)) structs.push(path);
  }
}

function isEmptyMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function main(path: string): void {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const schema = JSON.parse(readFileSync(`${root}/src/api/gen/schema.json`, 'utf8')) as Record<string, OurType>;
  const upstream = readUpstream(path);
  const elements = new Map<string, UpstreamType>();
  for (const [name, type] of Object.entries(schema)) {
    const found = find(upstream, name, type);
    if (found === undefined) continue;
    record(name, found);
    elements.set(name, found);
  }
  for (const [path, keys] of Object.entries(lists)) {
    const [holder = '', field = ''] = path.split('.');
    const element = (schema[holder]?.[field] as { readonly items?: { readonly ref?: string } } | undefined)?.items?.ref;
    for (const { name, default: value } of elements.get(element ?? '')?.map?.fields ?? []) {
      if (keys.includes(name) && value !== undefined) defaults[`${element ?? ''}.${name}`] = value;
    }
  }
  const out = { lists, atomic, structs, defaults };
  writeFileSync(`${root}/src/api/gen/merge-types.json`, JSON.stringify(out));
  console.log(`${elements.size} of ${Object.keys(schema).length} types written`);
}

main(process.argv[2] ?? '');
