import assert from 'node:assert/strict';
import { test } from 'node:test';
import { richCluster } from './testing/catalogue.ts';
import { reverseName, show } from './show.ts';
import type { Shown } from './show.ts';
import { rrType } from './wire/index.ts';

const cluster = richCluster();
const objects = {
  services: [...cluster.services.list()],
  endpointSlices: [...cluster.endpointSlices.list()],
  namespaces: [...cluster.namespaces.list()],
  pods: [],
  serviceCIDRs: [],
};

function shown(name: string, type?: number, namespace = 'default'): Shown {
  return show(name, type, objects, {
    clusterDomain: 'cluster.local',
    serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'],
    podCidrs: ['10.244.0.0/16'],
    podRecords: 'insecure',
    namespace,
  });
}

const lines = (...args: Parameters<typeof shown>): string[] =>
  shown(...args).records.map(({ type, data, from }) => `${type} ${data} <- ${from}`);

test('show: records and the objects behind them', () => {
  assert.deepEqual(lines('web', rrType.A), ['A 10.96.0.7 <- Service default/web']);
  assert.deepEqual(lines('web', rrType.A, 'prod'), ['A 10.96.1.7 <- Service prod/web']);
  assert.deepEqual(lines('db-0.db.default.svc.cluster.local', rrType.A), [
    'A 10.244.1.2 <- EndpointSlice default/db-1 of Service default/db',
  ]);
  assert.deepEqual(lines('ext'), ['CNAME www.example.com. <- Service default/ext']);
  assert.deepEqual(lines('to-web'), [
    'CNAME web.default.svc.cluster.local. <- Service default/to-web',
    'A 10.96.0.7 <- Service default/web',
  ]);
  assert.deepEqual(lines(reverseName('10.244.1.2') ?? ''), [
    'PTR db-0.db.default.svc.cluster.local. <- EndpointSlice default/db-1 of Service default/db',
  ]);
  assert.deepEqual(lines(reverseName('fd00:10:96::3') ?? ''), [
    'PTR dual.default.svc.cluster.local. <- Service default/dual',
  ]);
  assert.deepEqual(lines('10-244-9-9.prod.pod.cluster.local'), [
    'A 10.244.9.9 <- the address in 10-244-9-9 (Namespace prod)',
  ]);
  assert.equal(lines('web').filter((line) => line.startsWith('SRV')).length, 2);
});

test('show: why there is nothing', () => {
  const why = (name: string, type?: number): string => shown(`${name}.cluster.local`, type).why.join();
  assert.match(why('hushed.default.svc'), /Service default\/hushed is headless, and 0 of its 1 endpoints are ready/);
  assert.match(why('pending.default.svc'), /Service default\/pending has no cluster IP yet/);
  assert.match(why('nope.default.svc'), /there is no Service "nope" in Namespace default/);
  assert.match(why('web.nope.svc'), /there is no Namespace "nope"/);
  assert.match(why('_nope._tcp.web.default.svc'), /has no named port "_nope._tcp"/);
  assert.match(why('10-244-2-3.web.default.svc'), /no ready endpoint "10-244-2-3"; 1 of its 2 endpoints are ready/);
  assert.match(why('number.default.svc'), /is an ExternalName that is no host name/);
  assert.match(why('web.default'), /below cluster.local are svc and pod, not "default"/);
  assert.match(why('hello.default.pod'), /hello is not the address of a pod/);
  assert.match(why('x.nope.pod'), /there is no Namespace "nope"/);
  assert.match(why('default.svc'), /names below it exist/);
  assert.match(why('web.default.svc', rrType.TXT), /the name exists, without a record of this type/);
  assert.match(shown('99.99.96.10.in-addr.arpa').why.join(), /no Service and no endpoint has this address/);
});

test('show: a name of other servers, with what the search list passed over', () => {
  const { code, name, why } = shown('www.example.com');
  assert.equal(code, 'FORWARD');
  assert.equal(name, 'www.example.com.');
  assert.match(why.at(-1) ?? '', /www\.example\.com\. is not the cluster's: upstream servers are asked/);
  assert.equal(why.length, 4);
});
