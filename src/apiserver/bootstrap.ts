/**
 * What every cluster has before anyone asks: the four namespaces, the `kubernetes` Service and where its endpoints are. Idempotent;
 * endpoints follow the advertised address from start to start.
 */
import type { Endpoints, EndpointSlice, Namespace, Service } from '../api/gen/types.ts';
import type { KubeObject } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import { firstServiceAddress } from './service-range.ts';
import type { ApiServerOptions } from './options.ts';
import type { Registry } from './registry.ts';
import type { Store, Tx } from '../store/index.ts';
import { createIn, slotOf, updateIn } from './write.ts';

const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const skipMirror = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };

export function bootstrap(store: Store, registry: Registry, options: ApiServerOptions, port: number): Promise<void> {
  const ensure = ensurer(registry);
  const address = options.advertiseAddress;
  return store.transact((tx) => {
    for (const name of namespaces) ensure<Namespace>(tx, resources.namespaces, { metadata: { name } }, false);
    ensure(tx, resources.services, kubernetesService(options, port), false);
    ensure(tx, resources.endpoints, kubernetesEndpoints(address, port), true);
    ensure(tx, resources.endpointSlices, kubernetesSlice(address, port), true);
  });
}

function ensurer(registry: Registry) {
  return <T extends KubeObject>(tx: Tx, resource: Resource<T>, object: T, follow: boolean): void => {
    const kind = registry.find(resource.group, resource.version, resource.plural);
    if (kind === undefined) return;
    const namespace = object.metadata?.namespace ?? '';
    const key = { namespace, name: object.metadata?.name ?? '' };
    const options = { dryRun: false, warnings: [] };
    if (tx.get(slotOf(resource, key)) === undefined) createIn(tx, kind, namespace, object, options);
    else if (follow) updateIn(tx, kind, key, { ...options, subresource: '', change: () => object });
  };
}

const name = 'kubernetes';
const namespace = 'default';

function kubernetesService(options: ApiServerOptions, port: number): Service {
  return {
    metadata: { name, namespace, labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: firstServiceAddress(options.serviceClusterIPRange[0] ?? ''),
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
      sessionAffinity: 'None',
      ipFamilyPolicy: 'SingleStack',
    },
  };
}

function kubernetesEndpoints(ip: string, port: number): Endpoints {
  return {
    metadata: { name, namespace, labels: skipMirror },
    subsets: [{ addresses: [{ ip }], ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  };
}

function kubernetesSlice(address: string, port: number): EndpointSlice {
  return {
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: address.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  };
}
