/** The IPAddress of a cluster IP. Upstream: ipallocator's createIPAddress; the labels are what its controllers select by. */
import type { IPAddress, Service } from '../../api/gen/types.ts';

export function addressObject(service: Service, address: string): IPAddress {
  const { name = '', namespace = '' } = service.metadata ?? {};
  return {
    metadata: {
      name: address,
      labels: {
        'ipaddress.kubernetes.io/ip-family': address.includes(':') ? 'IPv6' : 'IPv4',
        'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
      },
    },
    spec: { parentRef: { resource: 'services', namespace, name } },
  };
}
