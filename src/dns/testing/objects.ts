/** Objects in few words. */
import type {
  Endpoint,
  EndpointPort,
  EndpointSlice,
  Namespace,
  Node,
  Pod,
  Service,
  ServicePort,
  ServiceSpec,
} from '../../api/gen/types.ts';

export function namespace(name: string): Namespace {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

/** `http:80`, `dns:53/UDP`, `:80` for an unnamed one. */
export function ports(...texts: readonly string[]): ServicePort[] {
  return texts.map((text) => {
    const [, name = '', port = '', protocol = 'TCP'] = /^([^:]*):([0-9]+)(?:\/(.+))?$/.exec(text) ?? [];
    return { ...(name === '' ? {} : { name }), port: Number(port), protocol };
  });
}

export function service(key: string, spec: ServiceSpec): Service {
  const [ns = '', name = ''] = key.split('/');
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace: ns, name }, spec };
}

export function clusterService(
  key: string,
  address: string | readonly string[],
  ...portTexts: readonly string[]
): Service {
  const clusterIPs = typeof address === 'string' ? [address] : [...address];
  return service(key, { type: 'ClusterIP', clusterIP: clusterIPs[0] ?? '', clusterIPs, ports: ports(...portTexts) });
}

export function headlessService(key: string, spec: ServiceSpec = {}): Service {
  return service(key, { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'], ...spec });
}

export function externalName(key: string, target: string): Service {
  return service(key, { type: 'ExternalName', externalName: target });
}

/** `db-0@10.1.2.3`, `10.1.2.3`; a final `!` means not ready. */
export function endpoint(text: string): Endpoint {
  const [, hostname, address = '', notReady] = /^(?:(.*)@)?(.*?)(!?)$/.exec(text) ?? [];
  return {
    addresses: [address],
    conditions: { ready: notReady !== '!' },
    ...(hostname === undefined ? {} : { hostname }),
  };
}

export function slice(
  key: string,
  owner: string,
  portTexts: readonly string[],
  ...endpoints: readonly string[]
): EndpointSlice {
  const [ns = '', name = ''] = key.split('/');
  const slicePorts: EndpointPort[] = ports(...portTexts);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: ns, name, labels: { 'kubernetes.io/service-name': owner } },
    addressType: endpoints.some((text) => text.includes(':')) ? 'IPv6' : 'IPv4',
    endpoints: endpoints.map(endpoint),
    ports: slicePorts,
  };
}

export function pod(key: string, address: string, spec: Partial<NonNullable<Pod['spec']>> = {}): Pod {
  const [ns = '', name = ''] = key.split('/');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: ns, name },
    spec: { containers: [], ...spec },
    status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }] },
  };
}

export function node(name: string, address: string): Node {
  const addresses = [
    { type: 'InternalIP', address },
    { type: 'Hostname', address: name },
  ];
  return { apiVersion: 'v1', kind: 'Node', metadata: { name }, status: { addresses } };
}
