/**
 * One rich set of objects, and questions with their whole answers. Sources: S = Kubernetes DNS specification 1.1.0 with its
 * paragraph, C = CoreDNS plugin/kubernetes, R = RFC.
 */
import { clusterService, externalName, headlessService, namespace, ports, service, slice } from './objects.ts';
import type { TestCluster } from './server.ts';
import { testCluster } from './server.ts';

export interface Case {
  readonly why: string;
  /** `NAME TYPE`; names without a final dot are below cluster.local. */
  readonly ask: string;
  /** Flags are `aa rd ra` unless said. Names below cluster.local may be written `name~`. */
  readonly expect: readonly string[];
}

export function richCluster(): TestCluster {
  return testCluster({
    namespaces: ['default', 'kube-system', 'prod', 'empty', 'svc', 'com'].map(namespace),
    services: [
      clusterService('default/web', '10.96.0.7', 'http:80', 'https:443'),
      clusterService('default/plain', '10.96.0.8', ':80'),
      clusterService('default/dual', ['10.96.0.3', 'fd00:10:96::3'], 'http:80'),
      clusterService('default/six', 'fd00:10:96::6', 'http:80'),
      headlessService('default/db', { ports: ports('sql:5432') }),
      headlessService('default/hushed'),
      headlessService('default/eager', { publishNotReadyAddresses: true }),
      headlessService('default/twins'),
      externalName('default/ext', 'www.example.com'),
      externalName('default/to-web', 'web.default.svc.cluster.local'),
      externalName('default/to-prod', 'Web.Prod.svc.cluster.local'),
      externalName('default/to-nobody', 'nobody.default.svc.cluster.local'),
      externalName('default/to-to-web', 'to-web.default.svc.cluster.local'),
      externalName('default/selfish', 'selfish.default.svc.cluster.local'),
      externalName('default/number', '192.168.1.1'),
      clusterService('prod/web', '10.96.1.7', 'http:8080'),
      clusterService('kube-system/kube-dns', '10.96.0.10', 'dns:53/UDP', 'dns-tcp:53'),
      clusterService('svc/svc', '10.96.2.1', 'http:80'),
      clusterService('com/example', '10.96.2.2', 'http:80'),
      service('default/pending', { type: 'ClusterIP', ports: ports('http:80') }),
    ],
    slices: [
      slice('default/web-1', 'web', ['http:8080'], '10.244.2.2', '10.244.2.3!'),
      slice('default/db-1', 'db', ['sql:5432'], 'db-0@10.244.1.2', '10.244.1.3', 'late@10.244.1.4!'),
      slice('default/db-2', 'db', ['sql:5432'], 'db-0@fd00:10:244::2'),
      slice('default/hushed-1', 'hushed', [], '10.244.1.9!'),
      slice('default/eager-1', 'eager', ['http:80'], 'eager-0@10.244.1.10!'),
      slice('default/twins-1', 'twins', [], 'twin@10.244.1.20', 'twin@10.244.1.21'),
      slice('default/lost', 'nobody', ['http:80'], '10.244.5.5'),
      slice('kube-system/kube-dns-node-1', 'kube-dns', ['dns:53/UDP'], '10.10.10.1'),
    ],
  });
}

const soa = 'authority: cluster.local. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5';
const noData = ['NOERROR', soa];
const noName = ['NXDOMAIN', soa];
const reverseSoa = (zone: string): string => `authority: ${zone}. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5`;
const web = 'web.default.svc';
const any = '"\\u0007RFC8482\\u0000"';

export const catalogue: readonly Case[] = [
  // Services with a cluster IP.
  { why: 'S 2.3.1', ask: `${web} A`, expect: ['NOERROR', `answer: ${web}~ 5 A 10.96.0.7`] },
  {
    why: 'S 2.1 case-insensitive; R 4343 4.1 the question is echoed as asked',
    ask: 'WEB.Default.SVC A',
    expect: ['NOERROR', 'answer: WEB.Default.SVC~ 5 A 10.96.0.7'],
  },
  { why: 'R 2308 2.2 NODATA: no IPv6 address', ask: `${web} AAAA`, expect: noData },
  { why: 'C dual-stack', ask: 'dual.default.svc A', expect: ['NOERROR', 'answer: dual.default.svc~ 5 A 10.96.0.3'] },
  {
    why: 'C dual-stack',
    ask: 'dual.default.svc AAAA',
    expect: ['NOERROR', 'answer: dual.default.svc~ 5 AAAA fd00:10:96::3'],
  },
  {
    why: 'C IPv6 only',
    ask: 'six.default.svc AAAA',
    expect: ['NOERROR', 'answer: six.default.svc~ 5 AAAA fd00:10:96::6'],
  },
  { why: 'R 2308 2.2', ask: 'six.default.svc A', expect: noData },
  {
    why: 'S 2.3.2, additional address',
    ask: `_http._tcp.${web} SRV`,
    expect: ['NOERROR', `answer: _http._tcp.${web}~ 5 SRV 0 100 80 ${web}~`, `additional: ${web}~ 5 A 10.96.0.7`],
  },
  {
    why: 'C SRV at the service',
    ask: `${web} SRV`,
    expect: [
      'NOERROR',
      `answer: ${web}~ 5 SRV 0 50 80 ${web}~`,
      `answer: ${web}~ 5 SRV 0 50 443 ${web}~`,
      `additional: ${web}~ 5 A 10.96.0.7`,
    ],
  },
  {
    why: 'C dual-stack SRV',
    ask: '_http._tcp.dual.default.svc SRV',
    expect: [
      'NOERROR',
      'answer: _http._tcp.dual.default.svc~ 5 SRV 0 50 80 dual.default.svc~',
      'additional: dual.default.svc~ 5 A 10.96.0.3',
      'additional: dual.default.svc~ 5 AAAA fd00:10:96::3',
    ],
  },
  {
    why: 'S 2.3.2 unnamed ports have no SRV of their own',
    ask: 'plain.default.svc SRV',
    expect: [
      'NOERROR',
      'answer: plain.default.svc~ 5 SRV 0 100 80 plain.default.svc~',
      'additional: plain.default.svc~ 5 A 10.96.0.8',
    ],
  },
  { why: 'S 2.3.2 no such port', ask: `_nope._tcp.${web} SRV`, expect: noName },
  { why: 'S 2.3.2 no such protocol', ask: `_http._udp.${web} SRV`, expect: noName },
  { why: 'R 8020 empty non-terminal above _http._tcp', ask: `_tcp.${web} SRV`, expect: noData },
  { why: 'R 8020 no UDP port, so nothing there', ask: `_udp.${web} SRV`, expect: noName },
  { why: 'R 2308 the name exists, the type does not', ask: `_http._tcp.${web} A`, expect: noData },
  { why: 'R 2308', ask: `${web} TXT`, expect: noData },
  { why: 'R 2308', ask: `${web} MX`, expect: noData },
  { why: 'R 2308', ask: `${web} CNAME`, expect: noData },
  { why: 'R 2308 unknown type', ask: `${web} TYPE65280`, expect: noData },
  { why: 'R 2308 HTTPS (65), asked by browsers', ask: `${web} TYPE65`, expect: noData },
  { why: 'R 8482 4.2', ask: `${web} ANY`, expect: ['NOERROR', `answer: ${web}~ 5 HINFO ${any}`] },
  { why: 'R 8482 a missing name stays missing', ask: 'nope.default.svc ANY', expect: noName },
  { why: 'another namespace', ask: 'web.prod.svc A', expect: ['NOERROR', 'answer: web.prod.svc~ 5 A 10.96.1.7'] },
  { why: 'S 2.3 no such service', ask: 'nope.default.svc A', expect: noName },
  { why: 'S 2.3 no such namespace', ask: 'web.nope.svc A', expect: noName },
  { why: 'no cluster IP yet', ask: 'pending.default.svc A', expect: noName },
  { why: 'slices without a service', ask: 'nobody.default.svc A', expect: noName },
  {
    why: 'C endpoint of a ClusterIP service',
    ask: `10-244-2-2.${web} A`,
    expect: ['NOERROR', `answer: 10-244-2-2.${web}~ 5 A 10.244.2.2`],
  },
  {
    why: 'C endpoint of a ClusterIP service',
    ask: `10-244-2-2.${web} SRV`,
    expect: [
      'NOERROR',
      `answer: 10-244-2-2.${web}~ 5 SRV 0 100 8080 10-244-2-2.${web}~`,
      `additional: 10-244-2-2.${web}~ 5 A 10.244.2.2`,
    ],
  },
  { why: 'S 2.1 not ready', ask: `10-244-2-3.${web} A`, expect: noName },
  { why: 'below an endpoint is nothing', ask: `x.10-244-2-2.${web} A`, expect: noName },
  { why: 'C 4984: no wildcards', ask: '*.default.svc A', expect: noName },
  { why: 'C 4984: no wildcards', ask: '*.*.svc SRV', expect: noName },
  { why: 'C 4984: no wildcards', ask: `_any._any.${web} SRV`, expect: noName },
  { why: 'a dot inside a label is no border', ask: 'x\\.web.default.svc A', expect: noName },
  { why: 'a namespace called svc', ask: 'svc.svc.svc A', expect: ['NOERROR', 'answer: svc.svc.svc~ 5 A 10.96.2.1'] },
  { why: 'a namespace called svc captures nothing above it', ask: 'svc.svc A', expect: noData },
  { why: 'a namespace called com is found below svc only', ask: 'example.com A', expect: noName },
  // Headless services.
  {
    why: 'S 2.4.1',
    ask: 'db.default.svc A',
    expect: ['NOERROR', 'answer: db.default.svc~ 5 A 10.244.1.2', 'answer: db.default.svc~ 5 A 10.244.1.3'],
  },
  {
    why: 'S 2.4.1 dual-stack',
    ask: 'db.default.svc AAAA',
    expect: ['NOERROR', 'answer: db.default.svc~ 5 AAAA fd00:10:244::2'],
  },
  {
    why: 'S 2.4.1 hostname',
    ask: 'db-0.db.default.svc A',
    expect: ['NOERROR', 'answer: db-0.db.default.svc~ 5 A 10.244.1.2'],
  },
  {
    why: 'S 2.4.1 hostname',
    ask: 'db-0.db.default.svc AAAA',
    expect: ['NOERROR', 'answer: db-0.db.default.svc~ 5 AAAA fd00:10:244::2'],
  },
  { why: 'S 2.1 hostname comes before the address', ask: '10-244-1-2.db.default.svc A', expect: noName },
  {
    why: 'C dashed address',
    ask: '10-244-1-3.db.default.svc A',
    expect: ['NOERROR', 'answer: 10-244-1-3.db.default.svc~ 5 A 10.244.1.3'],
  },
  { why: 'R 2308', ask: '10-244-1-3.db.default.svc AAAA', expect: noData },
  { why: 'S 2.1 not ready', ask: 'late.db.default.svc A', expect: noName },
  {
    why: 'S 2.4.2',
    ask: '_sql._tcp.db.default.svc SRV',
    expect: [
      'NOERROR',
      'answer: _sql._tcp.db.default.svc~ 5 SRV 0 33 5432 db-0.db.default.svc~',
      'answer: _sql._tcp.db.default.svc~ 5 SRV 0 33 5432 10-244-1-3.db.default.svc~',
      'additional: db-0.db.default.svc~ 5 A 10.244.1.2',
      'additional: db-0.db.default.svc~ 5 AAAA fd00:10:244::2',
      'additional: 10-244-1-3.db.default.svc~ 5 A 10.244.1.3',
    ],
  },
  { why: 'S 2.4.1 no ready endpoint: NXDOMAIN', ask: 'hushed.default.svc A', expect: noName },
  { why: 'S 2.4.1 no ready endpoint: NXDOMAIN', ask: '10-244-1-9.hushed.default.svc A', expect: noName },
  {
    why: 'S 2.1 publishNotReadyAddresses',
    ask: 'eager.default.svc A',
    expect: ['NOERROR', 'answer: eager.default.svc~ 5 A 10.244.1.10'],
  },
  {
    why: 'S 2.1 publishNotReadyAddresses',
    ask: 'eager-0.eager.default.svc A',
    expect: ['NOERROR', 'answer: eager-0.eager.default.svc~ 5 A 10.244.1.10'],
  },
  {
    why: 'S 2.4.1 several addresses of a hostname',
    ask: 'twin.twins.default.svc A',
    expect: [
      'NOERROR',
      'answer: twin.twins.default.svc~ 5 A 10.244.1.20',
      'answer: twin.twins.default.svc~ 5 A 10.244.1.21',
    ],
  },
  { why: 'C no port, no SRV', ask: 'twins.default.svc SRV', expect: noData },
  // ExternalName.
  {
    why: 'S 2.5',
    ask: 'ext.default.svc CNAME',
    expect: ['NOERROR', 'answer: ext.default.svc~ 5 CNAME www.example.com.'],
  },
  {
    why: 'C external to internal',
    ask: 'to-web.default.svc A',
    expect: ['NOERROR', `answer: to-web.default.svc~ 5 CNAME ${web}~`, `answer: ${web}~ 5 A 10.96.0.7`],
  },
  {
    why: 'C, another namespace, its case kept',
    ask: 'to-prod.default.svc A',
    expect: ['NOERROR', 'answer: to-prod.default.svc~ 5 CNAME Web.Prod.svc~', 'answer: Web.Prod.svc~ 5 A 10.96.1.7'],
  },
  {
    why: 'R 2308 2.2: NODATA at the end of the chain',
    ask: 'to-web.default.svc AAAA',
    expect: ['NOERROR', `answer: to-web.default.svc~ 5 CNAME ${web}~`],
  },
  {
    why: 'R 6604: the code of the last name',
    ask: 'to-nobody.default.svc A',
    expect: ['NXDOMAIN', 'answer: to-nobody.default.svc~ 5 CNAME nobody.default.svc~'],
  },
  {
    why: 'a chain of two',
    ask: 'to-to-web.default.svc A',
    expect: [
      'NOERROR',
      'answer: to-to-web.default.svc~ 5 CNAME to-web.default.svc~',
      `answer: to-web.default.svc~ 5 CNAME ${web}~`,
      `answer: ${web}~ 5 A 10.96.0.7`,
    ],
  },
  {
    why: 'R 1034 3.6.2: the alias itself',
    ask: 'to-to-web.default.svc CNAME',
    expect: ['NOERROR', 'answer: to-to-web.default.svc~ 5 CNAME to-web.default.svc~'],
  },
  { why: 'C an address is no name', ask: 'number.default.svc A', expect: noName },
  { why: 'C nothing below an alias', ask: 'x.ext.default.svc A', expect: noName },
  // Names between.
  { why: 'C apex', ask: '@ A', expect: noData },
  { why: 'R 1035 apex', ask: '@ SOA', expect: ['NOERROR', soa.replace('authority', 'answer')] },
  {
    why: 'R 1035 apex',
    ask: '@ NS',
    expect: [
      'NOERROR',
      'answer: cluster.local. 5 NS kube-dns.kube-system.svc~',
      'additional: kube-dns.kube-system.svc~ 5 A 10.96.0.10',
    ],
  },
  { why: 'C ns.dns: the kube-dns Service', ask: 'ns.dns A', expect: ['NOERROR', 'answer: ns.dns~ 5 A 10.96.0.10'] },
  { why: 'R 2308', ask: 'ns.dns AAAA', expect: noData },
  { why: 'R 8020 empty non-terminal', ask: 'dns A', expect: noData },
  { why: 'S 2.2', ask: 'dns-version TXT', expect: ['NOERROR', 'answer: dns-version~ 28800 TXT "\\u00051.1.0"'] },
  { why: 'R 2308', ask: 'dns-version A', expect: noData },
  { why: 'C', ask: 'svc A', expect: noData },
  { why: 'C', ask: 'pod A', expect: noData },
  { why: 'C', ask: 'svc NS', expect: noData },
  { why: 'C a namespace', ask: 'default.svc A', expect: noData },
  { why: 'C a namespace without services', ask: 'empty.svc A', expect: noData },
  { why: 'C no such namespace', ask: 'nope.svc A', expect: noName },
  { why: 'C not in the schema', ask: 'foo NS', expect: noName },
  { why: 'C not in the schema', ask: 'web.default A', expect: noName },
  // Pods.
  {
    why: 'S 2.6',
    ask: '10-244-9-9.default.pod A',
    expect: ['NOERROR', 'answer: 10-244-9-9.default.pod~ 5 A 10.244.9.9'],
  },
  {
    why: 'C IPv6',
    ask: 'fd00-10-244--7.default.pod AAAA',
    expect: ['NOERROR', 'answer: fd00-10-244--7.default.pod~ 5 AAAA fd00:10:244::7'],
  },
  { why: 'R 2308', ask: '10-244-9-9.default.pod AAAA', expect: noData },
  { why: 'no pod can have it', ask: '10-99-9-9.default.pod A', expect: noName },
  { why: 'no address', ask: 'hello.default.pod A', expect: noName },
  { why: 'no address', ask: '10-244-9-999.default.pod A', expect: noName },
  { why: 'no such namespace', ask: '10-244-9-9.nope.pod A', expect: noName },
  { why: 'C', ask: 'default.pod A', expect: noData },
  { why: 'C', ask: 'nope.pod A', expect: noName },
  { why: 'below a pod is nothing', ask: 'x.10-244-9-9.default.pod A', expect: noName },
  // Reverse.
  {
    why: 'S 2.3.3',
    ask: '7.0.96.10.in-addr.arpa. PTR',
    expect: ['NOERROR', `answer: 7.0.96.10.in-addr.arpa. 5 PTR ${web}~`],
  },
  {
    why: 'S 2.3.3 IPv6',
    ask: '3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa. PTR',
    expect: [
      'NOERROR',
      'answer: 3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa. 5 PTR dual.default.svc~',
    ],
  },
  {
    why: 'S 2.4.3',
    ask: '2.1.244.10.in-addr.arpa. PTR',
    expect: ['NOERROR', 'answer: 2.1.244.10.in-addr.arpa. 5 PTR db-0.db.default.svc~'],
  },
  {
    why: 'C endpoint of a ClusterIP service',
    ask: '2.2.244.10.in-addr.arpa. PTR',
    expect: ['NOERROR', `answer: 2.2.244.10.in-addr.arpa. 5 PTR 10-244-2-2.${web}~`],
  },
  {
    why: 'C endpoints outside the pod range',
    ask: '1.10.10.10.in-addr.arpa. PTR',
    expect: ['NOERROR', 'answer: 1.10.10.10.in-addr.arpa. 5 PTR 10-10-10-1.kube-dns.kube-system.svc~'],
  },
  {
    why: 'S 2.4.3 not ready',
    ask: '9.1.244.10.in-addr.arpa. PTR',
    expect: ['NXDOMAIN', reverseSoa('244.10.in-addr.arpa')],
  },
  {
    why: 'C authority for the service range',
    ask: '99.99.96.10.in-addr.arpa. PTR',
    expect: ['NXDOMAIN', reverseSoa('96.10.in-addr.arpa')],
  },
  {
    why: 'R 2308',
    ask: '7.0.96.10.in-addr.arpa. A',
    expect: ['NOERROR', 'authority: 96.10.in-addr.arpa. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5'],
  },
  {
    why: 'R 1035 apex',
    ask: '96.10.in-addr.arpa. SOA',
    expect: ['NOERROR', reverseSoa('96.10.in-addr.arpa').replace('authority', 'answer')],
  },
  {
    why: 'R 8020 addresses below',
    ask: '0.96.10.in-addr.arpa. PTR',
    expect: ['NOERROR', reverseSoa('96.10.in-addr.arpa')],
  },
  {
    why: 'R 8020 none below',
    ask: '77.96.10.in-addr.arpa. PTR',
    expect: ['NXDOMAIN', reverseSoa('96.10.in-addr.arpa')],
  },
  { why: 'no address', ask: '256.0.96.10.in-addr.arpa. PTR', expect: ['NXDOMAIN', reverseSoa('96.10.in-addr.arpa')] },
  {
    why: 'longer than an address',
    ask: 'x.7.0.96.10.in-addr.arpa. PTR',
    expect: ['NXDOMAIN', reverseSoa('96.10.in-addr.arpa')],
  },
];
