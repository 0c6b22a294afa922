/** The services and slices of the bench: as many as asked for, each with as many endpoints. */
import type { EndpointSlice, Service } from '../../src/api/gen/types.ts';

export interface Size {
  readonly services: number;
  readonly endpoints: number;
}

export const serviceCidr = '10.96.0.0/12';
export const podCidr = '10.244.0.0/16';
export const namespace = 'bench';

export function sizeText({ services, endpoints }: Size): string {
  return `${services.toLocaleString('en')}×${String(endpoints)}`;
}

/** Clear of what the API server takes for itself. */
export function clusterIp(i: number): string {
  const n = i + 256;
  return `10.${String(96 + (n >> 16))}.${String((n >> 8) & 255)}.${String(n & 255)}`;
}

export function serviceAt(i: number): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `s-${String(i)}`, namespace, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      type: 'ClusterIP',
      clusterIP: clusterIp(i),
      clusterIPs: [clusterIp(i)],
      ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }],
    },
  };
}

/** As the endpoint slice controller writes it. `shift`: the same window of pods, moved by so many. */
export function sliceAt(i: number, endpoints: number, shift = 0): EndpointSlice {
  return sliceOf(
    i,
    Array.from({ length: endpoints }, (_, j) => podAddress(i * endpoints + j + shift)),
  );
}

export function sliceOf(i: number, addresses: readonly string[], port = 8080): EndpointSlice {
  const name = `s-${String(i)}`;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-abcde`,
      namespace,
      labels: {
        'endpointslice.kubernetes.io/managed-by': 'bench.portolan.dev',
        'kubernetes.io/service-name': name,
      },
    },
    addressType: 'IPv4',
    ports: [{ name: '', port, protocol: 'TCP' }],
    endpoints: addresses.map((address, j) => ({
      addresses: [address],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${String(j + 2)}`,
      targetRef: {
        kind: 'Pod',
        namespace,
        name: `${name}-6d4cf56db6-${String(j).padStart(5, 'x')}`,
        uid: `00000000-0000-4000-8000-${String(i * 100 + j).padStart(12, '0')}`,
      },
    })),
  };
}

/** Nobody lives there: clear of the bench's own pods in 10.244.0.0/21. */
function podAddress(n: number): string {
  const at = 2048 + (n % 63_000);
  return `10.244.${String(at >> 8)}.${String(at & 255)}`;
}
