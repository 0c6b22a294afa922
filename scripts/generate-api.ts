/**
 * Generates what we know of the Kubernetes API from a well-kept package, `@kubernetes/client-node` (release-1.36):
 *
 *   client-node/dist/gen/models/V1*.{js,d.ts}
 *        |                         |
 *        v                         v
 *   src/api/gen/types.ts      src/api/gen/schema.json        src/api/gen/descriptions.json
 *   (wire types, JSON shape)  (fields, types, required)      (texts, for `kubectl explain`; loaded on demand)
 *
 * Only the kinds in ROOTS and what they refer to are taken. Run it with `npm run generate` after raising the version.
 * What the package does not carry (merge keys, list types) is in src/api/merge-keys.ts, by hand.
 */
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const modelDir = join(root, 'node_modules/@kubernetes/client-node/dist/gen/models');
const outDir = join(root, 'src/api/gen');

/** The kinds that are served now or by the issues that are open; adding one is adding its model's name. */
const ROOTS =
  `V1Namespace V1Node V1Pod V1Service V1Endpoints V1EndpointSlice V1ConfigMap V1Secret V1ServiceAccount CoreV1Event
EventsV1Event V1Lease V1Deployment V1ReplicaSet V1Status V1ReplicationController V1DaemonSet V1StatefulSet V1Job V1CronJob V1ControllerRevision
V1PodTemplate V1LimitRange V1ResourceQuota V1Ingress V1IngressClass V1NetworkPolicy V1ServiceCIDR V1IPAddress V1PriorityClass
V1RuntimeClass V1StorageClass V1PersistentVolume V1PersistentVolumeClaim V1PodDisruptionBudget V2HorizontalPodAutoscaler
V1HorizontalPodAutoscaler V1Role
V1ClusterRole V1RoleBinding V1ClusterRoleBinding V1CertificateSigningRequest V1TokenReview V1SubjectAccessReview
V1SelfSubjectAccessReview V1LocalSubjectAccessReview V1SelfSubjectRulesReview V1SelfSubjectReview AuthenticationV1TokenRequest
V1ValidatingWebhookConfiguration V1MutatingWebhookConfiguration V1ValidatingAdmissionPolicy V1ValidatingAdmissionPolicyBinding
V1MutatingAdmissionPolicy V1MutatingAdmissionPolicyBinding
V1CustomResourceDefinition V1APIService V1Scale V1Binding V1Eviction
V1DeleteOptions V1APIGroupList V1APIResourceList V1APIVersions V1ListMeta V1VolumeAttachment V1CSINode V1CSIDriver V1ComponentStatus
V1ServiceAccountList V1CSIStorageCapacity V1VolumeAttributesClass V1FlowSchema V1PriorityLevelConfiguration
V1DeviceClass ResourceV1ResourceClaim V1ResourceClaimTemplate V1ResourceSlice`.split(/\s+/);

interface Field {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly required: boolean;
  readonly description: string;
}
interface Model {
  readonly name: string;
  readonly description: string;
  readonly fields: readonly Field[];
}

function readModel(name: string): Model {
  const js = readFileSync(join(modelDir, `${name}.js`), 'utf8');
  const dts = readFileSync(join(modelDir, `${name}.d.ts`), 'utf8');
  const table = /attributeTypeMap = (\[[\s\S]*?\n\]);/.exec(js)?.[1];
  if (table === undefined) throw new Error(`${name}.js has no attributeTypeMap`);
  const attributes = JSON.parse(table) as { name: string; baseName: string; type: string; format: string }[];
  const clean = (text: string | undefined): string => (text ?? '').replaceAll("\\'", "'").replaceAll('\\"', '"').trim();
  const description = clean(/\/\*\*\n\* (.*)\n\*\/\nexport declare class/.exec(dts)?.[1]);
  const fields = attributes.map((attribute) => {
    const property = new RegExp(
      `(?:/\\*\\*\\n\\s+\\* (.*)\\n\\s+\\*/\\n\\s+)?'${attribute.name.replace('$', '\\$')}'(\\??):`,
    ).exec(dts);
    if (property === null) throw new Error(`${name}.d.ts has no property ${attribute.name}`);
    return {
      name: attribute.baseName,
      type: attribute.type,
      format: attribute.format,
      required: property[2] !== '?',
      description: clean(property[1]),
    };
  });
  return { name, description, fields };
}

/** `Array<{ [key: string]: V1Foo; }>` → the names of models inside. */
function references(type: string): string[] {
  return [
    ...type.matchAll(
      /\b((?:Core|Events|Discovery|Storage|Authentication|Rbac|Resource|Flowcontrol|Admissionregistration|Apiextensions|Apiregistration)?V\d\w+)\b/g,
    ),
  ]
    .map((match) => match[1] ?? '')
    .filter((name) => name !== 'V1MicroTime');
}

function closure(): Map<string, Model> {
  const models = new Map<string, Model>();
  const queue = [...ROOTS];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (models.has(name)) continue;
    const model = readModel(name);
    models.set(name, model);
    for (const field of model.fields) queue.push(...references(field.type));
  }
  return new Map([...models].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Our names drop the version prefix where no other model would get the same one. */
function shortNames(models: Map<string, Model>): Map<string, string> {
  const special: Record<string, string> = {
    CoreV1Event: 'Event',
    EventsV1Event: 'EventsEvent',
    CoreV1EventSeries: 'EventSeries',
    EventsV1EventSeries: 'EventsEventSeries',
    CoreV1EndpointPort: 'CoreEndpointPort',
    ResourceV1ResourceClaim: 'ResourceClaim',
    DiscoveryV1EndpointPort: 'EndpointPort',
    AuthenticationV1TokenRequest: 'TokenRequest',
  };
  const names = new Map<string, string>();
  // Where a later version is there too, the earlier one keeps its number.
  const isEarlier = (name: string): boolean => name.startsWith('V1') && models.has(name.replace('V1', 'V2'));
  for (const name of models.keys())
    names.set(name, special[name] ?? (isEarlier(name) ? name : name.replace(/V[12]/, '')));
  const seen = new Map<string, string>();
  for (const [long, short] of names) {
    const other = seen.get(short);
    if (other !== undefined) throw new Error(`${long} and ${other} would both be ${short}`);
    seen.set(short, long);
  }
  return names;
}

function wireType(type: string, names: Map<string, string>): string {
  let out = type
    .replaceAll('V1MicroTime', 'string')
    .replace(/\bDate\b/g, 'string')
    .replace(/\bany\b/g, 'unknown')
    .replace(/\bobject\b/g, 'Record<string, unknown>');
  for (const name of references(type)) out = out.replace(new RegExp(`\\b${name}\\b`, 'g'), names.get(name) ?? name);
  return out.replace(/\bSet</g, 'Array<').replace(/\{ \[key: string\]: (.*?);? \}/g, 'Record<string, $1>');
}

function fieldSchema(field: Field, names: Map<string, string>): Record<string, unknown> {
  return { ...typeSchema(field.type, field.format, names), ...(field.required ? { required: true } : {}) };
}

/** The compact schema: {ref} | {type, format} | {items} | {values}. */
function typeSchema(type: string, format: string, names: Map<string, string>): Record<string, unknown> {
  const array = /^(?:Array|Set)<(.*)>$/.exec(type)?.[1];
  if (array !== undefined) return { items: typeSchema(array, format, names) };
  const map = /^\{ \[key: string\]: (.*?);? \}$/.exec(type)?.[1];
  if (map !== undefined) return { values: typeSchema(map, format, names) };
  if (type === 'Date') return { type: 'string', format: 'date-time' };
  if (type === 'V1MicroTime') return { type: 'string', format: 'micro-time' };
  if (type === 'IntOrString') return { type: 'int-or-string' };
  if (type === 'any') return { type: 'any' };
  if (type === 'object') return { type: 'object' };
  if (type === 'number')
    return { type: format === 'double' ? 'number' : 'integer', ...(format === '' ? {} : { format }) };
  if (type === 'string') return { type: 'string', ...(format === '' || format === 'date-time' ? {} : { format }) };
  if (type === 'boolean') return { type: 'boolean' };
  const ref = names.get(type);
  if (ref === undefined) throw new Error(`unknown type ${type}`);
  return { ref };
}

const HEADER = `// Generated by scripts/generate-api.ts from @kubernetes/client-node (Kubernetes release-1.36, Apache-2.0). Do not edit.\n`;

function main(): void {
  const models = closure();
  const names = shortNames(models);
  const types: string[] = [HEADER, 'export type IntOrString = number | string;\n'];
  const schema: Record<string, unknown> = {};
  const descriptions: Record<string, unknown> = {};
  for (const [long, model] of models) {
    const name = names.get(long) ?? long;
    const lines = model.fields.map(
      (field) =>
        `  ${/^\w+$/.test(field.name) ? field.name : `'${field.name}'`}${field.required ? '' : '?'}: ${wireType(field.type, names)};`,
    );
    types.push(`export interface ${name} {\n${lines.join('\n')}\n}\n`);
    schema[name] = Object.fromEntries(model.fields.map((field) => [field.name, fieldSchema(field, names)]));
    descriptions[name] = {
      '': model.description,
      ...Object.fromEntries(model.fields.map((field) => [field.name, field.description])),
    };
  }
  mkdirSync(outDir, { recursive: true });
  writeFileSync(join(outDir, 'types.ts'), types.join('\n'));
  writeFileSync(join(outDir, 'schema.json'), JSON.stringify(schema));
  writeFileSync(join(outDir, 'descriptions.json'), JSON.stringify(descriptions));
  console.log(`${models.size} types written to src/api/gen`);
}

main();
