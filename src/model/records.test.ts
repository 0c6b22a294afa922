import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service, ServiceSpec } from '../api/gen/types.ts';
import { endpointRecords, records, serviceRecords } from './records.ts';
import type { DnsRecord } from './records.ts';

function service(spec: ServiceSpec, name = 'web'): Service {
  return { metadata: { namespace: 'default', name }, spec };
}

function slice(
  addressType: string,
  ports: EndpointSlice['ports'],
  ...endpoints: EndpointSlice['endpoints'] & object
): EndpointSlice {
  return { addressType, endpoints, ...(ports === undefined ? {} : { ports }) };
}

function lines(found: readonly DnsRecord[]): string[] {
  return found.map((record) => {
    switch (record.kind) {
      case 'address':
        return `${record.name} ${record.family === 'IPv4' ? 'A' : 'AAAA'} ${record.address}`;
      case 'srv':
        return `${record.name} SRV ${record.priority} ${record.weight} ${record.port} ${record.target}`;
      case 'cname':
        return `${record.name} CNAME ${record.target}`;
      case 'ptr':
        return `${record.address} PTR ${record.target}`;
    }
  });
}

const http = { name: 'http', port: 80, protocol: 'TCP' };
const headless = { clusterIP: 'None', clusterIPs: ['None'] };
const pod = (address: string, more: object = {}): { addresses: string[] } => ({ addresses: [address], ...more });

const cases: readonly {
  readonly name: string;
  readonly service: Service;
  readonly slices?: readonly EndpointSlice[];
  readonly expect: readonly string[];
}[] = [
  {
    name: 'ClusterIP: address, SRV at port and service, PTR (specification 2.3)',
    service: service({ clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports: [http] }),
    expect: [
      'web.default.svc A 10.96.0.7',
      '10.96.0.7 PTR web.default.svc',
      'web.default.svc SRV 0 100 80 web.default.svc',
      '_http._tcp.web.default.svc SRV 0 100 80 web.default.svc',
    ],
  },
  {
    name: 'clusterIPs missing (an older server): clusterIP counts',
    service: service({ clusterIP: '10.96.0.7', ports: [] }),
    expect: ['web.default.svc A 10.96.0.7', '10.96.0.7 PTR web.default.svc'],
  },
  {
    name: 'an unnamed port has SRV at the service only (specification 2.3.2; CoreDNS)',
    service: service({ clusterIPs: ['10.96.0.7'], ports: [{ port: 80 }] }),
    expect: [
      'web.default.svc A 10.96.0.7',
      '10.96.0.7 PTR web.default.svc',
      'web.default.svc SRV 0 100 80 web.default.svc',
    ],
  },
  {
    name: 'one port name per protocol; weights are shared at the service name (CoreDNS backend_lookup.go SRV)',
    service: service({
      clusterIPs: ['10.96.0.10'],
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53, protocol: 'TCP' },
        { name: 'sig', port: 5060, protocol: 'SCTP' },
      ],
    }),
    expect: [
      'web.default.svc A 10.96.0.10',
      '10.96.0.10 PTR web.default.svc',
      'web.default.svc SRV 0 33 53 web.default.svc',
      'web.default.svc SRV 0 33 5060 web.default.svc',
      '_dns._udp.web.default.svc SRV 0 100 53 web.default.svc',
      '_dns-tcp._tcp.web.default.svc SRV 0 100 53 web.default.svc',
      '_sig._sctp.web.default.svc SRV 0 100 5060 web.default.svc',
    ],
  },
  {
    name: 'dual-stack: one record per address, SRV once with the halved weight (CoreDNS handler_test.go svc-dual-stack)',
    service: service({ clusterIPs: ['10.96.0.3', 'fd00:10:96::3'], ports: [http] }),
    expect: [
      'web.default.svc A 10.96.0.3',
      '10.96.0.3 PTR web.default.svc',
      'web.default.svc AAAA fd00:10:96::3',
      'fd00:10:96::3 PTR web.default.svc',
      'web.default.svc SRV 0 50 80 web.default.svc',
      '_http._tcp.web.default.svc SRV 0 50 80 web.default.svc',
    ],
  },
  {
    name: 'endpoints of a ClusterIP service have names and PTR (CoreDNS), the service none for them',
    service: service({ clusterIPs: ['10.96.0.7'], ports: [] }),
    slices: [slice('IPv4', [{ name: 'http', port: 8080 }], pod('10.244.1.2'))],
    expect: [
      'web.default.svc A 10.96.0.7',
      '10.96.0.7 PTR web.default.svc',
      '10-244-1-2.web.default.svc A 10.244.1.2',
      '10.244.1.2 PTR 10-244-1-2.web.default.svc',
      '10-244-1-2.web.default.svc SRV 0 100 8080 10-244-1-2.web.default.svc',
    ],
  },
  {
    name: 'headless: ready endpoints at the service, each under its hostname or dashed address (specification 2.4)',
    service: service(headless, 'db'),
    slices: [
      slice(
        'IPv4',
        [{ name: 'sql', port: 5432, protocol: 'TCP' }],
        pod('10.244.1.2', { hostname: 'db-0', conditions: { ready: true } }),
        pod('10.244.1.3'),
        pod('10.244.1.4', { conditions: { ready: false } }),
      ),
    ],
    expect: [
      'db.default.svc A 10.244.1.2',
      'db.default.svc A 10.244.1.3',
      'db.default.svc SRV 0 50 5432 db-0.db.default.svc',
      'db.default.svc SRV 0 50 5432 10-244-1-3.db.default.svc',
      '_sql._tcp.db.default.svc SRV 0 50 5432 db-0.db.default.svc',
      '_sql._tcp.db.default.svc SRV 0 50 5432 10-244-1-3.db.default.svc',
      'db-0.db.default.svc A 10.244.1.2',
      '10.244.1.2 PTR db-0.db.default.svc',
      '10-244-1-3.db.default.svc A 10.244.1.3',
      '10.244.1.3 PTR 10-244-1-3.db.default.svc',
      'db-0.db.default.svc SRV 0 100 5432 db-0.db.default.svc',
      '10-244-1-3.db.default.svc SRV 0 100 5432 10-244-1-3.db.default.svc',
    ],
  },
  {
    name: 'headless without a ready endpoint owns no name (specification 2.4.1: NXDOMAIN)',
    service: service(headless),
    slices: [slice('IPv4', [], pod('10.244.1.2', { conditions: { ready: false } }))],
    expect: [],
  },
  {
    name: 'publishNotReadyAddresses publishes them (specification 2.1 ready)',
    service: service({ ...headless, publishNotReadyAddresses: true }),
    slices: [slice('IPv4', [], pod('10.244.1.2', { conditions: { ready: false }, hostname: 'web-0' }))],
    expect: [
      'web.default.svc A 10.244.1.2',
      'web-0.web.default.svc A 10.244.1.2',
      '10.244.1.2 PTR web-0.web.default.svc',
    ],
  },
  {
    name: 'one hostname, two endpoints: one name with both (specification 2.4.1)',
    service: service(headless),
    slices: [slice('IPv4', [], pod('10.244.1.2', { hostname: 'dup' }), pod('10.244.1.3', { hostname: 'dup' }))],
    expect: [
      'web.default.svc A 10.244.1.2',
      'web.default.svc A 10.244.1.3',
      'dup.web.default.svc A 10.244.1.2',
      '10.244.1.2 PTR dup.web.default.svc',
      'dup.web.default.svc A 10.244.1.3',
      '10.244.1.3 PTR dup.web.default.svc',
    ],
  },
  {
    name: 'IPv6 endpoints: colons become dashes (CoreDNS endpointHostname)',
    service: service(headless),
    slices: [slice('IPv6', [], pod('fd00::12'))],
    expect: [
      'web.default.svc AAAA fd00::12',
      'fd00--12.web.default.svc AAAA fd00::12',
      'fd00::12 PTR fd00--12.web.default.svc',
    ],
  },
  {
    name: 'an endpoint in two slices stands once',
    service: service(headless),
    slices: [slice('IPv4', [], pod('10.244.1.2')), slice('IPv4', [], pod('10.244.1.2'))],
    expect: [
      'web.default.svc A 10.244.1.2',
      '10-244-1-2.web.default.svc A 10.244.1.2',
      '10.244.1.2 PTR 10-244-1-2.web.default.svc',
    ],
  },
  {
    name: 'FQDN slices have no addresses',
    service: service(headless),
    slices: [slice('FQDN', [], pod('www.example.com'))],
    expect: [],
  },
  {
    name: 'ExternalName: a CNAME and nothing else (specification 2.5)',
    service: service({ type: 'ExternalName', externalName: 'www.example.com.', ports: [http] }),
    slices: [slice('IPv4', [], pod('10.244.1.2'))],
    expect: ['web.default.svc CNAME www.example.com'],
  },
  ...['192.168.1.1', 'fd00::1', ''].map((externalName) => ({
    name: `ExternalName "${externalName}" is no host name (CoreDNS msg.Service HostType)`,
    service: service({ type: 'ExternalName', externalName }),
    expect: [],
  })),
  {
    name: 'no address given out yet',
    service: service({ type: 'ClusterIP', ports: [http] }),
    expect: [],
  },
];

for (const { name, service: subject, slices = [], expect } of cases) {
  test(`records: ${name}`, () => {
    assert.deepEqual(lines(records(subject, slices)), expect);
    assert.deepEqual(
      [...serviceRecords(subject, slices), ...endpointRecords(subject, slices)],
      records(subject, slices),
    );
  });
}
