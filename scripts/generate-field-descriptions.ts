/**
 * Writes src/apiserver/paths/descriptions.json: the texts that src/api/gen/descriptions.json has not or has otherwise, because its
 * source drops a description beside a reference and the ends of lines. From Kubernetes' own published specification (Apache-2.0).
 *
 *   go mod download k8s.io/kubernetes@v1.36.3
 *   scripts/with-node scripts/generate-field-descriptions.ts $GOPATH/pkg/mod/k8s.io/kubernetes@v1.36.3/api/openapi-spec/swagger.json
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { schemaName, valueTypes } from '../src/apiserver/paths/openapi-schemas.ts';

type Texts = Record<string, Record<string, string>>;
interface Definition {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, { readonly description?: string }>>;
}

const [swagger = ''] = process.argv.slice(2);
const { definitions } = JSON.parse(readFileSync(swagger, 'utf8')) as {
  readonly definitions: Readonly<Record<string, Definition>>;
};
const known = JSON.parse(readFileSync(new URL('../src/api/gen/descriptions.json', import.meta.url), 'utf8')) as Texts;

const out: Texts = {};
for (const type of [...Object.keys(known), ...Object.keys(valueTypes)]) {
  const definition = definitions[schemaName(type)];
  const texts = Object.entries(definition?.properties ?? {}).map(([field, { description }]) => [field, description]);
  for (const [field = '', text] of [['', definition?.description], ...texts]) {
    if (text !== undefined && text !== known[type]?.[field]) (out[type] ??= {})[field] = text;
  }
}
const target = new URL('../src/apiserver/paths/descriptions.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(out)}\n`);
