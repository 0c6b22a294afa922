/**
 * Properties of the whole name space, for any objects: what an answer names resolves in turn, forward and reverse agree,
 * and both families, both encodings and every letter case say the same.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EndpointSlice, Service } from '../api/gen/types.ts';
import { records } from '../model/records.ts';
import { mustParseCidr } from '../util/ip.ts';
import { Answers } from './answers.ts';
import { clusterService, externalName, headlessService, namespace, ports, slice } from './testing/objects.ts';
import { testCluster } from './testing/server.ts';
import {
  decodeMessage,
  encodeReply,
  flag,
  nameFromText,
  nameToText,
  rcode,
  rrClass,
  rrType,
  tcpLimit,
} from './wire/index.ts';
import type { Message } from './wire/index.ts';
import { Lookup, Zone } from './zone/index.ts';

interface Plan {
  readonly kind: 'cluster' | 'headless' | 'external';
  readonly ns: string;
  readonly name: string;
  readonly target: string;
  readonly ports: readonly string[];
  readonly endpoints: readonly string[];
  readonly eager: boolean;
}

const name = fc.constantFrom('web', 'db', 'a', 'svc', 'pod', 'x-1');
const ns = fc.constantFrom('default', 'shop', 'svc', 'com');
const endpoint = fc
  .record({
    host: fc.constantFrom('', '', 'h-0@', 'h-1@', 'web@'),
    octet: fc.integer({ min: 1, max: 9 }),
    ready: fc.boolean(),
  })
  .map(({ host, octet, ready }) => `${host}10.244.0.${octet}${ready ? '' : '!'}`);
const plan: fc.Arbitrary<Plan> = fc.record({
  kind: fc.constantFrom('cluster', 'headless', 'external'),
  ns,
  name,
  target: fc.tuple(name, ns).map(([service, space]) => `${service}.${space}.svc.cluster.local`),
  ports: fc.uniqueArray(fc.constantFrom('http:80', 'dns:53/UDP', ':8080', 'a-b:9/SCTP'), { maxLength: 3 }),
  endpoints: fc.array(endpoint, { maxLength: 5 }),
  eager: fc.boolean(),
});

function objectsOf(plans: readonly Plan[]): { services: Service[]; slices: EndpointSlice[] } {
  const services: Service[] = [];
  const slices: EndpointSlice[] = [];
  for (const [index, each] of plans.entries()) {
    const key = `${each.ns}/${each.name}`;
    if (each.kind === 'external') services.push(externalName(key, each.target));
    else if (each.kind === 'cluster')
      services.push(clusterService(key, [`10.96.0.${index + 1}`, `fd00:10:96::${index + 1}`], ...each.ports));
    else services.push(headlessService(key, { ports: ports(...each.ports), publishNotReadyAddresses: each.eager }));
    slices.push(slice(`${key}-1`, each.name, each.ports, ...each.endpoints));
    slices.push(slice(`${key}-2`, each.name, each.ports, ...each.endpoints.slice(0, 1)));
  }
  return { services, slices };
}

function asker(plans: readonly Plan[]) {
  const { services, slices } = objectsOf(plans);
  const cluster = testCluster({ namespaces: ['default', 'shop', 'svc', 'com'].map(namespace), services, slices });
  const zone = new Zone('cluster.local');
  cluster.namespaces.onChange(zone.onNamespace);
  cluster.services.onChange(zone.onService);
  cluster.endpointSlices.onChange(zone.onSlice);
  const lookup = new Lookup(zone, {
    clusterDomain: 'cluster.local',
    serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'].map(mustParseCidr),
    podCidrs: ['10.244.0.0/16'].map(mustParseCidr),
    addresses: ['10.10.10.1'],
  });
  const answers = new Answers(zone, lookup);
  const ask = (text: string, type: number): Message => {
    const query = {
      id: 1,
      flags: flag.RD,
      name: nameFromText(text),
      type,
      class: rrClass.IN,
      edns: undefined,
      exact: true,
    };
    const answer = answers.answer(query);
    assert.equal(answer.kind, 'reply', `${text} is the cluster's`);
    // Through the encoder and the decoder: compression too must lose nothing.
    return decodeMessage(Buffer.from(encodeReply(query, answer.reply, tcpLimit).packet));
  };
  return { ask, services, slices };
}

const addressTypes = [rrType.A, rrType.AAAA];
const plans = fc.uniqueArray(plan, { maxLength: 6, selector: (each) => `${each.ns}/${each.name}` });

test('every name in any answer resolves in turn', () => {
  fc.assert(
    fc.property(plans, (some) => {
      const { ask, services, slices } = asker(some);
      for (const service of services) {
        const owned = slices.filter(
          ({ metadata }) =>
            metadata?.namespace === service.metadata?.namespace &&
            metadata?.labels?.['kubernetes.io/service-name'] === service.metadata?.name,
        );
        for (const record of records(service, owned)) {
          if (record.kind === 'ptr') continue;
          const text = `${record.name}.cluster.local.`;
          const type = {
            address: record.kind === 'address' && record.family === 'IPv6' ? rrType.AAAA : rrType.A,
            srv: rrType.SRV,
            cname: rrType.CNAME,
          }[record.kind];
          const { rcode: code, answer, additional } = ask(text, type);
          assert.equal(code, rcode.NOERROR, text);
          assert.ok(answer.length > 0, text);
          assert.equal(ask(text.toUpperCase(), type).answer.length, answer.length, 'letter case');
          for (const { type: found, data } of answer) {
            if (found !== rrType.SRV || data.kind !== 'srv') continue;
            const target = nameToText(data.target);
            const at = addressTypes.flatMap((each) => ask(target, each).answer);
            assert.ok(at.length > 0, `${text} SRV leads to ${target}`);
            assert.equal(
              additional.filter(({ name: owner }) => owner === data.target).length,
              at.length,
              'additional is whole',
            );
          }
        }
      }
    }),
    { numRuns: 150 },
  );
});

test('forward and reverse agree', () => {
  fc.assert(
    fc.property(plans, (some) => {
      const { ask } = asker(some);
      const clusterIPs = some.map((_, index) => `10.96.0.${index + 1}`);
      const addresses = [...clusterIPs, ...Array.from({ length: 9 }, (_, i) => `10.244.0.${i + 1}`)];
      for (const address of addresses) {
        const { answer } = ask(`${address.split('.').reverse().join('.')}.in-addr.arpa.`, rrType.PTR);
        for (const { data } of answer) {
          assert.equal(data.kind, 'name');
          if (data.kind !== 'name') continue;
          const forward = ask(nameToText(data.target), rrType.A).answer.map(
            (record) => record.data.kind === 'bytes' && record.data.bytes.join('.'),
          );
          assert.ok(forward.includes(address), `${address} PTR ${nameToText(data.target)} A ${forward.join()}`);
        }
      }
      for (const each of some) {
        if (each.kind !== 'cluster') continue;
        const text = `${each.name}.${each.ns}.svc.cluster.local.`;
        const [record] = ask(text, rrType.A).answer;
        const address = record?.data.kind === 'bytes' ? record.data.bytes.join('.') : '';
        const back = ask(`${address.split('.').reverse().join('.')}.in-addr.arpa.`, rrType.PTR).answer[0]?.data;
        assert.equal(back?.kind === 'name' && nameToText(back.target), text);
      }
    }),
    { numRuns: 150 },
  );
});

test('a denial is about the name or about the type, the same for all types', () => {
  const label = fc.constantFrom('web', 'db', 'svc', 'pod', '_http', '_tcp', 'h-0', '10-244-0-1', 'default', 'x', '*');
  fc.assert(
    fc.property(plans, fc.array(label, { maxLength: 6 }), (some, labels) => {
      const { ask } = asker(some.filter(({ kind }) => kind !== 'external'));
      const text = [...labels, 'cluster', 'local', ''].join('.');
      const all = [rrType.A, rrType.AAAA, rrType.SRV, rrType.TXT, rrType.MX].map((type) => ask(text, type));
      assert.equal(new Set(all.map(({ rcode: code }) => code)).size, 1, `${text} exists or it does not`);
      for (const { answer, authority } of all)
        assert.equal(authority.length, answer.length > 0 ? 0 : 1, `${text}: SOA`);
      // RFC 8020: nothing is below a name that is not there.
      const [first] = all;
      if (first?.rcode === rcode.NXDOMAIN) assert.equal(ask(`a.${text}`, rrType.A).rcode, rcode.NXDOMAIN);
    }),
    { numRuns: 300 },
  );
});
