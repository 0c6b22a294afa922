/**
 * Writes src/api/gen/go-fields.json: how Go holds the fields of our schema, where OpenAPI does not say. From Kubernetes' own `types.go`
 * (Apache-2.0).
 *
 *   go mod download k8s.io/api@v0.36.3 k8s.io/apimachinery@v0.36.3 k8s.io/apiextensions-apiserver@v0.36.3 k8s.io/kube-aggregator@v0.36.3
 *   scripts/with-node scripts/generate-go-fields.ts $GOPATH/pkg/mod/k8s.io v0.36.3
 *
 *   keptText      optional texts that '' is a value of (pointers, or without omitempty)       `ServiceSpec.loadBalancerClass`
 *   droppedZero   optional numbers and booleans whose 0 or false is not written               `ServicePort.nodePort`
 *   keptList      lists that are written even when they are empty                             `EndpointSlice.endpoints`
 *   unfilled      required texts, numbers and booleans that are not written when they are zero
 *   quantities    resource.Quantity, or maps and lists of it                                  `ResourceRequirements.limits`
 *   structs       structs held by value: there whether anybody set them or not               `Container.resources`
 *   inlined       fields of embedded structs, which Go's errors name                          `Probe.exec`: `ProbeHandler`
 *   texts         named string types, for Go's error texts                                    `ServicePort.protocol`: `v1.Protocol`
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FieldSchema } from '../src/api/schema.ts';

const [base = '', version = ''] = process.argv.slice(2);
const gen = fileURLToPath(new URL('../src/api/gen/', import.meta.url));
const schema = JSON.parse(readFileSync(join(gen, 'schema.json'), 'utf8')) as Record<
  string,
  Record<string, FieldSchema>
>;

interface GoField {
  readonly json: string;
  readonly type: string;
  readonly pointer: boolean;
  readonly omit: boolean;
  readonly omitZero: boolean;
  /** Embedded: its fields are the parent's. */
  readonly inline: boolean;
  /** The embedded structs that it is a field of. */
  readonly within: string;
}
interface GoPackage {
  readonly group: string;
  readonly version: string;
  /** `type Protocol string`: `Protocol` → `string`. */
  readonly named: Map<string, string>;
  readonly structs: Map<string, readonly GoField[]>;
}

const api = join(base, `api@${version}`);
const meta = readPackage('meta', join(base, `apimachinery@${version}/pkg/apis/meta/v1`));
const packages: readonly GoPackage[] = [
  meta,
  readPackage('apiextensions', join(base, `apiextensions-apiserver@${version}/pkg/apis/apiextensions/v1`)),
  readPackage('apiregistration', join(base, `kube-aggregator@${version}/pkg/apis/apiregistration/v1`)),
  ...readdirSync(api).flatMap((group) =>
    ['v1', 'v2']
      .map((v) => join(api, group, v))
      .filter(existsSync)
      .map((dir) => readPackage(group, dir)),
  ),
];

function readPackage(group: string, dir: string): GoPackage {
  const named = new Map<string, string>();
  const structs = new Map<string, readonly GoField[]>();
  for (const file of readdirSync(dir).filter((entry) => entry.endsWith('.go') && !entry.includes('generated'))) {
    const text = readFileSync(join(dir, file), 'utf8');
    for (const [, name = '', type = ''] of text.matchAll(/^\s*type (\w+) (string|bool|u?int\d*)\b/gm))
      named.set(name, type);
    for (const [, name = '', type = ''] of text.matchAll(/^type (\w+) ((?:map\[|\[\]).*)$/gm)) named.set(name, type);
    for (const [, name = '', body = ''] of text.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
      structs.set(name, body.split('\n').flatMap(readField));
    }
  }
  return { group, version: basename(dir), named, structs };
}

function readField(line: string): GoField[] {
  const match = /^\s+(?:\w+\s+)?(\*?)([\w.[\]*]+)\s+`[^`]*json:"([^"]*)"/.exec(line);
  if (match === null) return [];
  const [, pointer = '', type = '', tag = ''] = match;
  const [json = '', ...options] = tag.split(',');
  const omit = options.includes('omitempty') || options.includes('omitzero');
  const omitZero = options.includes('omitzero');
  const inline = json === '' && options.includes('inline');
  return [{ json, type, pointer: pointer === '*', omit, omitZero, inline, within: '' }];
}

/** What our schema calls it: with the group where several have one of that name. */
function schemaName({ group, version: of }: GoPackage, struct: string): string | undefined {
  // Where we have a later version too, the earlier one's name says so.
  if (of === 'v1' && `V1${struct}` in schema) return `V1${struct}`;
  const long = `${group.slice(0, 1).toUpperCase()}${group.slice(1)}${struct}`;
  if (long in schema) return long;
  return struct in schema ? struct : undefined;
}

function fieldsOf(of: GoPackage, struct: string): GoField[] {
  return (of.structs.get(struct) ?? []).flatMap((field) => {
    if (!field.inline) return [field];
    const embedded = field.type.replace(/^.*\./, '');
    const home = field.type.startsWith('metav1.') ? meta : field.type.startsWith('v1.') ? core() : of;
    if (embedded === 'TypeMeta') return [];
    return fieldsOf(home, embedded).map((inner) => ({ ...inner, within: joined(embedded, inner.within) }));
  });
}

function joined(outer: string, inner: string): string {
  return inner === '' ? outer : `${outer}.${inner}`;
}

function core(): GoPackage {
  const found = packages.find(({ group }) => group === 'core');
  if (found === undefined) throw new Error(`there is no group core below ${api}`);
  return found;
}

const out = {
  keptText: [] as string[],
  droppedZero: [] as string[],
  keptList: [] as string[],
  unfilled: [] as string[],
  quantities: [] as string[],
  structs: [] as string[],
  inlined: {} as Record<string, string>,
  texts: {} as Record<string, string>,
};

for (const of of packages) {
  for (const struct of of.structs.keys()) {
    const type = schemaName(of, struct);
    if (type === undefined || out.keptText.some((name) => name.startsWith(`${type}.`))) continue;
    for (const field of fieldsOf(of, struct)) note(of, type, field);
  }
}

function note(of: GoPackage, type: string, go: GoField): void {
  const { json, type: goType, pointer, omit } = go;
  const field = schema[type]?.[json];
  if (field === undefined) return;
  const name = `${type}.${json}`;
  const required = field.required === true;
  const scalar = ['string', 'integer', 'number', 'boolean'].includes(field.type ?? '');
  const time = /Time$/.test(goType);
  const text = field.type === 'string' && field.format === undefined && !time;
  if (go.within !== '') out.inlined[name] = go.within;
  // Objects have their metadata from the server.
  const ownMetadata = json === 'metadata' && 'apiVersion' in (schema[type] ?? {});
  if (field.ref !== undefined && !pointer && !go.omitZero && !ownMetadata) out.structs.push(name);
  if (isQuantity(goType)) out.quantities.push(name);
  else if (text && !required && (pointer || !omit)) out.keptText.push(name);
  else if (scalar && field.type !== 'string' && !required && !pointer && omit) out.droppedZero.push(name);
  else if (field.items !== undefined && !required && !omit && goType.startsWith('[]')) out.keptList.push(name);
  const written = scalar && !time && (field.type !== 'string' || text) && !pointer && !omit && !isQuantity(goType);
  if (!written && required && scalar) out.unfilled.push(name);
  const bare = goType.replace(/^(\[\]|map\[\w+\])\*?/, '').replace(/^.*\./, '');
  const home = goType.includes('v1.') && !goType.includes('metav1.') ? core() : goType.includes('metav1.') ? meta : of;
  if (home.named.get(bare) === 'string') out.texts[name] = `${home.version}.${bare}`;
  if (goType.endsWith('types.UID')) out.texts[name] = 'types.UID';
}

function isQuantity(goType: string): boolean {
  return /(^|[^\w])resource\.Quantity$/.test(goType) || /(^|\.)ResourceList$/.test(goType);
}

out.structs = [...new Set(out.structs)];
for (const list of [out.keptText, out.droppedZero, out.keptList, out.unfilled, out.quantities, out.structs])
  list.sort();
out.texts = sorted(out.texts);
out.inlined = sorted(out.inlined);
writeFileSync(join(gen, 'go-fields.json'), `${JSON.stringify(out)}\n`);

function sorted(map: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

console.log(
  Object.entries(out)
    .map(([key, value]) => `${key}: ${Object.keys(value).length}`)
    .join(', '),
);
