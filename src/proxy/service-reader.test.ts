/** A list is read as JSON.parse and packService would: what a proxy sees is the same. */
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Service } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { packService } from './pack.ts';
import { readServices } from './service-reader.ts';

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const word = fc.oneof({ weight: 5, arbitrary: fc.constantFrom('a', 'web-1', '') }, fc.string({ unit: 'binary' }));
const label = fc.constantFrom(
  'app',
  'service.kubernetes.io/service-proxy-name',
  'service.kubernetes.io/headless',
  'unknown',
);
const service = fc.record({
  metadata: fc.record({
    name: fc.constantFrom('web', 'db'),
    namespace: fc.constantFrom('shop', 'bank'),
    uid: fc.constantFrom('u-1', 'u-2'),
    resourceVersion: fc.constant('7'),
    creationTimestamp: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'),
    labels: maybe(fc.dictionary(label, word)),
    annotations: maybe(fc.dictionary(word, word)),
    ownerReferences: maybe(fc.constant([{ uid: 'u', name: '{"[' }])),
    managedFields: fc.constant([{ manager: 'm', fieldsV1: { 'f:spec': {} } }]),
  }),
  spec: maybe(
    fc.record({
      type: fc.constantFrom('ClusterIP', 'LoadBalancer'),
      clusterIPs: fc.array(fc.ipV4(), { maxLength: 2 }),
      selector: maybe(fc.dictionary(word, word)),
      ports: maybe(fc.array(fc.record({ name: maybe(word), port: fc.nat(), targetPort: fc.oneof(word, fc.nat()) }))),
      externalName: maybe(word),
    }),
  ),
  status: maybe(fc.record({ loadBalancer: fc.constantFrom({}, { ingress: [{ ip: '198.51.100.1' }] }) })),
});

const read = (text: string): readonly Live<Service>[] => [...readServices(Buffer.from(text)).items];

describe('service reader', () => {
  it('property: what it reads of a list is what is packed of its parsed objects', () => {
    fc.assert(
      fc.property(fc.array(service, { maxLength: 3 }), fc.constantFrom(0, 2), (items, space) => {
        const text = JSON.stringify({ metadata: { resourceVersion: '9' }, items }, undefined, space);
        const parsed = JSON.parse(text) as { items: Live<Service>[] };
        assert.deepEqual(read(text), parsed.items.map(packService));
      }),
    );
  });

  it('keeps what the proxy and its events read, and nothing that only others do', () => {
    const metadata = {
      name: 'web',
      namespace: 'shop',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { app: 'web', 'service.kubernetes.io/service-proxy-name': 'mine' },
      annotations: { note: 'x' },
    };
    const spec = { type: 'ClusterIP', selector: { app: 'web' }, ports: [{ port: 80 }] };
    const [kept] = read(JSON.stringify({ metadata: {}, items: [{ metadata, spec, status: { loadBalancer: {} } }] }));
    const { annotations: _, ...rest } = metadata;
    assert.deepEqual(kept, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...rest, labels: { 'service.kubernetes.io/service-proxy-name': 'mine' } },
      spec: { type: 'ClusterIP', ports: [{ port: 80 }] },
      status: { loadBalancer: {} },
    });
  });
});
