/**
 * Discovery, from the registry: /api, /apis, /apis/G, /api/v1, /apis/G/V; and everything in one answer for clients that accept
 * `g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList` (KEP-3352).
 */
import { createHash } from 'node:crypto';
import type { KindDefinition } from '../../api/kind.ts';
import { groupVersionOf } from '../../api/resources.ts';
import type { Exchange, Server } from '../context.ts';
import { remotesOf } from '../aggregation/index.ts';
import type { Remote } from '../aggregation/index.ts';
import { byPriority, priorityOf } from '../group-priorities.ts';
import type { Priority } from '../group-priorities.ts';
import { sendJson, send } from '../http/respond.ts';
import { storedAs } from '../registry.ts';
import type { Registry } from '../registry.ts';
import { reviewKinds } from '../reviews.ts';
import { subresourcesOf } from '../subresources/list.ts';
import type { SubresourceInfo } from '../subresources/list.ts';

/** False: the path is not one of discovery. */
export async function serveDiscovery(exchange: Exchange): Promise<boolean> {
  const { path, server } = exchange;
  const parts = path.split('/').filter((part) => part !== '');
  const aggregated =
    parts.length === 1 && (parts[0] === 'api' || parts[0] === 'apis') ? wantsAggregated(exchange) : undefined;
  if (aggregated !== undefined) {
    const list = await aggregatedList(server, parts[0] === 'api', aggregated);
    await send(
      exchange,
      200,
      `application/json;g=apidiscovery.k8s.io;v=${aggregated};as=APIGroupDiscoveryList`,
      JSON.stringify(list),
    );
    return true;
  }
  const document = documentFor(server, parts);
  if (document === undefined) return false;
  await sendJson(exchange, 200, JSON.stringify(document));
  return true;
}

function wantsAggregated(exchange: Exchange): string | undefined {
  const accept = exchange.request.headers.accept ?? '';
  const match = /g=apidiscovery\.k8s\.io;v=(v2(?:beta1)?);as=APIGroupDiscoveryList/.exec(accept);
  return match?.[1];
}

function documentFor(server: Server, parts: readonly string[]): object | undefined {
  const [root = '', group = '', version = ''] = parts;
  if (root === 'api' && parts.length === 1) return legacyVersions(server);
  if (root === 'api' && parts.length === 2) return resourceList(server.registry, '', group);
  if (root !== 'apis')
    return parts.length === 0
      ? {
          paths: [
            '/api',
            '/api/v1',
            '/apis',
            '/healthz',
            '/livez',
            '/metrics',
            '/openapi/v2',
            '/openapi/v3',
            '/readyz',
            '/version',
          ],
        }
      : undefined;
  const groups = apiGroups(server);
  if (parts.length === 1) return { kind: 'APIGroupList', apiVersion: 'v1', groups };
  const found = groups.find((item) => item.name === group);
  if (found === undefined) return undefined;
  if (parts.length === 2) return { kind: 'APIGroup', apiVersion: 'v1', ...found };
  return parts.length === 3 ? resourceList(server.registry, group, version) : undefined;
}

function legacyVersions(server: Server): object {
  const [address = ''] = server.options.listen;
  const serverAddress = `${server.options.advertiseAddress}:${address.slice(address.lastIndexOf(':') + 1)}`;
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

interface ApiGroup {
  readonly name: string;
  readonly versions: readonly { readonly groupVersion: string; readonly version: string }[];
  readonly preferredVersion: { readonly groupVersion: string; readonly version: string } | undefined;
}

/** Of kinds and reviews, in the order of discovery. */
export function groupVersions(registry: Registry): readonly { group: string; version: string }[] {
  const all = [...registry.groupVersions()];
  for (const { group, version } of reviewKinds) {
    if (!all.some((item) => item.group === group && item.version === version)) all.push({ group, version });
  }
  return all.sort(byPriority);
}

interface Served {
  readonly group: string;
  readonly version: string;
  readonly remote?: Remote;
}

/** And what other servers serve, where they want to stand. */
function allVersions({ registry, store }: Server): readonly Served[] {
  const own = groupVersions(registry);
  const others = remotesOf(store)
    .filter(({ group, version }) => !own.some((one) => one.group === group && one.version === version))
    .map((remote) => ({ group: remote.group, version: remote.version, remote }));
  return others.length === 0 ? own : ranked([...own, ...others]);
}

/** Upstream: apiregistration/v1/helper SortedByGroupAndVersion. */
function ranked(all: readonly Served[]): readonly Served[] {
  const priority = ({ remote, ...of }: Served): Priority =>
    remote === undefined ? priorityOf(of) : { group: remote.groupPriority, version: remote.versionPriority };
  const ofGroup = new Map<string, number>();
  for (const one of all) ofGroup.set(one.group, Math.max(ofGroup.get(one.group) ?? 0, priority(one).group));
  const rank = ({ group }: Served): number => ofGroup.get(group) ?? 0;
  return all.toSorted(
    (a, b) =>
      rank(b) - rank(a) ||
      (a.group === b.group ? priority(b).version - priority(a).version : a.group < b.group ? -1 : 1),
  );
}

function apiGroups(server: Server): readonly ApiGroup[] {
  const groups = Map.groupBy(allVersions(server), ({ group }) => group);
  groups.delete('');
  return [...groups].map(([name, list]) => {
    const versions = list.map((item) => ({ groupVersion: groupVersionOf(item), version: item.version }));
    return { name, versions, preferredVersion: versions[0] };
  });
}

const objectVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

function resourceList(registry: Registry, group: string, version: string): object | undefined {
  const kinds = registry.inGroupVersion(group, version);
  const reviews = reviewKinds.filter((item) => item.group === group && item.version === version);
  if (kinds.length === 0 && reviews.length === 0) return undefined;
  const resources = kinds.flatMap((kind) => [
    resourceLine(kind),
    ...subresourcesOf(kind).map((sub) => subresourceLine(kind, sub)),
  ]);
  const extra = reviews.map(({ plural, kind, namespaced }) => ({
    name: plural,
    singularName: kind.toLowerCase(),
    namespaced,
    kind,
    verbs: ['create'],
  }));
  const groupVersion = groupVersionOf({ group, version });
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: [...resources, ...extra] };
}

function resourceLine(kind: KindDefinition): object {
  const { resource } = kind;
  return {
    name: resource.plural,
    singularName: resource.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: verbsOf(kind),
    ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
    ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
    ...(kind.unstored === undefined ? { storageVersionHash: storageVersionHash(kind) } : {}),
  };
}

/** Changes when objects are written to the store in another version. Upstream: apiserver/pkg/endpoints/discovery/storageversionhash.go. */
function storageVersionHash(definition: KindDefinition): string {
  const { group, version, kind } = storedAs(definition);
  const stored = definition.storageVersion ?? version;
  return createHash('sha256').update(`${group}/${stored}/${kind}`).digest().subarray(0, 8).toString('base64');
}

/** Namespaces cannot be deleted as a collection. */
function verbsOf({ resource, unstored }: KindDefinition): readonly string[] {
  if (unstored !== undefined) return unstored;
  return resource.plural === 'namespaces' ? objectVerbs.filter((verb) => verb !== 'deletecollection') : objectVerbs;
}

function subresourceLine({ resource }: KindDefinition, sub: SubresourceInfo): object {
  return {
    name: `${resource.plural}/${sub.name}`,
    singularName: '',
    namespaced: resource.namespaced,
    ...(sub.group === undefined ? {} : { group: sub.group, version: sub.version }),
    kind: sub.kind ?? resource.kind,
    verbs: sub.verbs,
  };
}

async function aggregatedList(server: Server, legacy: boolean, version: string): Promise<object> {
  const groups = Map.groupBy(
    allVersions(server).filter(({ group }) => (group === '') === legacy),
    ({ group }) => group,
  );
  const items = await Promise.all(
    [...groups].map(async ([name, versions]) => ({
      metadata: { ...(name === '' ? {} : { name }), creationTimestamp: null },
      versions: await Promise.all(versions.map((item) => aggregatedVersion(server, item))),
    })),
  );
  return { kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items };
}

async function aggregatedVersion(server: Server, { group, version, remote }: Served): Promise<object> {
  if (remote !== undefined) {
    const { discover } = await import('../aggregation/discovery.ts');
    return discover(server, remote);
  }
  const reviews = reviewKinds.filter((review) => review.group === group && review.version === version);
  const lines = server.registry.inGroupVersion(group, version).map(aggregatedLine);
  return { version, resources: [...lines, ...reviews.map(reviewLine)], freshness: 'Current' };
}

function aggregatedLine(kind: KindDefinition): object {
  const { resource } = kind;
  const { group, version, shortNames, categories } = resource;
  const subresources = subresourcesOf(kind).map((sub) => ({
    subresource: sub.name,
    responseKind: { group: sub.group ?? group, version: sub.version ?? version, kind: sub.kind ?? resource.kind },
    verbs: sub.verbs,
  }));
  return {
    resource: resource.plural,
    responseKind: { group, version, kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: verbsOf(kind),
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

function reviewLine(review: (typeof reviewKinds)[number]): object {
  const { group, version, kind, plural, namespaced } = review;
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.toLowerCase(),
    verbs: ['create'],
  };
}
