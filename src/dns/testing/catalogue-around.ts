/**
 * More questions over the same objects (catalogue.ts): around the services: the apex, pods, reverse zones. S, C and R as there. Where a line says C,
 * or a denial is plain, a real CoreDNS 1.15 gave the same answer beside it.
 */
import type { Case } from './catalogue.ts';

const soa = 'authority: cluster.local. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5';
const noData = ['NOERROR', soa];
const noName = ['NXDOMAIN', soa];
const any = '"\\u0007RFC8482\\u0000"';

export const aroundCases: readonly Case[] = [
  { why: 'R 2308 2.2: the name exists without this type', ask: 'wEb.dEfAuLt.SvC AAAA', expect: noData },
  { why: 'R 2308 2.2: the name exists without this type', ask: '@ AAAA', expect: noData },
  { why: 'R 2308 2.2: the name exists without this type', ask: '@ TXT', expect: noData },
  {
    why: 'R 8482 4.2: one HINFO where there are records, the plain denial where there are none',
    ask: '@ ANY',
    expect: ['NOERROR', 'answer: cluster.local. 5 HINFO ' + any],
  },
  { why: 'R 2308 2.2: the name exists without this type', ask: '@ MX', expect: noData },
  {
    why: 'R 8482 4.2: one HINFO where there are records, the plain denial where there are none',
    ask: 'ns.dns ANY',
    expect: ['NOERROR', 'answer: ns.dns~ 5 HINFO ' + any],
  },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'ns.dns TXT', expect: noData },
  { why: 'S 2.3, C: not in the schema', ask: 'x.ns.dns A', expect: noName },
  { why: 'S 2.3, C: not in the schema', ask: 'x.dns A', expect: noName },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'dns NS', expect: noData },
  {
    why: 'R 8482 4.2: one HINFO where there are records, the plain denial where there are none',
    ask: 'dns-version ANY',
    expect: ['NOERROR', 'answer: dns-version~ 5 HINFO ' + any],
  },
  { why: 'S 2.3, C: not in the schema', ask: 'x.dns-version TXT', expect: noName },
  { why: 'S 2.2', ask: 'DNS-Version TXT', expect: ['NOERROR', 'answer: DNS-Version~ 28800 TXT "\\u00051.1.0"'] },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'svc SOA', expect: noData },
  {
    why: 'R 8482 4.2: one HINFO where there are records, the plain denial where there are none',
    ask: 'svc ANY',
    expect: noData,
  },
  { why: 'R 2308 2.2', ask: 'pod NS', expect: noData },
  { why: 'S 2.3, C: not in the schema', ask: 'com A', expect: noName },
  { why: 'S 2.3, C: not in the schema', ask: 'default A', expect: noName },
  { why: 'S 2.3, C: not in the schema', ask: 'web A', expect: noName },
  { why: 'S 2.3, C: not in the schema', ask: 'x.y.z A', expect: noName },
  {
    why: 'S 2.3.2, 2.4.2: SRV names are _port._proto in front of the service, named ports only',
    ask: '_tcp A',
    expect: noName,
  },
  { why: 'R 2308 2.2', ask: '10-244-9-9.default.pod TXT', expect: noData },
  {
    why: 'R 8482 4.2: one HINFO where there are records, the plain denial where there are none',
    ask: '10-244-9-9.default.pod ANY',
    expect: ['NOERROR', 'answer: 10-244-9-9.default.pod~ 5 HINFO ' + any],
  },
  {
    why: 'S 2.6',
    ask: '10-244-9-9.DEFAULT.pod A',
    expect: ['NOERROR', 'answer: 10-244-9-9.DEFAULT.pod~ 5 A 10.244.9.9'],
  },
  { why: 'S 2.6: not a pod address of a namespace that exists', ask: '010-244-9-9.default.pod A', expect: noName },
  { why: 'S 2.6: not a pod address of a namespace that exists', ask: '10-244-9.default.pod A', expect: noName },
  { why: 'S 2.6: not a pod address of a namespace that exists', ask: '10-244-9-9-1.default.pod A', expect: noName },
  { why: 'S 2.6: not a pod address of a namespace that exists', ask: '10-96-0-7.default.pod A', expect: noName },
  { why: 'R 2308 2.2', ask: 'fd00-10-244--7.default.pod A', expect: noData },
  { why: 'S 2.6: not a pod address of a namespace that exists', ask: 'fd00-10-96--3.default.pod AAAA', expect: noName },
  { why: 'R 2308 2.2', ask: 'empty.pod A', expect: noData },
  {
    why: 'R 8482 4.2: one HINFO where there are records, the plain denial where there are none',
    ask: 'default.pod ANY',
    expect: noData,
  },
  { why: 'R 2308 2.2', ask: 'default.pod NS', expect: noData },
  { why: 'S 2.6', ask: '10-244-1-2.svc.pod A', expect: ['NOERROR', 'answer: 10-244-1-2.svc.pod~ 5 A 10.244.1.2'] },
  {
    why: 'S 2.3.3 PTR of a cluster IP',
    ask: '8.0.96.10.in-addr.arpa. PTR',
    expect: ['NOERROR', 'answer: 8.0.96.10.in-addr.arpa. 5 PTR plain.default.svc~'],
  },
  {
    why: 'S 2.3.3 PTR of a cluster IP',
    ask: '3.0.96.10.in-addr.arpa. PTR',
    expect: ['NOERROR', 'answer: 3.0.96.10.in-addr.arpa. 5 PTR dual.default.svc~'],
  },
  {
    why: 'S 2.3.3 PTR of a cluster IP',
    ask: '10.0.96.10.in-addr.arpa. PTR',
    expect: ['NOERROR', 'answer: 10.0.96.10.in-addr.arpa. 5 PTR kube-dns.kube-system.svc~'],
  },
  {
    why: 'S 2.3.3 PTR of a cluster IP',
    ask: '1.2.96.10.in-addr.arpa. PTR',
    expect: ['NOERROR', 'answer: 1.2.96.10.in-addr.arpa. 5 PTR svc.svc.svc~'],
  },
  {
    why: 'S 2.3.3 PTR of a cluster IP',
    ask: '7.1.96.10.in-addr.arpa. PTR',
    expect: ['NOERROR', 'answer: 7.1.96.10.in-addr.arpa. 5 PTR web.prod.svc~'],
  },
  {
    why: 'R 8482 4.2: one HINFO where there are records, the plain denial where there are none',
    ask: '7.0.96.10.in-addr.arpa. ANY',
    expect: ['NOERROR', 'answer: 7.0.96.10.in-addr.arpa. 5 HINFO ' + any],
  },
  {
    why: 'R 2308 2.2, R 8020: the name exists, or names below it do',
    ask: '7.0.96.10.in-addr.arpa. TXT',
    expect: ['NOERROR', 'authority: 96.10.in-addr.arpa. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5'],
  },
  {
    why: 'S 2.3.1',
    ask: '7.0.96.10.IN-ADDR.ARPA. PTR',
    expect: ['NOERROR', 'answer: 7.0.96.10.IN-ADDR.ARPA. 5 PTR web.default.svc~'],
  },
  {
    why: 'S 2.3.3, 2.4.3: no service and no ready endpoint has this address; the reverse zone is ours',
    ask: '07.0.96.10.in-addr.arpa. PTR',
    expect: ['NXDOMAIN', 'authority: 96.10.in-addr.arpa. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5'],
  },
  {
    why: 'R 1035 3.3.11, 3.3.13: the apex of a reverse zone',
    ask: '96.10.in-addr.arpa. NS',
    expect: [
      'NOERROR',
      'answer: 96.10.in-addr.arpa. 5 NS kube-dns.kube-system.svc~',
      'additional: kube-dns.kube-system.svc~ 5 A 10.96.0.10',
    ],
  },
  {
    why: 'R 2308 2.2, R 8020: the name exists, or names below it do',
    ask: '96.10.in-addr.arpa. PTR',
    expect: ['NOERROR', 'authority: 96.10.in-addr.arpa. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5'],
  },
  {
    why: 'R 2308 2.2, R 8020: the name exists, or names below it do',
    ask: '96.10.in-addr.arpa. A',
    expect: ['NOERROR', 'authority: 96.10.in-addr.arpa. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5'],
  },
  {
    why: 'R 1035 3.3.11, 3.3.13: the apex of a reverse zone',
    ask: '244.10.in-addr.arpa. SOA',
    expect: ['NOERROR', 'answer: 244.10.in-addr.arpa. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5'],
  },
  {
    why: 'R 2308 2.2, R 8020: the name exists, or names below it do',
    ask: '1.244.10.in-addr.arpa. PTR',
    expect: ['NOERROR', 'authority: 244.10.in-addr.arpa. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5'],
  },
  {
    why: 'S 2.4.3 PTR of an endpoint, C for ClusterIP services',
    ask: '3.1.244.10.in-addr.arpa. PTR',
    expect: ['NOERROR', 'answer: 3.1.244.10.in-addr.arpa. 5 PTR 10-244-1-3.db.default.svc~'],
  },
  {
    why: 'S 2.4.3 PTR of an endpoint, C for ClusterIP services',
    ask: '20.1.244.10.in-addr.arpa. PTR',
    expect: ['NOERROR', 'answer: 20.1.244.10.in-addr.arpa. 5 PTR twin.twins.default.svc~'],
  },
  {
    why: 'S 2.4.3 PTR of an endpoint, C for ClusterIP services',
    ask: '10.1.244.10.in-addr.arpa. PTR',
    expect: ['NOERROR', 'answer: 10.1.244.10.in-addr.arpa. 5 PTR eager-0.eager.default.svc~'],
  },
  {
    why: 'S 2.3.3, 2.4.3: no service and no ready endpoint has this address; the reverse zone is ours',
    ask: '3.2.244.10.in-addr.arpa. PTR',
    expect: ['NXDOMAIN', 'authority: 244.10.in-addr.arpa. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5'],
  },
  {
    why: 'S 2.3.3, 2.4.3: no service and no ready endpoint has this address; the reverse zone is ours',
    ask: '5.5.244.10.in-addr.arpa. PTR',
    expect: ['NXDOMAIN', 'authority: 244.10.in-addr.arpa. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5'],
  },
  {
    why: 'R 2308 2.2, R 8020: the name exists, or names below it do',
    ask: '1.10.10.10.in-addr.arpa. A',
    expect: ['NOERROR', 'authority: 1.10.10.10.in-addr.arpa. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5'],
  },
  {
    why: 'S 2.4.3 PTR of an endpoint, C for ClusterIP services',
    ask: '2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.4.2.0.0.1.0.0.0.0.d.f.ip6.arpa. PTR',
    expect: [
      'NOERROR',
      'answer: 2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.4.2.0.0.1.0.0.0.0.d.f.ip6.arpa. 5 PTR db-0.db.default.svc~',
    ],
  },
  {
    why: 'S 2.3.3 PTR of a cluster IP',
    ask: '6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa. PTR',
    expect: [
      'NOERROR',
      'answer: 6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa. 5 PTR six.default.svc~',
    ],
  },
  {
    why: 'S 2.3.3, 2.4.3: no service and no ready endpoint has this address; the reverse zone is ours',
    ask: '9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa. PTR',
    expect: [
      'NXDOMAIN',
      'authority: 0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5',
    ],
  },
];
