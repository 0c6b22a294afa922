/**
 * `proxy show`: the logical table of a node, worked out anew from the API, beside what the kernel of that node holds. It reads;
 * the running proxy is not asked.
 */
import { isReason } from '../api/errors.ts';
import type { EndpointSlice, Node, Service } from '../api/gen/types.ts';
import { resources } from '../api/resources.ts';
import { watchServiceRanges } from '../client/index.ts';
import type { Client } from '../client/index.ts';
import { inspect } from '../dataplane/index.ts';
import type { InspectedKey } from '../dataplane/index.ts';
import { buildTable } from '../model/index.ts';
import { nodeFacts } from './node-view.ts';
import type { ProxyOptions } from './options.ts';
import { planeOptions, proxiedServices, proxiedSlices } from './plane-options.ts';

export interface ShownKey extends InspectedKey {
  /** `namespace/name`; '' where the kernel holds what no service claims. */
  readonly service: string;
  /** ClusterIP, NodePort, ExternalIP, LoadBalancerIP; '' as above. */
  readonly kind: string;
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
  return {
    node: options.nodeName,
    keys: tables.flatMap(({ keys }) =>
      keys.map((inspected) => {
        const frontend = table.entries.get(inspected.key)?.frontend;
        const service = frontend === undefined ? '' : `${frontend.service.namespace}/${frontend.service.name}`;
        return { ...inspected, service, kind: frontend?.kind ?? '' };
      }),
    ),
    problems: tables.flatMap(({ table: name, rulesStand, strays }) => [
      ...(rulesStand ? [] : [`table ${name}: its chains, rules or maps are not as the proxy writes them`]),
      ...strays.map((stray) => `table ${name}: ${stray}`),
    ]),
  };
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
