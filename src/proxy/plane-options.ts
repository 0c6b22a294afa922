/** What the proxy's options and its Node mean for the data plane. Pure. */
import type { DataPlaneOptions } from '../dataplane/index.ts';
import type { NodeFacts } from './node-view.ts';
import type { ProxyOptions } from './options.ts';

/** Upstream's selectors: others' services never leave the server. */
export const proxiedServices = '!service.kubernetes.io/service-proxy-name';
export const proxiedSlices = '!service.kubernetes.io/headless';

const everywhere = ['0.0.0.0/0', '::/0'];

/** `serviceCidrs`: as they are now. */
export function planeOptions(
  options: ProxyOptions,
  facts: NodeFacts,
  serviceCidrs: readonly string[],
): DataPlaneOptions {
  const { clusterCidrs, lanCidrs = [], nonMasqueradeCidrs = [], masqueradePods = true } = options;
  const host = (address: string): string => `${address}/${address.includes(':') ? '128' : '32'}`;
  return {
    podCidrs: facts.podCidrs,
    podsOfAllNodes: facts.podsOfAllNodes,
    serviceCidrs,
    nonMasqueradeCidrs: [
      ...(masqueradePods ? [] : everywhere),
      ...clusterCidrs,
      ...serviceCidrs,
      ...lanCidrs,
      ...nonMasqueradeCidrs,
      ...facts.view.addresses.map(host),
    ],
    ...(options.nodePortRange === undefined ? {} : { nodePortRange: options.nodePortRange }),
    ...(options.podLinks === undefined ? {} : { podLinks: options.podLinks }),
    ...(options.trustedSources === undefined ? {} : { trustedSources: options.trustedSources }),
    ...(options.clusterIpClients === undefined ? {} : { clusterIpClients: options.clusterIpClients }),
    ...(options.table === undefined ? {} : { table: options.table }),
  };
}
