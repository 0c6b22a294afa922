/**
 * More questions over the same objects (catalogue.ts): every type at every name of a service. S, C and R as there. Where a line says C,
 * or a denial is plain, a real CoreDNS 1.15 gave the same answer beside it.
 */
import type { Case } from './catalogue.ts';

const soa = 'authority: cluster.local. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5';
const noData = ['NOERROR', soa];
const noName = ['NXDOMAIN', soa];
const any = '"\\u0007RFC8482\\u0000"';

export const serviceCases: readonly Case[] = [
  { why: 'R 2308 2.2: the name exists without this type', ask: 'web.default.svc NS', expect: noData },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'web.default.svc SOA', expect: noData },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'web.default.svc PTR', expect: noData },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'web.default.svc TYPE64', expect: noData },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'web.default.svc TYPE257', expect: noData },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'web.default.svc TYPE48', expect: noData },
  {
    why: 'C SRV at the name itself',
    ask: 'dual.default.svc SRV',
    expect: [
      'NOERROR',
      'answer: dual.default.svc~ 5 SRV 0 50 80 dual.default.svc~',
      'additional: dual.default.svc~ 5 A 10.96.0.3',
      'additional: dual.default.svc~ 5 AAAA fd00:10:96::3',
    ],
  },
  {
    why: 'R 8482 4.2: one HINFO where there are records, the plain denial where there are none',
    ask: 'dual.default.svc ANY',
    expect: ['NOERROR', 'answer: dual.default.svc~ 5 HINFO ' + any],
  },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'dual.default.svc TXT', expect: noData },
  {
    why: 'C SRV at the name itself',
    ask: 'six.default.svc SRV',
    expect: [
      'NOERROR',
      'answer: six.default.svc~ 5 SRV 0 100 80 six.default.svc~',
      'additional: six.default.svc~ 5 AAAA fd00:10:96::6',
    ],
  },
  {
    why: 'S 2.3.2',
    ask: '_http._tcp.six.default.svc SRV',
    expect: [
      'NOERROR',
      'answer: _http._tcp.six.default.svc~ 5 SRV 0 100 80 six.default.svc~',
      'additional: six.default.svc~ 5 AAAA fd00:10:96::6',
    ],
  },
  { why: 'R 2308 2.2: the name exists without this type', ask: '_http._tcp.six.default.svc AAAA', expect: noData },
  {
    why: 'S 2.3.2',
    ask: '_HTTP._TCP.web.default.svc SRV',
    expect: [
      'NOERROR',
      'answer: _HTTP._TCP.web.default.svc~ 5 SRV 0 100 80 web.default.svc~',
      'additional: web.default.svc~ 5 A 10.96.0.7',
    ],
  },
  {
    why: 'S 2.3.2',
    ask: '_https._tcp.web.default.svc SRV',
    expect: [
      'NOERROR',
      'answer: _https._tcp.web.default.svc~ 5 SRV 0 100 443 web.default.svc~',
      'additional: web.default.svc~ 5 A 10.96.0.7',
    ],
  },
  { why: 'R 2308 2.2: the name exists without this type', ask: '_https._tcp.web.default.svc TXT', expect: noData },
  { why: 'R 8020: an empty non-terminal', ask: '_tcp.web.default.svc A', expect: noData },
  {
    why: 'R 8482 4.2: one HINFO where there are records, the plain denial where there are none',
    ask: '_tcp.web.default.svc ANY',
    expect: noData,
  },
  {
    why: 'S 2.3.2, 2.4.2: SRV names are _port._proto in front of the service, named ports only',
    ask: '_tcp.plain.default.svc A',
    expect: noName,
  },
  {
    why: 'S 2.3.2, 2.4.2: SRV names are _port._proto in front of the service, named ports only',
    ask: '_._tcp.plain.default.svc SRV',
    expect: noName,
  },
  {
    why: 'S 2.3.2, 2.4.2: SRV names are _port._proto in front of the service, named ports only',
    ask: 'x._http._tcp.web.default.svc SRV',
    expect: noName,
  },
  {
    why: 'S 2.3.2, 2.4.2: SRV names are _port._proto in front of the service, named ports only',
    ask: '_http.web.default.svc SRV',
    expect: noName,
  },
  { why: 'S 2.3, C: not in the schema', ask: 'http.tcp.web.default.svc SRV', expect: noName },
  {
    why: 'S 2.3.2',
    ask: '_dns._udp.kube-dns.kube-system.svc SRV',
    expect: [
      'NOERROR',
      'answer: _dns._udp.kube-dns.kube-system.svc~ 5 SRV 0 100 53 kube-dns.kube-system.svc~',
      'additional: kube-dns.kube-system.svc~ 5 A 10.96.0.10',
    ],
  },
  {
    why: 'S 2.3.2',
    ask: '_dns-tcp._tcp.kube-dns.kube-system.svc SRV',
    expect: [
      'NOERROR',
      'answer: _dns-tcp._tcp.kube-dns.kube-system.svc~ 5 SRV 0 100 53 kube-dns.kube-system.svc~',
      'additional: kube-dns.kube-system.svc~ 5 A 10.96.0.10',
    ],
  },
  {
    why: 'S 2.3.2, 2.4.2: SRV names are _port._proto in front of the service, named ports only',
    ask: '_dns._tcp.kube-dns.kube-system.svc SRV',
    expect: noName,
  },
  { why: 'R 8020: an empty non-terminal', ask: '_udp.kube-dns.kube-system.svc SRV', expect: noData },
  {
    why: 'C SRV at the name itself',
    ask: 'kube-dns.kube-system.svc SRV',
    expect: [
      'NOERROR',
      'answer: kube-dns.kube-system.svc~ 5 SRV 0 50 53 kube-dns.kube-system.svc~',
      'additional: kube-dns.kube-system.svc~ 5 A 10.96.0.10',
    ],
  },
  {
    why: 'S 2.3.1',
    ask: 'kube-dns.kube-system.svc A',
    expect: ['NOERROR', 'answer: kube-dns.kube-system.svc~ 5 A 10.96.0.10'],
  },
  {
    why: 'C endpoint of a service by its dashed address',
    ask: '10-10-10-1.kube-dns.kube-system.svc A',
    expect: ['NOERROR', 'answer: 10-10-10-1.kube-dns.kube-system.svc~ 5 A 10.10.10.1'],
  },
  {
    why: 'C SRV at the name itself',
    ask: '10-10-10-1.kube-dns.kube-system.svc SRV',
    expect: [
      'NOERROR',
      'answer: 10-10-10-1.kube-dns.kube-system.svc~ 5 SRV 0 100 53 10-10-10-1.kube-dns.kube-system.svc~',
      'additional: 10-10-10-1.kube-dns.kube-system.svc~ 5 A 10.10.10.1',
    ],
  },
  { why: 'S 2.3, C: not in the schema', ask: 'web.web.default.svc A', expect: noName },
  { why: 'R 2308 2.2: the name exists without this type', ask: '10-244-2-2.web.default.svc AAAA', expect: noData },
  { why: 'R 2308 2.2: the name exists without this type', ask: '10-244-2-2.web.default.svc TXT', expect: noData },
  {
    why: 'R 8482 4.2: one HINFO where there are records, the plain denial where there are none',
    ask: '10-244-2-2.web.default.svc ANY',
    expect: ['NOERROR', 'answer: 10-244-2-2.web.default.svc~ 5 HINFO ' + any],
  },
  { why: 'S 2.1, 2.4.1: not ready', ask: '10-244-2-3.web.default.svc SRV', expect: noName },
  { why: 'S 2.3, C: not in the schema', ask: '10-244-2-2.web.prod.svc A', expect: noName },
  { why: 'S 2.3, C: not in the schema', ask: '10-244-2-2.plain.default.svc A', expect: noName },
  { why: 'S 2.3, C: not in the schema', ask: '10.244.2.2.web.default.svc A', expect: noName },
  {
    why: 'C SRV at the name itself',
    ask: 'db.default.svc SRV',
    expect: [
      'NOERROR',
      'answer: db.default.svc~ 5 SRV 0 33 5432 db-0.db.default.svc~',
      'answer: db.default.svc~ 5 SRV 0 33 5432 10-244-1-3.db.default.svc~',
      'additional: db-0.db.default.svc~ 5 A 10.244.1.2',
      'additional: db-0.db.default.svc~ 5 AAAA fd00:10:244::2',
      'additional: 10-244-1-3.db.default.svc~ 5 A 10.244.1.3',
    ],
  },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'db.default.svc TXT', expect: noData },
  {
    why: 'R 8482 4.2: one HINFO where there are records, the plain denial where there are none',
    ask: 'db.default.svc ANY',
    expect: ['NOERROR', 'answer: db.default.svc~ 5 HINFO ' + any],
  },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'db.default.svc CNAME', expect: noData },
  {
    why: 'C SRV at the name itself',
    ask: 'db-0.db.default.svc SRV',
    expect: [
      'NOERROR',
      'answer: db-0.db.default.svc~ 5 SRV 0 50 5432 db-0.db.default.svc~',
      'additional: db-0.db.default.svc~ 5 A 10.244.1.2',
      'additional: db-0.db.default.svc~ 5 AAAA fd00:10:244::2',
    ],
  },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'db-0.db.default.svc TXT', expect: noData },
  { why: 'S 2.3.1', ask: 'DB-0.Db.default.svc A', expect: ['NOERROR', 'answer: DB-0.Db.default.svc~ 5 A 10.244.1.2'] },
  {
    why: 'C SRV at the name itself',
    ask: '10-244-1-3.db.default.svc SRV',
    expect: [
      'NOERROR',
      'answer: 10-244-1-3.db.default.svc~ 5 SRV 0 100 5432 10-244-1-3.db.default.svc~',
      'additional: 10-244-1-3.db.default.svc~ 5 A 10.244.1.3',
    ],
  },
  { why: 'S 2.3, C: not in the schema', ask: 'db-1.db.default.svc A', expect: noName },
  {
    why: 'S 2.3.2, 2.4.2: SRV names are _port._proto in front of the service, named ports only',
    ask: '_sql._tcp.db-0.db.default.svc SRV',
    expect: noName,
  },
  { why: 'R 8020: an empty non-terminal', ask: '_tcp.db.default.svc SRV', expect: noData },
  {
    why: 'S 2.3.2, 2.4.2: SRV names are _port._proto in front of the service, named ports only',
    ask: '_sql._udp.db.default.svc SRV',
    expect: noName,
  },
  { why: 'R 2308 2.2: the name exists without this type', ask: '_sql._tcp.db.default.svc A', expect: noData },
  { why: 'S 2.3, C: not in the schema', ask: 'fd00-10-244--2.db.default.svc AAAA', expect: noName },
  { why: 'S 2.1, 2.4.1: not ready', ask: 'hushed.default.svc SRV', expect: noName },
  { why: 'S 2.1, 2.4.1: not ready', ask: 'hushed.default.svc AAAA', expect: noName },
  {
    why: 'C SRV at the name itself',
    ask: 'eager.default.svc SRV',
    expect: [
      'NOERROR',
      'answer: eager.default.svc~ 5 SRV 0 100 80 eager-0.eager.default.svc~',
      'additional: eager-0.eager.default.svc~ 5 A 10.244.1.10',
    ],
  },
  {
    why: 'S 2.4.2',
    ask: '_http._tcp.eager.default.svc SRV',
    expect: [
      'NOERROR',
      'answer: _http._tcp.eager.default.svc~ 5 SRV 0 100 80 eager-0.eager.default.svc~',
      'additional: eager-0.eager.default.svc~ 5 A 10.244.1.10',
    ],
  },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'eager.default.svc AAAA', expect: noData },
  {
    why: 'C SRV at the name itself',
    ask: 'eager-0.eager.default.svc SRV',
    expect: [
      'NOERROR',
      'answer: eager-0.eager.default.svc~ 5 SRV 0 100 80 eager-0.eager.default.svc~',
      'additional: eager-0.eager.default.svc~ 5 A 10.244.1.10',
    ],
  },
  { why: 'S 2.3, C: not in the schema', ask: '10-244-1-10.eager.default.svc A', expect: noName },
  {
    why: 'S 2.4.1',
    ask: 'twins.default.svc A',
    expect: ['NOERROR', 'answer: twins.default.svc~ 5 A 10.244.1.20', 'answer: twins.default.svc~ 5 A 10.244.1.21'],
  },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'twins.default.svc AAAA', expect: noData },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'twin.twins.default.svc AAAA', expect: noData },
  { why: 'S 2.3, C: not in the schema', ask: '10-244-1-20.twins.default.svc A', expect: noName },
  {
    why: 'S 2.3.2, 2.4.2: SRV names are _port._proto in front of the service, named ports only',
    ask: '_tcp.twins.default.svc SRV',
    expect: noName,
  },
  {
    why: 'R 8482 4.2: the HINFO is for names without an alias',
    ask: 'ext.default.svc ANY',
    expect: ['NOERROR', 'answer: ext.default.svc~ 5 CNAME www.example.com.'],
  },
  {
    why: 'S 2.5 with R 1034 3.6.2: the alias, and what is at its end',
    ask: 'to-web.default.svc CNAME',
    expect: ['NOERROR', 'answer: to-web.default.svc~ 5 CNAME web.default.svc~'],
  },
  {
    why: 'S 2.5 with R 1034 3.6.2: the alias, and what is at its end',
    ask: 'to-web.default.svc SRV',
    expect: [
      'NOERROR',
      'answer: to-web.default.svc~ 5 CNAME web.default.svc~',
      'answer: web.default.svc~ 5 SRV 0 50 80 web.default.svc~',
      'answer: web.default.svc~ 5 SRV 0 50 443 web.default.svc~',
      'additional: web.default.svc~ 5 A 10.96.0.7',
    ],
  },
  {
    why: 'S 2.5 with R 1034 3.6.2: the alias, and what is at its end',
    ask: 'to-web.default.svc TXT',
    expect: [
      'NOERROR',
      'answer: to-web.default.svc~ 5 CNAME web.default.svc~',
      'authority: cluster.local. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5',
    ],
  },
  {
    why: 'S 2.5 with R 1034 3.6.2: the alias, and what is at its end',
    ask: 'to-prod.default.svc CNAME',
    expect: ['NOERROR', 'answer: to-prod.default.svc~ 5 CNAME Web.Prod.svc~'],
  },
  {
    why: 'S 2.5 with R 1034 3.6.2: the alias, and what is at its end',
    ask: 'to-to-web.default.svc AAAA',
    expect: [
      'NOERROR',
      'answer: to-to-web.default.svc~ 5 CNAME to-web.default.svc~',
      'answer: to-web.default.svc~ 5 CNAME web.default.svc~',
      'authority: cluster.local. 5 SOA ns.dns~ hostmaster~ SERIAL 7200 1800 86400 5',
    ],
  },
  {
    why: 'S 2.5 with R 1034 3.6.2: the alias, and what is at its end',
    ask: 'to-nobody.default.svc CNAME',
    expect: ['NOERROR', 'answer: to-nobody.default.svc~ 5 CNAME nobody.default.svc~'],
  },
  {
    why: 'S 2.5 with R 1034 3.6.2: the alias, and what is at its end',
    ask: 'selfish.default.svc CNAME',
    expect: ['NOERROR', 'answer: selfish.default.svc~ 5 CNAME selfish.default.svc~'],
  },
  { why: 'S 2.5: an ExternalName owns one name and no other', ask: 'number.default.svc CNAME', expect: noName },
  { why: 'S 2.5: an ExternalName owns one name and no other', ask: '_http._tcp.ext.default.svc SRV', expect: noName },
  { why: 'S 2.5: an ExternalName owns one name and no other', ask: 'x.to-web.default.svc A', expect: noName },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'default.svc AAAA', expect: noData },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'default.svc NS', expect: noData },
  {
    why: 'R 8482 4.2: one HINFO where there are records, the plain denial where there are none',
    ask: 'default.svc ANY',
    expect: noData,
  },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'svc.svc AAAA', expect: noData },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'com.svc A', expect: noData },
  { why: 'S 2.3.1', ask: 'example.com.svc A', expect: ['NOERROR', 'answer: example.com.svc~ 5 A 10.96.2.2'] },
  { why: 'S 2.3, C: not in the schema', ask: 'default.svc.svc A', expect: noName },
  { why: 'R 2308 2.2: the name exists without this type', ask: 'kube-system.svc A', expect: noData },
];
