import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EndpointSlice, Service } from '../../api/gen/types.ts';
import { mustParseCidr } from '../../util/ip.ts';
import { Answers } from '../answers.ts';
import { clusterService, externalName, headlessService, namespace, ports, slice } from '../testing/objects.ts';
import { testCluster } from '../testing/server.ts';
import type { TestCluster } from '../testing/server.ts';
import { messageLines } from '../testing/text.ts';
import {
  decodeMessage,
  encodeReply,
  flag,
  labelsOf,
  nameFromText,
  nameToText,
  rrClass,
  rrType,
  tcpLimit,
} from '../wire/index.ts';
import type { ResourceRecord } from '../wire/index.ts';
import { Lookup, Zone } from './index.ts';

const domain = 'cluster.local';

interface Resolver {
  /** Lines of the whole answer; `elsewhere` where it is not ours. */
  ask(name: string, type: number): string[];
  records(name: string, type: number): readonly ResourceRecord[];
}

function resolverOf(zone: Zone): Resolver {
  const lookup = new Lookup(zone, {
    clusterDomain: domain,
    serviceCidrs: [mustParseCidr('10.96.0.0/16')],
    podCidrs: [mustParseCidr('10.244.0.0/16')],
    addresses: ['10.10.10.1'],
  });
  const answers = new Answers(zone, lookup);
  const message = (name: string, type: number) => {
    const query = {
      id: 1,
      flags: flag.RD,
      name: nameFromText(name),
      type,
      class: rrClass.IN,
      edns: undefined,
      exact: true,
    };
    const answer = answers.answer(query);
    return answer.kind === 'reply'
      ? decodeMessage(Buffer.from(encodeReply(query, answer.reply, tcpLimit).packet))
      : undefined;
  };
  return {
    ask: (name, type) => {
      const found = message(name, type);
      return found === undefined ? ['elsewhere'] : messageLines(found);
    },
    records: (name, type) => message(name, type)?.answer ?? [],
  };
}

function follow(cluster: TestCluster, zone: Zone): void {
  for (const item of cluster.namespaces.list()) zone.onNamespace(item, undefined);
  for (const item of cluster.services.list()) zone.onService(item, undefined);
  for (const item of cluster.endpointSlices.list()) zone.onSlice(item, undefined);
  cluster.namespaces.onChange(zone.onNamespace);
  cluster.services.onChange(zone.onService);
  cluster.endpointSlices.onChange(zone.onSlice);
}

const serviceNames = ['a', 'b', 'c'];
const namespaces = ['one', 'two'];
const key = fc.tuple(fc.constantFrom(...namespaces), fc.constantFrom(...serviceNames)).map((parts) => parts.join('/'));
const podIp = fc.integer({ min: 1, max: 8 }).map((n) => `10.244.0.${n}`);
const serviceObject: fc.Arbitrary<Service> = fc.oneof(
  fc
    .tuple(key, fc.integer({ min: 1, max: 200 }))
    .map(([k, n]) => clusterService(k, `10.96.${k.length}.${n}`, 'http:80', ':81')),
  fc
    .tuple(key, fc.boolean())
    .map(([k, publish]) => headlessService(k, { publishNotReadyAddresses: publish, ports: ports('http:80') })),
  fc.tuple(key, key).map(([k, to]) => externalName(k, `${to.split('/').reverse().join('.')}.svc.${domain}`)),
);
const endpointText = fc
  .tuple(fc.constantFrom('', 'x@', 'y@'), podIp, fc.constantFrom('', '!'))
  .map((parts) => parts.join(''));
const sliceObject: fc.Arbitrary<EndpointSlice> = fc
  .tuple(
    fc.constantFrom(...namespaces),
    fc.constantFrom('s1', 's2', 's3', 's4'),
    fc.constantFrom(...serviceNames),
    fc.array(endpointText, { maxLength: 4 }),
  )
  .map(([ns, name, owner, endpoints]) => slice(`${ns}/${name}`, owner, ['http:8080'], ...endpoints));
type Step =
  | { readonly kind: 'service'; readonly object: Service }
  | { readonly kind: 'slice'; readonly object: EndpointSlice }
  | { readonly kind: 'delete service' | 'delete slice'; readonly pick: number }
  | { readonly kind: 'namespace'; readonly name: string };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: serviceObject.map((object) => ({ kind: 'service' as const, object })) },
  { weight: 6, arbitrary: sliceObject.map((object) => ({ kind: 'slice' as const, object })) },
  { weight: 2, arbitrary: fc.nat().map((pick) => ({ kind: 'delete service' as const, pick })) },
  { weight: 2, arbitrary: fc.nat().map((pick) => ({ kind: 'delete slice' as const, pick })) },
  { weight: 1, arbitrary: fc.constantFrom(...namespaces).map((name) => ({ kind: 'namespace' as const, name })) },
);

function apply(cluster: TestCluster, change: Step): void {
  switch (change.kind) {
    case 'service':
      return cluster.services.set(change.object);
    case 'slice':
      return cluster.endpointSlices.set(change.object);
    case 'namespace': {
      const at = { namespace: '', name: change.name };
      if (cluster.namespaces.get(at) === undefined) cluster.namespaces.set(namespace(change.name));
      else cluster.namespaces.delete(at);
      return;
    }
    case 'delete service':
    case 'delete slice': {
      const informer = change.kind === 'delete service' ? cluster.services : cluster.endpointSlices;
      const all = [...informer.list()];
      const { metadata } = all[change.pick % all.length] ?? {};
      if (metadata !== undefined) informer.delete({ namespace: metadata.namespace ?? '', name: metadata.name });
    }
  }
}

/** Every name that any history here can make, and some that none can. */
const everyName = [
  ...namespaces.flatMap((ns) => [
    `${ns}.svc.${domain}`,
    `10-244-0-1.${ns}.pod.${domain}`,
    ...serviceNames.flatMap((name) =>
      ['', 'x.', 'y.', '10-244-0-1.', '10-244-0-2.', '_tcp.', '_http._tcp.'].map(
        (head) => `${head}${name}.${ns}.svc.${domain}`,
      ),
    ),
  ]),
  ...Array.from({ length: 8 }, (_, i) => `${i + 1}.0.244.10.in-addr.arpa`),
  '0.244.10.in-addr.arpa',
  '5.96.10.in-addr.arpa',
];

test('zone: after any history it answers as one built afresh, at every step', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (history) => {
      const cluster = testCluster({ namespaces: [namespace('one')] });
      const zone = new Zone(domain);
      follow(cluster, zone);
      const moving = resolverOf(zone);
      for (const change of history) {
        apply(cluster, change);
        const fresh = new Zone(domain);
        follow(cluster, fresh);
        const still = resolverOf(fresh);
        for (const name of everyName) {
          for (const type of [rrType.A, rrType.SRV, rrType.PTR]) {
            assert.deepEqual(moving.ask(name, type).toSorted(), still.ask(name, type).toSorted(), name);
          }
        }
      }
    }),
    { numRuns: 40 },
  );
});

test('zone: every name in an answer resolves in turn, and forward and reverse agree', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (history) => {
      const cluster = testCluster({ namespaces: namespaces.map(namespace) });
      const zone = new Zone(domain);
      follow(cluster, zone);
      for (const change of history) apply(cluster, change);
      const resolver = resolverOf(zone);
      for (const name of everyName) {
        for (const record of resolver.records(name, rrType.SRV)) {
          if (record.data.kind !== 'srv') continue;
          const target = nameToText(record.data.target);
          const found = [...resolver.records(target, rrType.A), ...resolver.records(target, rrType.AAAA)];
          assert.ok(found.length > 0, `${name} SRV -> ${target}`);
        }
        for (const record of resolver.records(name, rrType.PTR)) {
          if (record.type !== rrType.PTR || record.data.kind !== 'name') continue;
          const target = nameToText(record.data.target);
          const address = labelsOf(nameFromText(name)).slice(0, 4).reverse().join('.');
          const forward = resolver
            .records(target, rrType.A)
            .map(({ data }) => (data.kind === 'bytes' ? data.bytes.join('.') : ''));
          assert.ok(forward.includes(address), `${name} PTR -> ${target} -> ${forward.join()}`);
        }
      }
    }),
    { numRuns: 100 },
  );
});

test('zone: an address that stands in two slices stays until the last one is gone', () => {
  const cluster = testCluster({
    namespaces: [namespace('one')],
    services: [headlessService('one/a')],
    slices: [slice('one/s1', 'a', [], '10.244.0.5'), slice('one/s2', 'a', [], '10.244.0.5')],
  });
  const zone = new Zone(domain);
  follow(cluster, zone);
  const resolver = resolverOf(zone);
  const code = (): string => resolver.ask('5.0.244.10.in-addr.arpa', rrType.PTR)[0] ?? '';
  cluster.endpointSlices.delete({ namespace: 'one', name: 's1' });
  assert.match(code(), /NOERROR/);
  cluster.endpointSlices.delete({ namespace: 'one', name: 's2' });
  assert.match(code(), /NXDOMAIN/);
});

test('zone: an answer depends on its service alone, a denial of a service on the whole', () => {
  const zone = new Zone(domain);
  const cluster = testCluster({
    namespaces: [namespace('one')],
    services: [clusterService('one/a', '10.96.0.1', 'http:80'), clusterService('one/b', '10.96.0.2', 'http:80')],
  });
  follow(cluster, zone);
  const lookup = new Lookup(zone, { clusterDomain: domain, serviceCidrs: [], podCidrs: [], addresses: [] });
  const answers = new Answers(zone, lookup);
  const dependency = (name: string) => {
    const answer = answers.answer({
      name: nameFromText(`${name}.one.svc.${domain}`),
      type: rrType.A,
      class: rrClass.IN,
    });
    assert.equal(answer.kind, 'reply');
    return { ...answer, version: answer.dependsOn.version };
  };
  const a = dependency('a');
  const missing = dependency('c');
  cluster.services.set(clusterService('one/b', '10.96.0.3', 'http:80'));
  assert.equal(a.dependsOn.version, a.version);
  assert.notEqual(missing.dependsOn.version, missing.version);
  cluster.services.set(clusterService('one/a', '10.96.0.4', 'http:80'));
  assert.notEqual(a.dependsOn.version, a.version);
  const again = dependency('a');
  cluster.services.delete({ namespace: 'one', name: 'a' });
  cluster.services.set(clusterService('one/a', '10.96.0.4', 'http:80'));
  assert.notEqual(again.dependsOn.version, again.version);
});

test('zone: reverse zones of ranges that end inside an octet or nibble', () => {
  const zone = new Zone(domain);
  const lookup = new Lookup(zone, {
    clusterDomain: domain,
    serviceCidrs: [mustParseCidr('10.96.0.0/12'), mustParseCidr('fd00:10:96::/110')],
    podCidrs: [],
    addresses: [],
  });
  const owned = (name: string): boolean => lookup.find(nameFromText(name)) !== undefined;
  assert.ok(owned('1.0.96.10.in-addr.arpa') && owned('1.0.111.10.in-addr.arpa'));
  assert.ok(!owned('1.0.95.10.in-addr.arpa') && !owned('1.0.112.10.in-addr.arpa') && !owned('10.in-addr.arpa'));
  const v6 = (nibble: string): string =>
    `0.0.0.0.${nibble}.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa`;
  assert.ok(owned(v6('0')) && owned(v6('3')) && !owned(v6('4')));
});
