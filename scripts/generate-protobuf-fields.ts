/**
 * Writes src/apiserver/protobuf/fields.json: for each message that a request or an answer may hold, its field numbers. Facts from Kubernetes' own definitions
 * (Apache-2.0): `generated.proto` has numbers and types, `types.go` has what JSON would leave out.
 *
 *   go mod download k8s.io/api@v0.36.0 k8s.io/apimachinery@v0.36.0 k8s.io/apiextensions-apiserver@v0.36.0 k8s.io/kube-aggregator@v0.36.0
 *   scripts/with-node scripts/generate-protobuf-fields.ts $GOPATH/pkg/mod/k8s.io v0.36.0
 *
 *   "core.v1.ServicePort": { "3": "port int32", "5": "nodePort int32 omit", "7": … }
 *     flags: `list`, `map`, `omit` (zero is left out of JSON), `inline` (its fields are the parent's)
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildKinds } from '../src/api/kinds/index.ts';

const [base = '', version = ''] = process.argv.slice(2);
const api = join(base, `api@${version}`);
const machinery = join(base, `apimachinery@${version}/pkg`);

const packages: Record<string, string> = {
  'meta.v1': join(machinery, 'apis/meta/v1'),
  runtime: join(machinery, 'runtime'),
  'api.resource': join(machinery, 'api/resource'),
  'util.intstr': join(machinery, 'util/intstr'),
  'apiregistration.v1': join(base, `kube-aggregator@${version}/pkg/apis/apiregistration/v1`),
  'apiextensions.v1': join(base, `apiextensions-apiserver@${version}/pkg/apis/apiextensions/v1`),
};
for (const group of readdirSync(api, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
  for (const entry of readdirSync(join(api, group.name))) {
    if (/^v\d+$/.test(entry)) packages[`${group.name}.${entry}`] = join(api, group.name, entry);
  }
}

/** `k8s.io.api.core.v1.Pod` → `core.v1.Pod`. */
function shortName(full: string): string {
  return full.replace(
    /^\.?k8s\.io\.(api|apimachinery\.pkg(\.apis)?|(apiextensions_apiserver|kube_aggregator)\.pkg\.apis)\./,
    '',
  );
}

const scalars = new Set(['string', 'bytes', 'bool', 'int32', 'int64', 'uint32', 'uint64', 'double', 'float']);
const messages = new Map<string, Record<string, string>>();

for (const [name, dir] of Object.entries(packages)) {
  let proto: string;
  try {
    proto = readFileSync(join(dir, 'generated.proto'), 'utf8');
  } catch {
    continue;
  }
  const tags = readTags(dir);
  for (const [, message = '', body = ''] of proto.matchAll(/^message (\w+) \{\n([\s\S]*?)^\}/gm)) {
    messages.set(`${name}.${message}`, readFields(name, body, tags.get(message) ?? new Map<string, Tag>()));
  }
}

interface Tag {
  /** Of the JSON; the message's differs where that is no identifier (`$ref`, `x-kubernetes-…`). */
  readonly json: string;
  readonly pointer: boolean;
  readonly omit: boolean;
  readonly inline: boolean;
}

/** By struct and the field's name in the message. */
function readTags(dir: string): Map<string, Map<string, Tag>> {
  const structs = new Map<string, Map<string, Tag>>();
  for (const file of readdirSync(dir).filter((entry) => entry.endsWith('.go') && !entry.includes('generated'))) {
    const text = readFileSync(join(dir, file), 'utf8');
    for (const [, struct = '', body = ''] of text.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
      const fields = structs.get(struct) ?? new Map<string, Tag>();
      for (const line of body.split('\n')) {
        const match = /^\s+(?:\w+\s+)?(\*?)([\w.[\]*]+)\s+`[^`]*json:"([^"]*)"/.exec(line);
        if (match === null) continue;
        const [, pointer, type = '', json = ''] = match;
        const [key = '', ...options] = json.split(',');
        const inline = key === '' && options.includes('inline');
        const named = /protobuf:"[^"]*name=(\w+)/.exec(line)?.[1];
        const fieldName = named ?? (inline ? embeddedName(type) : key);
        const omit = options.includes('omitempty');
        fields.set(fieldName, { json: inline ? fieldName : key, pointer: pointer === '*', omit, inline });
      }
      structs.set(struct, fields);
    }
  }
  return structs;
}

function embeddedName(type: string): string {
  const name = type.replace(/^.*\./, '');
  return name.slice(0, 1).toLowerCase() + name.slice(1);
}

function readFields(name: string, body: string, tags: ReadonlyMap<string, Tag>): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [, label = '', type = '', field = '', number = ''] of body.matchAll(
    /^ {2}(optional|repeated|map<string, )\s*([\w.]+)>? (\w+) = (\d+);/gm,
  )) {
    const tag = tags.get(field);
    const words = [tag?.json ?? field, scalars.has(type) ? type : qualify(name, type)];
    if (label === 'repeated') words.push('list');
    if (label.startsWith('map')) words.push('map');
    if (tag?.inline === true) words.push('inline');
    if (tag?.omit === true && !tag.pointer && label === 'optional') words.push('omit');
    fields[number] = words.join(' ');
  }
  return fields;
}

function qualify(name: string, type: string): string {
  return type.includes('.') ? shortName(type) : `${name}.${type}`;
}

const roots = [
  ...buildKinds().flatMap(({ resource: { group, version, kind }, unstored }) => {
    const message = `${group === '' ? 'core' : (group.split('.')[0] ?? '')}.${version}.${kind}`;
    return unstored?.includes('list') === false ? [message] : [message, `${message}List`];
  }),
  ...['Status', 'WatchEvent', 'PartialObjectMetadata', 'PartialObjectMetadataList'].map((name) => `meta.v1.${name}`),
  ...['APIGroup', 'APIGroupList', 'APIResourceList', 'APIVersions'].map((name) => `meta.v1.${name}`),
  'core.v1.Binding',
  'policy.v1.Eviction',
  'meta.v1.DeleteOptions',
  'autoscaling.v1.Scale',
  'authentication.v1.TokenRequest',
  'authentication.v1.SelfSubjectReview',
  'authorization.v1.SelfSubjectAccessReview',
  'authorization.v1.SelfSubjectRulesReview',
  'authorization.v1.SubjectAccessReview',
  'authorization.v1.LocalSubjectAccessReview',
  'authentication.v1.TokenReview',
];

const reachable: Record<string, Record<string, string>> = {};
const queue = [...roots];
for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
  const fields = messages.get(name);
  if (name in reachable) continue;
  if (fields === undefined) throw new Error(`no message ${name}`);
  reachable[name] = fields;
  for (const text of Object.values(fields)) {
    const type = text.split(' ')[1] ?? '';
    if (!scalars.has(type)) queue.push(type);
  }
}
const sorted = Object.fromEntries(Object.entries(reachable).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(new URL('../src/apiserver/protobuf/fields.json', import.meta.url), `${JSON.stringify(sorted)}\n`);
