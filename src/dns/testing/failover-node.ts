/**
 * A process of its own that is a node's DNS server: `failover-node.ts NODE-NAME ADDRESS OTHER-ADDRESS`, in the node's
 * network namespace. What it answers for `who.default.svc` tells which one it is. Prints one line when it serves.
 */
import { runDns } from '../index.ts';
import type { Client } from '../../client/types.ts';
import { clusterService, namespace, slice } from './objects.ts';
import { testCluster } from './server.ts';

const [, , name = '', address = '', other = ''] = process.argv;
const cluster = testCluster({
  namespaces: ['default', 'kube-system'].map(namespace),
  services: [clusterService('default/who', address, 'http:80')],
  slices: [
    slice('kube-system/kube-dns-1', 'kube-dns', ['dns:53/UDP', 'dns-tcp:53'], address),
    slice('kube-system/kube-dns-2', 'kube-dns', ['dns:53/UDP', 'dns-tcp:53'], other),
  ],
});
const dns = await runDns(
  {
    client: {} as Client,
    informers: cluster,
    listen: [{ address, port: 53 }],
    serviceCidrs: ['10.96.0.0/16'],
    podCidrs: ['10.244.0.0/16'],
    upstreams: [],
    nodeName: name,
    nodeIP: address,
    failover: ['10.96.0.10'],
  },
  new AbortController().signal,
);
await dns.synced;
process.stdout.write('serving\n');
