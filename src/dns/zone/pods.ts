/**
 * Who has which pod address: for verified pod records and for completing the search list of the pod that asks.
 *
 *   '10.244.1.2' -> { namespace: 'default', searches: [] }       pods on the host's network have no address of their own
 */
import type { Pod } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import type { InformerHandler } from '../../client/index.ts';
import { addressKey } from '../wire/index.ts';
import type { Versioned } from './service-entry.ts';

export interface PodAt {
  readonly namespace: string;
  readonly name: string;
  /** Its resolver's search list starts with the cluster's own domains. */
  readonly clusterFirst: boolean;
  /** dnsConfig.searches, which come after them. */
  readonly searches: readonly string[];
}

export class Pods implements Versioned {
  version = 0;
  readonly #byAddress = new Map<string, PodAt>();

  at(key: string): PodAt | undefined {
    return this.#byAddress.get(key);
  }

  readonly onPod: InformerHandler<Pod> = (current, old) => {
    this.version += 1;
    const gone = old === undefined ? [] : addressesOf(old);
    for (const key of gone) if (isOf(this.#byAddress.get(key), old)) this.#byAddress.delete(key);
    if (current === undefined) return;
    const { namespace = '', name } = current.metadata;
    const clusterFirst =
      (current.spec?.dnsPolicy ?? 'ClusterFirst') !== 'None' && current.spec?.dnsPolicy !== 'Default';
    const at = { namespace, name, clusterFirst, searches: current.spec?.dnsConfig?.searches ?? [] };
    for (const key of addressesOf(current)) this.#byAddress.set(key, at);
  };
}

/** What names depend on, and nothing else: there may be many thousands. */
export function leanPod({ metadata, spec, status }: Live<Pod>): Live<Pod> {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const { dnsPolicy, dnsConfig, hostNetwork } = spec ?? {};
  const { phase, podIP, podIPs } = status ?? {};
  return {
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { containers: [], dnsPolicy, dnsConfig, hostNetwork },
    status: { phase, podIP, podIPs },
  };
}

/** An address given on to a new pod is no more the old one's, whatever order the news comes in. */
function isOf(at: PodAt | undefined, pod: Live<Pod> | undefined): boolean {
  return at?.name === pod?.metadata.name && at?.namespace === pod?.metadata.namespace;
}

function addressesOf({ spec, status }: Live<Pod>): readonly string[] {
  if (spec?.hostNetwork === true || status?.phase === 'Succeeded' || status?.phase === 'Failed') return [];
  const addresses = status?.podIPs?.map(({ ip }) => ip) ?? [status?.podIP];
  return addresses.flatMap((address) => (address === undefined ? [] : (addressKey(address) ?? [])));
}
