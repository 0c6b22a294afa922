/**
 * Which kinds this server has: for the loops that work on all of them (garbage collection, the end of a namespace). Asked of the
 * server, so that kinds which others install are treated like our own.
 */
import { resources } from '../api/resources.ts';
import { groupResourceOf } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import type { Client } from '../client/index.ts';

export interface DiscoveredResource extends Resource {
  readonly verbs: readonly string[];
}

interface ApiResource {
  readonly name: string;
  readonly singularName?: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs?: readonly string[];
}

/** Of a kind with several versions the first one stands. */
const known = new Map<string, Resource>(
  Object.values(resources)
    .toReversed()
    .map((resource) => [groupResourceOf(resource), resource]),
);

/** Each group in its preferred version; no subresources. A group that does not answer is left out, and named in `failed`. */
export async function discover(
  client: Client,
): Promise<{ readonly found: readonly DiscoveredResource[]; readonly failed: readonly string[] }> {
  const groups = (await client.raw('GET', '/apis')) as {
    readonly groups?: readonly { readonly preferredVersion: { readonly groupVersion: string } }[];
  };
  const versions = ['v1', ...(groups.groups ?? []).map(({ preferredVersion }) => preferredVersion.groupVersion)];
  const failed: string[] = [];
  const lists = await Promise.all(
    versions.map((version) =>
      listVersion(client, version).catch(() => {
        failed.push(version);
        return [];
      }),
    ),
  );
  return { found: lists.flat(), failed };
}

async function listVersion(client: Client, groupVersion: string): Promise<DiscoveredResource[]> {
  const path = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
  const { resources: list = [] } = (await client.raw('GET', path)) as { readonly resources?: readonly ApiResource[] };
  const [version = '', group = ''] = groupVersion.split('/').reverse();
  return list
    .filter(({ name }) => !name.includes('/'))
    .map(({ name, kind, namespaced, singularName, verbs = [] }) => ({
      shortNames: [],
      categories: [],
      schema: kind,
      ...known.get(group === '' ? name : `${name}.${group}`),
      group,
      version,
      plural: name,
      singular: singularName ?? kind.toLowerCase(),
      kind,
      namespaced,
      verbs,
    }));
}
