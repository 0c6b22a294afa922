/**
 * Writes src/apiserver/paths/descriptions.json: the texts that src/api/gen/descriptions.json has not, because its source drops a
 * description beside a reference. From Kubernetes' own definitions (Apache-2.0): `types_swagger_doc_generated.go` for fields, the Go
 * comments of the few types that are plain values in JSON.
 *
 *   go mod download k8s.io/api@v0.36.0 k8s.io/apimachinery@v0.36.0
 *   scripts/with-node scripts/generate-field-descriptions.ts $GOPATH/pkg/mod/k8s.io v0.36.0
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { goFields, typeSchema } from '../src/api/schema.ts';
import { buildKinds } from '../src/api/kinds/index.ts';
import { collectSchemas, schemaName, v2 } from '../src/apiserver/paths/openapi-schemas.ts';
import type { valueTypes } from '../src/apiserver/paths/openapi-schemas.ts';

const [base = '', version = ''] = process.argv.slice(2);
const at = (path: string): string => join(base, path.replace(/^(api|apimachinery)\//, `$1@${version}/`));
type Texts = Record<string, Record<string, string>>;
const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const known = read('../src/api/gen/descriptions.json') as Texts;
const messages = read('../src/apiserver/protobuf/fields.json') as Texts;

/** `io.k8s.api.core.v1.Service` → `api/core/v1`, `Service`. */
function goType(schema: string): readonly [folder: string, name: string] {
  const dot = schema.lastIndexOf('.');
  return [
    schema
      .slice(0, dot)
      .replace(/^io\.k8s\./, '')
      .replaceAll('.', '/'),
    schema.slice(dot + 1),
  ];
}

const files = new Map<string, string>();

function docOf(folder: string, name: string): Record<string, string> {
  const path = join(at(`${folder}/`), 'types_swagger_doc_generated.go');
  if (!files.has(path)) files.set(path, existsSync(path) ? readFileSync(path, 'utf8') : '');
  const body = new RegExp(`^var map_${name} = map\\[string\\]string\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(
    files.get(path) ?? '',
  )?.[1];
  const texts: Record<string, string> = {};
  for (const [, field = '', text = ''] of (body ?? '').matchAll(/^\s+"([^"]*)":\s+("(?:[^"\\]|\\.)*"),$/gm))
    texts[field] = JSON.parse(text) as string;
  return { ...inlined(folder, name), ...texts };
}

/** Fields of embedded structs are documented there. */
function inlined(folder: string, name: string): Record<string, string> {
  const [group = '', short = ''] = folder.replace(/^api\/|^apimachinery\/pkg\/apis\//, '').split('/');
  const embedded = Object.values(messages[`${group}.${short}.${name}`] ?? {}).filter((text) =>
    text.endsWith(' inline'),
  );
  const docs = embedded.map((text) => docOf(folder, (text.split(' ')[1] ?? '').split('.').at(-1) ?? ''));
  return Object.assign({}, ...docs.map((doc) => ({ ...doc, '': undefined }))) as Record<string, string>;
}

/** Lines of a paragraph become one, indented ones stay: as openapi-gen has it. */
function commentOf(folder: string, file: string, name: string): string {
  const text = readFileSync(join(at(`${folder}/`), file), 'utf8');
  const comment = new RegExp(`((?:^//.*\\n)+)type ${name} struct`, 'm').exec(text)?.[1] ?? '';
  const lines = comment.split('\n').map((line) => line.replace(/^\/\/ ?/, ''));
  return lines
    .filter((line) => !/^(\+|TODO)/.test(line))
    .join('\n')
    .replace(/(?<=\S)\n(?=\S)/g, ' ')
    .trim();
}

/** Every type that the served documents hold. */
function servedTypes(): string[] {
  const resources = buildKinds().map(({ resource }) => resource);
  const roots = [...resources.map(({ schema }) => schema), 'DeleteOptions', 'Status', 'ListMeta'];
  const served = collectSchemas(roots, resources, v2);
  return Object.keys(known).filter((type) => schemaName(type) in served);
}

const out: Texts = {};
for (const type of servedTypes()) {
  const doc = docOf(...goType(schemaName(type)));
  for (const [field, schema] of typeSchema(type) ?? []) {
    const text = doc[field];
    const replaced =
      schema.type === 'int-or-string' ||
      schema.format === 'micro-time' ||
      goFields().quantities.has(`${type}.${field}`);
    if (text !== undefined && text !== '' && ((known[type]?.[field] ?? '') === '' || replaced))
      (out[type] ??= {})[field] = text;
  }
}
const valueTypeFiles: Readonly<Record<keyof typeof valueTypes, string>> = {
  FieldsV1: 'fieldsv1_byte.go',
  IntOrString: 'intstr.go',
  MicroTime: 'micro_time.go',
  Quantity: 'quantity.go',
  Time: 'time.go',
};
for (const [type, file] of Object.entries(valueTypeFiles)) {
  const [folder, name] = goType(schemaName(type));
  out[type] = { '': commentOf(folder, file, name) };
}
const target = new URL('../src/apiserver/paths/descriptions.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(out)}\n`);
