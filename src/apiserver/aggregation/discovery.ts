/**
 * The versions of extension servers as aggregated discovery has them (KEP-3352): in their own words, or made of the older form.
 * Upstream: kube-aggregator pkg/apiserver/handler_discovery.go, apiserver/pkg/endpoints/discovery/aggregated.
 */
import type { Server } from '../context.ts';
import { aggregatorUser } from './availability.ts';
import { documentOf, parsed } from './documents.ts';
import type { Remote } from './remote.ts';

export interface VersionDiscovery {
  readonly version: string;
  readonly resources?: readonly object[];
  readonly freshness: 'Current' | 'Stale';
}

const accept =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';

export async function discover(server: Server, remote: Remote): Promise<VersionDiscovery> {
  const resources = (await aggregated(server, remote)) ?? (await unaggregated(server, remote));
  const { version } = remote;
  return resources === undefined ? { version, freshness: 'Stale' } : { version, resources, freshness: 'Current' };
}

async function aggregated(server: Server, remote: Remote): Promise<readonly object[] | undefined> {
  const document = await documentOf(server, remote, '/apis', aggregatorUser, accept);
  if (document?.type.includes('as=APIGroupDiscoveryList') !== true) return undefined;
  const { items } = (parsed(document) ?? {}) as { readonly items?: readonly Group[] };
  const group = items?.find(({ metadata }) => metadata?.name === remote.group);
  return group?.versions?.find(({ version }) => version === remote.version)?.resources ?? undefined;
}

interface Group {
  readonly metadata?: { readonly name?: string };
  readonly versions?: readonly { readonly version: string; readonly resources?: readonly object[] }[];
}

interface ApiResource {
  readonly name: string;
  readonly singularName?: string;
  readonly namespaced?: boolean;
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

async function unaggregated(server: Server, remote: Remote): Promise<readonly object[] | undefined> {
  const { group, version } = remote;
  const document = parsed(await documentOf(server, remote, `/apis/${group}/${version}`, aggregatorUser));
  const lines = document?.['resources'] as readonly ApiResource[] | null | undefined;
  if (document === undefined) return undefined;
  const kindOf = (line: ApiResource): object => ({
    group: line.group === undefined || line.group === '' ? group : line.group,
    version: line.version === undefined || line.version === '' ? version : line.version,
    kind: line.kind ?? '',
  });
  const all = lines ?? [];
  return all
    .filter(({ name }) => !name.includes('/'))
    .map((line) => {
      const subresources = all
        .filter(({ name }) => name.startsWith(`${line.name}/`))
        .map((sub) => ({
          subresource: sub.name.slice(line.name.length + 1),
          responseKind: kindOf(sub),
          verbs: sub.verbs ?? [],
        }));
      return {
        resource: line.name,
        responseKind: kindOf(line),
        scope: line.namespaced === true ? 'Namespaced' : 'Cluster',
        singularResource: line.singularName ?? '',
        verbs: line.verbs ?? [],
        ...(line.shortNames === undefined ? {} : { shortNames: line.shortNames }),
        ...(line.categories === undefined ? {} : { categories: line.categories }),
        ...(subresources.length > 0 ? { subresources } : {}),
      };
    });
}
