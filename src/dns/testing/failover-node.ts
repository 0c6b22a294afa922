/**
 * A process of its own that is a node's DNS server: `failover-node.ts NODE-NAME ADDRESSES OTHER-ADDRESSES`, in the node's
 * network namespace. What it answers for `who.default.svc` tells which one it is. Prints one line when it serves.
 */
import { runDns } from '../index.ts';
import type { Client } from '../../client/index.ts';
import { clusterService, namespace, slice } from './objects.ts';
import { testCluster } from './server.ts';

const [, , name = '', ...lists] = process.argv;
const [own = [], others = []] = lists.map((list) => list.split(','));
const slices = [...own, ...others].map((address, index) =>
  slice(`kube-system/kube-dns-${index}`, 'kube-dns', ['dns:53/UDP', 'dns-tcp:53'], address),
);
const cluster = testCluster({
  namespaces: ['default', 'kube-system'].map(namespace),
  services: [clusterService('default/who', own[0] ?? '', 'http:80')],
  slices,
});
const dns = await runDns(
  {
    client: {} as Client,
    informers: cluster,
    listen: own.map((address) => ({ address, port: 53 })),
    serviceCidrs: ['10.96.0.0/16'],
    podCidrs: ['10.244.0.0/16'],
    upstreams: [],
    nodeName: name,
    nodeIP: own[0] ?? '',
    failover: ['10.96.0.10', 'fd00:10:96::a'],
  },
  new AbortController().signal,
);
await dns.synced;
process.stdout.write('serving\n');
