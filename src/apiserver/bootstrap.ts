/**
 * What every cluster has before anyone asks: the four namespaces, the two system priority classes, the service range, the `kubernetes`
 * Service and where its endpoints are, the default roles, how clients are known. Idempotent; endpoints follow the advertised address from
 * start to start. One transaction.
 */
import type {
  ConfigMap,
  Endpoints,
  EndpointSlice,
  Namespace,
  PriorityClass,
  Service,
  ServiceCIDR,
} from '../api/gen/types.ts';
import { sameValue } from '../api/kinds/equal.ts';
import { systemPriorityClasses } from '../api/kinds/index.ts';
import type { KubeObject, Live } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import { addressObject } from './allocate/address-objects.ts';
import { defaultServiceCidr, heldAddresses } from './allocate/index.ts';
import { ensureApiServices } from './api-services.ts';
import { ensureDefaultPolicy } from './auth/defaults/index.ts';
import type { Ensure } from './auth/defaults/index.ts';
import { timestamp } from './object-meta.ts';
import { firstServiceAddress } from './service-range.ts';
import type { ApiServerOptions } from './options.ts';
import type { Registry } from './registry.ts';
import type { Store, Tx } from '../store/index.ts';
import { createIn, slotOf, updateIn } from './write.ts';
import { transactionView } from './write-view.ts';

const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const skipMirror = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };

export interface BootstrapContext {
  readonly store: Store;
  readonly registry: Registry;
  readonly options: ApiServerOptions;
  /** PEM of who signs clients' certificates. */
  readonly clientCa: string;
  readonly frontProxyCa: string | undefined;
  /** Where this server listens. */
  readonly port: number;
}

export function bootstrap({ store, registry, options, clientCa, frontProxyCa, port }: BootstrapContext): Promise<void> {
  const address = options.advertiseAddress;
  return store.transact((tx) => {
    const ensure = ensurer(registry, tx);
    const keep = (): undefined => undefined;
    for (const name of namespaces) ensure<Namespace>(resources.namespaces, { metadata: { name } }, keep);
    for (const priorityClass of systemPriorityClasses) {
      ensure<PriorityClass>(resources.priorityClasses, { ...priorityClass }, keep);
    }
    ensureDefaultCidr(tx, registry, options.serviceClusterIPRange);
    ensure(resources.services, kubernetesService(options, port), keep);
    const endpoints = kubernetesEndpoints(address, port);
    ensure(resources.endpoints, endpoints, () => endpoints);
    const slice = kubernetesSlice(address, port);
    ensure(resources.endpointSlices, slice, () => slice);
    ensureAddressObjects(tx);
    ensureDefaultPolicy(ensure);
    ensureApiServices(tx, registry);
    ensureClientAuthentication(ensure, clientCa, frontProxyCa);
  });
}

/** Ready from the start, so that the first Service finds a range. Upstream: controlplane/controller/defaultservicecidr. */
function ensureDefaultCidr(tx: Tx, registry: Registry, cidrs: readonly string[]): void {
  const { group, version, plural } = resources.serviceCIDRs;
  const kind = registry.find(group, version, plural);
  if (kind === undefined) return;
  const key = { namespace: '', name: defaultServiceCidr };
  const options = { dryRun: false, warnings: [] };
  const stored = tx.get(slotOf(resources.serviceCIDRs, key))?.value as Live<ServiceCIDR> | undefined;
  if (stored !== undefined) {
    const [first, ...more] = stored.spec?.cidrs ?? [];
    const grows = more.length === 0 && cidrs.length === 2 && first === cidrs[0];
    if (!grows) return;
    updateIn(tx, kind, key, {
      ...options,
      subresource: '',
      change: () => ({ ...stored, spec: { cidrs: [...cidrs] } }),
    });
    return;
  }
  const finalizers = ['networking.k8s.io/service-cidr-finalizer'];
  const object: ServiceCIDR = { metadata: { name: defaultServiceCidr, finalizers }, spec: { cidrs: [...cidrs] } };
  createIn(tx, kind, '', object, options);
  const message = 'Kubernetes default Service CIDR is ready';
  const ready = { type: 'Ready', status: 'True', reason: '', message, lastTransitionTime: timestamp() };
  updateIn(tx, kind, key, {
    ...options,
    subresource: 'status',
    change: (old) => ({ ...old, status: { conditions: [ready] } }) as KubeObject,
  });
}

/** For Services from before there were such objects, and for those that somebody deleted. */
function ensureAddressObjects(tx: Tx): void {
  const view = transactionView(tx, false);
  for (const service of view.list(resources.services)) {
    for (const name of heldAddresses(service)) {
      if (view.get(resources.ipAddresses, { namespace: '', name }) !== undefined) continue;
      view.put(resources.ipAddresses, addressObject(service, name));
    }
  }
}

/**
 * How those who serve extensions (a controller manager's own port among them) know clients as this server does. What others wrote there
 * stays. Upstream: pkg/controlplane/controller/clusterauthenticationtrust.
 */
function ensureClientAuthentication(ensure: Ensure, clientCa: string, frontProxyCa: string | undefined): void {
  const data = { 'client-ca-file': clientCa, ...(frontProxyCa === undefined ? {} : requestHeaders) };
  const name = 'requestheader-client-ca-file';
  /** Others may speak for users by authorities of their own. */
  const withAuthorities = (known = ''): Readonly<Record<string, string>> => {
    if (frontProxyCa === undefined) return data;
    return { ...data, [name]: known.includes(frontProxyCa.trim()) ? known : known + frontProxyCa };
  };
  const metadata = { name: 'extension-apiserver-authentication', namespace: 'kube-system' };
  ensure<ConfigMap>(resources.configMaps, { metadata, data: withAuthorities() }, (current) => {
    const next = { ...current.data, ...withAuthorities(current.data?.[name]) };
    return sameValue(next, current.data) ? undefined : { ...current, data: next };
  });
}

/** What kubeadm tells kube-apiserver: who says so by a certificate of that name may say who asks. */
const requestHeaders = {
  'requestheader-allowed-names': '["front-proxy-client"]',
  'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
  'requestheader-group-headers': '["X-Remote-Group"]',
  'requestheader-uid-headers': '["X-Remote-Uid"]',
  'requestheader-username-headers': '["X-Remote-User"]',
};

function ensurer(registry: Registry, tx: Tx): Ensure {
  return <T extends KubeObject>(
    resource: Resource<T>,
    wanted: T,
    change: (current: Live<T>) => T | undefined,
  ): void => {
    const kind = registry.find(resource.group, resource.version, resource.plural);
    if (kind === undefined) return;
    const namespace = wanted.metadata?.namespace ?? '';
    const key = { namespace, name: wanted.metadata?.name ?? '' };
    const options = { dryRun: false, warnings: [] };
    const current = tx.get(slotOf(resource, key));
    if (current === undefined) {
      createIn(tx, kind, namespace, wanted, options);
      return;
    }
    const object = change(current.value as Live<T>);
    if (object !== undefined) updateIn(tx, kind, key, { ...options, subresource: '', change: () => object });
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
