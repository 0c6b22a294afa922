/** Services and slices for tests, in few words. */
import type { EndpointSlice, Service, ServiceSpec } from '../../api/gen/types.ts';

export interface EndpointWords {
  readonly address: string;
  readonly node?: string;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
}

export function service(name: string, spec: ServiceSpec, status: Service['status'] = {}): Service {
  const ips = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  const ipFamilies = ips.map((ip) => (ip.includes(':') ? 'IPv6' : 'IPv4'));
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { type: 'ClusterIP', ipFamilies, ...spec },
    status,
  };
}

export function slice(
  of: string,
  port: number,
  endpoints: readonly EndpointWords[],
  more: {
    readonly name?: string;
    readonly protocol?: string;
    readonly portName?: string;
    readonly family?: string;
  } = {},
): EndpointSlice {
  const { name = `${of}-1`, protocol = 'TCP', portName = '', family = 'IPv4' } = more;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': of } },
    addressType: family,
    ports: [{ name: portName, port, protocol }],
    endpoints: endpoints.map(({ address, node, ready = true, serving = ready, terminating = false }) => ({
      addresses: [address],
      conditions: { ready, serving, terminating },
      ...(node === undefined ? {} : { nodeName: node }),
    })),
  };
}
