/**
 * OpenAPI with what extension servers publish: of v3 their versions beside ours in the index, of v2 one document.
 * Upstream: kube-aggregator pkg/controllers/openapi and openapiv3, kube-openapi pkg/aggregator.
 */
import type { User } from '../auth/user.ts';
import type { Server } from '../context.ts';
import { documentOf, hashOf, parsed } from './documents.ts';
import { remotesOf } from './remote.ts';
import type { Remote } from './remote.ts';

type Json = Record<string, unknown>;

const user: User = { name: 'system:aggregator', groups: ['system:masters'] };

const urlOf = ({ group, version }: Remote): string => `apis/${group}/${version}`;

/** The lines of the index of /openapi/v3. */
export async function remoteIndex(server: Server): Promise<Json> {
  const lines = await Promise.all(
    remotesOf(server.store).map(async (remote) => {
      const index = parsed(await documentOf(server, remote, '/openapi/v3', user));
      const { paths } = (index ?? {}) as { readonly paths?: Json };
      const line = paths?.[urlOf(remote)];
      return line === undefined ? [] : [[urlOf(remote), line] as const];
    }),
  );
  return Object.fromEntries(lines.flat());
}

/** `v3/apis/G/V` of a server that publishes it. */
export async function remoteVersion(server: Server, name: string): Promise<string | undefined> {
  const remote = remotesOf(server.store).find((one) => name === `v3/${urlOf(one)}`);
  if (remote === undefined) return undefined;
  return (await documentOf(server, remote, `/openapi/${name}`, user))?.text;
}

/** What is to be merged into /openapi/v2: of each server the paths of its group and version. `key` changes with them. */
export async function remoteSpecs(server: Server): Promise<{ readonly key: string; readonly specs: readonly Json[] }> {
  const found = await Promise.all(
    remotesOf(server.store).map(async (remote) => {
      const document = await documentOf(server, remote, '/openapi/v2', user);
      const spec = parsed(document);
      return spec === undefined
        ? []
        : [{ spec: ofVersion(spec, remote), hash: hashOf(document?.text ?? '') + remote.name }];
    }),
  );
  const all = found.flat();
  return { key: all.map(({ hash }) => hash).join(' '), specs: all.map(({ spec }) => spec) };
}

function ofVersion(spec: Readonly<Json>, remote: Remote): Json {
  const prefix = `/${urlOf(remote)}`;
  const paths = Object.entries((spec['paths'] ?? {}) as Json).filter(
    ([path]) => path === prefix || path.startsWith(`${prefix}/`),
  );
  const all = (spec['definitions'] ?? {}) as Json;
  const definitions: Json = {};
  const pending: unknown[] = paths.map(([, item]) => item);
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    for (const name of references(value)) {
      if (name in definitions || all[name] === undefined) continue;
      definitions[name] = all[name];
      pending.push(all[name]);
    }
  }
  return { paths: Object.fromEntries(paths), definitions };
}

const definitionPrefix = '#/definitions/';

function references(value: unknown): readonly string[] {
  return [...JSON.stringify(value).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g)].map(([, name = '']) => name);
}

/** Ours stays as it is; a definition of the same name that says something else gets another name. */
export function merged(base: Json, specs: readonly Json[]): Json {
  const paths = { ...(base['paths'] as Json) };
  const definitions = { ...(base['definitions'] as Json) };
  for (const spec of specs) {
    const renamed = new Map<string, string>();
    const own = spec['definitions'] as Json;
    for (const [name, definition] of Object.entries(own)) {
      const known = definitions[name];
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(definition)) {
        renamed.set(name, freeName(name, definitions, own));
      }
    }
    const text = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value), (key, item: unknown) => {
        if (key !== '$ref' || typeof item !== 'string' || !item.startsWith(definitionPrefix)) return item;
        const name = item.slice(definitionPrefix.length);
        return definitionPrefix + (renamed.get(name) ?? name);
      }) as unknown;
    for (const [name, definition] of Object.entries(own)) definitions[renamed.get(name) ?? name] = text(definition);
    for (const [path, item] of Object.entries(spec['paths'] as Json)) paths[path] ??= text(item);
  }
  return { ...base, paths, definitions };
}

function freeName(name: string, ...taken: readonly Json[]): string {
  for (let number = 2; ; number++) {
    const free = `${name}_v${String(number)}`;
    if (taken.every((definitions) => definitions[free] === undefined)) return free;
  }
}
