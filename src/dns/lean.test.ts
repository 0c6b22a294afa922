import assert from 'node:assert/strict';
import test from 'node:test';
import type { EndpointSlice, Service } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { endpointRecords, serviceRecords } from '../model/records.ts';
import { leanService, leanSlice } from './lean.ts';
import { richCluster } from './testing/catalogue.ts';
import { slice } from './testing/objects.ts';

/** As another reader of the same objects would get them: `lean` may keep parts of what it is given. */
function lean(item: Live<EndpointSlice>): Live<EndpointSlice> {
  return leanSlice(structuredClone(item));
}

test('lean: what is kept has the same names as the whole objects', () => {
  const { services, endpointSlices } = richCluster();
  const slices = [...endpointSlices.list()];
  for (const whole of services.list()) {
    const kept = leanService(structuredClone(whole));
    const before = namesOf(whole, slices);
    assert.deepEqual(namesOf(kept, slices.map(lean)), before, whole.metadata.name);
  }
});

test('lean: slices whose endpoints differ in anything but their address keep that', () => {
  const texts = (...endpoints: readonly string[]): unknown =>
    lean(slice('default/s', 'web', ['http:80'], ...endpoints) as Live<EndpointSlice>).endpoints?.map(
      ({ addresses, hostname, conditions }) => [addresses, hostname, conditions?.ready],
    );
  assert.deepEqual(texts(), []);
  assert.deepEqual(texts('10.0.0.1', '10.0.0.2'), [
    [['10.0.0.1'], undefined, true],
    [['10.0.0.2'], undefined, true],
  ]);
  assert.deepEqual(texts('10.0.0.1!', '10.0.0.2!'), [
    [['10.0.0.1'], undefined, false],
    [['10.0.0.2'], undefined, false],
  ]);
  assert.deepEqual(texts('10.0.0.1', 'db-0@10.0.0.2', '10.0.0.3!'), [
    [['10.0.0.1'], undefined, true],
    [['10.0.0.2'], 'db-0', true],
    [['10.0.0.3'], undefined, false],
  ]);
});

function namesOf(service: Live<Service>, slices: readonly Live<EndpointSlice>[]): unknown {
  const own = slices.filter(
    ({ metadata: { namespace, labels } }) =>
      namespace === service.metadata.namespace && labels?.['kubernetes.io/service-name'] === service.metadata.name,
  );
  return [serviceRecords(service, own), endpointRecords(service, own)];
}
