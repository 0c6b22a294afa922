/**
 * How clients find the server: the selector-less Service kube-system/kube-dns, and one EndpointSlice per node.
 *
 *   kube-dns 10.96.0.10 (trafficDistribution PreferSameNode)
 *      ├── kube-dns-node-1        endpoint node-1's address, hints.forNodes [node-1]
 *      ├── kube-dns-node-1-ipv6   that of its second family
 *      └── kube-dns-node-2        …      a node whose own server is gone is served by another one
 *
 * The Service looks as kubeadm writes it (cmd/kubeadm/app/phases/addons/dns/manifests.go), but for the selector.
 */
import type { EndpointSlice, Service } from '../api/gen/types.ts';
import { isReason } from '../api/errors.ts';
import { resources } from '../api/resources.ts';
import type { Client, Informer } from '../client/index.ts';
import { sleep } from '../util/backoff.ts';
import { log } from '../util/log.ts';

export interface Announcement {
  readonly nodeName: string;
  readonly nodeIP: string;
  /** Beside the node's address of the other family: a slice has one. */
  readonly second?: boolean;
  readonly dnsPort: number;
  readonly metricsPort: number | undefined;
}

const logger = log('dns');
const retryMs = 1_000;
/** A server that is told to stop does not wait longer for an API server that may be gone too. */
const withdrawMs = 1_000;
const namespace = 'kube-system';
const name = 'kube-dns';
export const managedBy = 'dns.portolan.local';

/** Creates kube-system/kube-dns with this cluster IP (two: dual-stack) unless it is there already. */
export async function ensureKubeDns(client: Client, address: string | readonly string[]): Promise<void> {
  try {
    await client.get(resources.services, { namespace, name });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    await createUnlessThere(client, kubeDnsService(typeof address === 'string' ? [address] : address));
  }
}

/** Until the signal, also when somebody deletes the slice; then takes it back. Never rejects. */
export async function keepAnnounced(
  client: Client,
  announcement: Announcement,
  slices: Informer<EndpointSlice>,
  signal: AbortSignal,
): Promise<void> {
  const own = sliceName(announcement);
  let wake = (): void => {};
  slices.onChange((current, old) => {
    if (current === undefined && old?.metadata.namespace === namespace && old.metadata.name === own) wake();
  });
  signal.addEventListener('abort', () => wake(), { once: true });
  while (!signal.aborted) {
    const lost = new Promise<void>((resolve) => (wake = resolve));
    try {
      await announce(client, announcement);
      await lost;
    } catch (error) {
      logger.warn({ err: error }, 'the DNS endpoint of this node cannot be announced yet');
      await sleep(retryMs, signal);
    }
  }
  try {
    await Promise.race([withdraw(client, announcement), sleep(withdrawMs, new AbortController().signal)]);
  } catch (error) {
    logger.debug({ err: error }, 'the DNS endpoint of this node stays announced');
  }
}

/** Creates the node's slice, or brings the one of an earlier run up to date. */
export async function announce(client: Client, announcement: Announcement): Promise<void> {
  const slice = sliceOf(announcement);
  try {
    await client.create(resources.endpointSlices, slice);
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
    await client.update(resources.endpointSlices, slice);
  }
}

/** A server that stops on purpose tells the proxies, which then use another node's. */
export async function withdraw(client: Client, announcement: Announcement): Promise<void> {
  try {
    await client.delete(resources.endpointSlices, { namespace, name: sliceName(announcement) });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}

async function createUnlessThere(client: Client, service: Service): Promise<void> {
  try {
    await client.create(resources.services, service);
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
  }
}

function kubeDnsService(addresses: readonly string[]): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace,
      annotations: { 'prometheus.io/port': '9153', 'prometheus.io/scrape': 'true' },
      labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
    },
    spec: {
      clusterIP: addresses[0] ?? '',
      clusterIPs: [...addresses],
      ...(addresses.length > 1 ? { ipFamilyPolicy: 'RequireDualStack' } : {}),
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53, protocol: 'TCP' },
        { name: 'metrics', port: 9153, protocol: 'TCP' },
      ],
      trafficDistribution: 'PreferSameNode',
    },
  };
}

function sliceName({ nodeName, nodeIP, second }: Announcement): string {
  return second === true ? `${name}-${nodeName}-${addressType(nodeIP).toLowerCase()}` : `${name}-${nodeName}`;
}

function addressType(address: string): 'IPv4' | 'IPv6' {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

function sliceOf(announcement: Announcement): EndpointSlice {
  const { nodeName, nodeIP, dnsPort, metricsPort } = announcement;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: sliceName(announcement),
      namespace,
      labels: {
        'kubernetes.io/service-name': name,
        'endpointslice.kubernetes.io/managed-by': managedBy,
      },
    },
    addressType: addressType(nodeIP),
    endpoints: [
      {
        addresses: [nodeIP],
        conditions: { ready: true, serving: true, terminating: false },
        hints: { forNodes: [{ name: nodeName }] },
        nodeName,
      },
    ],
    ports: [
      { name: 'dns', port: dnsPort, protocol: 'UDP' },
      { name: 'dns-tcp', port: dnsPort, protocol: 'TCP' },
      ...(metricsPort === undefined ? [] : [{ name: 'metrics', port: metricsPort, protocol: 'TCP' }]),
    ],
  };
}
