/**
 * `proxy show`: the logical table of a node, worked out anew from the API, beside what the kernel of that node holds. It reads;
 * the running proxy is not asked.
 */
import { isReason } from '../api/errors.ts';
import type { EndpointSlice, Node, Pod, Service } from '../api/gen/types.ts';
import { resources } from '../api/resources.ts';
import { watchServiceRanges } from '../client/index.ts';
import type { Client } from '../client/index.ts';
import { inspect } from '../dataplane/index.ts';
import type { InspectedKey } from '../dataplane/index.ts';
import { buildTable, serviceKeyOf, whyNobody } from '../model/index.ts';
import type { EntryKey, TableEntry } from '../model/index.ts';
import { nodeFacts } from './node-view.ts';
import type { ProxyOptions } from './options.ts';
import { planeOptions, proxiedServices, proxiedSlices } from './plane-options.ts';

export interface ShownKey extends InspectedKey {
  /** `namespace/name`; '' where the kernel holds what no service claims. */
  readonly service: string;
  /** ClusterIP, NodePort, ExternalIP, LoadBalancerIP; '' as above. */
  readonly kind: string;
  /** Only where the node leads clients to nobody. */
  readonly why?: string;
}

export interface Shown {
  readonly node: string;
  readonly keys: readonly ShownKey[];
  /** What is wrong with the tables beyond single keys. */
  readonly problems: readonly string[];
}

/** `netns`: path of the node's network namespace; default our own. */
export interface ShowOptions extends ProxyOptions {
  readonly netns?: string;
}

export async function showProxy(options: ShowOptions): Promise<Shown> {
  const { services, slices, node, serviceCidrs } = await read(options);
  const facts = nodeFacts(options, node);
  const table = buildTable({ services, slices, node: facts.view });
  const plane = {
    ...planeOptions(options, facts, serviceCidrs),
    ...(options.netns === undefined ? {} : { netns: options.netns }),
  };
  const tables = inspect(plane, table.entries.values());
  const reasons = await reasonsOf(options.client, [...table.entries.values()], services, slices);
  return {
    node: options.nodeName,
    keys: tables.flatMap(({ keys }) =>
      keys.map((inspected) => {
        const frontend = table.entries.get(inspected.key)?.frontend;
        const service = frontend === undefined ? '' : keyOf(frontend.service);
        const why = reasons.get(inspected.key);
        return { ...inspected, service, kind: frontend?.kind ?? '', ...(why === undefined ? {} : { why }) };
      }),
    ),
    problems: tables.flatMap(({ table: name, rulesStand, strays }) => [
      ...(rulesStand ? [] : [`table ${name}: its chains, rules or maps are not as the proxy writes them`]),
      ...strays.map((stray) => `table ${name}: ${stray}`),
    ]),
  };
}

/** By key, for those that lead somebody to nobody who should be led. */
async function reasonsOf(
  client: Client,
  entries: readonly TableEntry[],
  services: readonly Service[],
  slices: readonly EndpointSlice[],
): Promise<ReadonlyMap<EntryKey, string>> {
  const told = entries.flatMap((entry) => {
    const { frontend, internal, external } = entry;
    // A cluster IP is nobody's outside the cluster, which is no fault.
    const sides = frontend.kind === 'ClusterIP' ? [internal] : [internal, external];
    const failed = sides.find(({ verdict }) => verdict !== 'forward');
    return failed === undefined ? [] : [{ entry, failed }];
  });
  const isRejected = told.some(({ failed }) => failed.verdict === 'reject');
  const pods = isRejected ? await visiblePods(client) : [];
  const serviceOf = new Map(services.map((service) => [keyOf(service.metadata ?? {}), service]));
  const slicesOf = Map.groupBy(slices, serviceKeyOf);
  return new Map(
    told.map(({ entry: { key, frontend }, failed }) => {
      const name = keyOf(frontend.service);
      const service = failed.verdict === 'reject' ? serviceOf.get(name) : undefined;
      const cause = service && whyNobody(service, frontend, slicesOf.get(name) ?? [], pods);
      return [key, cause === undefined ? failed.why : `${failed.why}: ${cause}`];
    }),
  );
}

/** A proxy's own credential may not see pods: what only they tell is left out then. */
async function visiblePods(client: Client): Promise<readonly Pod[] | undefined> {
  try {
    return (await client.list(resources.pods)).items;
  } catch (error) {
    if (isReason(error, 'Forbidden')) return undefined;
    throw error;
  }
}

function keyOf({ namespace = '', name = '' }: { readonly namespace?: string; readonly name?: string }): string {
  return `${namespace}/${name}`;
}

interface Read {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly node: Node | undefined;
  readonly serviceCidrs: readonly string[];
}

async function read({ client, nodeName, serviceCidrs }: ShowOptions): Promise<Read> {
  // Whatever fails, the watch of the ranges ends too: it would try again for ever, and hold the process.
  const once = new AbortController();
  const ranges = watchServiceRanges(client, serviceCidrs, once.signal);
  try {
    const [services, slices, node] = await Promise.all([
      client.list(resources.services, { labelSelector: proxiedServices }),
      client.list(resources.endpointSlices, { labelSelector: proxiedSlices }),
      nodeOf(client, nodeName),
      ranges.synced,
    ]);
    return { services: services.items, slices: slices.items, node, serviceCidrs: ranges.current() };
  } finally {
    once.abort();
  }
}

async function nodeOf(client: Client, name: string): Promise<Node | undefined> {
  try {
    return await client.get(resources.nodes, { namespace: '', name });
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}
