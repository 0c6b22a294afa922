/**
 * Who is who in a local cluster: the certificates that its parts need, from the topology. Pure.
 *
 * Users and groups are upstream's, so that the same RBAC rules fit: kubeadm's admin, the node authorizer's `system:node:NAME` in
 * `system:nodes`.
 */
import type { Identity } from './certificate.ts';
import type { ClusterSettings } from './settings.ts';
import type { NodePlace, Topology } from './topology.ts';

export function identitiesOf(settings: ClusterSettings, topology: Topology): readonly Identity[] {
  return [
    serving(settings, topology),
    client('apiserver-kubelet-client', 'portolan-apiserver-kubelet-client', 'system:masters'),
    { ...client('front-proxy-client', 'front-proxy-client'), authority: 'front-proxy-ca' },
    client('admin', 'portolan-admin', 'system:masters'),
    client('controllers', 'system:kube-controller-manager'),
    client('lb', 'system:cloud-controller-manager'),
    // Proxy, DNS and pod routes of all nodes; what the group may is in src/apiserver/auth/defaults/own-parts.ts.
    client('network', 'system:kube-proxy', 'system:portolan:node-network'),
    ...topology.nodes.map(nodeIdentity),
  ];
}

function serving(settings: ClusterSettings, topology: Topology): Identity {
  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  return {
    file: 'apiserver',
    commonName: 'kube-apiserver',
    client: false,
    server: true,
    dnsNames: [...names, `kubernetes.default.svc.${settings.clusterDomain}`, 'localhost'],
    addresses: [
      ...topology.families.flatMap(({ addresses }) => [addresses.kubernetes, addresses.control]),
      '127.0.0.1',
      '::1',
    ],
  };
}

function client(file: string, commonName: string, organization?: string): Identity {
  const group = organization === undefined ? {} : { organization };
  return { file, commonName, ...group, client: true, server: false };
}

/** One certificate both ways: the node speaks to the API server, and the API server to the node's port 10250. */
function nodeIdentity(node: NodePlace): Identity {
  return {
    file: node.name,
    commonName: `system:node:${node.name}`,
    organization: 'system:nodes',
    client: true,
    server: true,
    dnsNames: [node.name],
    addresses: node.addresses,
  };
}
