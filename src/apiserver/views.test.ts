/** Kinds that are stored once and served in two versions or groups: whoever asks in one sees what was written in the other. */
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { startTestServer } from './testing.ts';
import type { Answer, TestClient } from './testing.ts';

const core = '/api/v1/namespaces/default/events';
const events = '/apis/events.k8s.io/v1/namespaces/default/events';
const v1 = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers';
const v2 = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';

type Json = Record<string, unknown>;

const time = '2026-01-02T03:04:05.678901Z';

function newStyle(name: string, more: object = {}): Json {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name },
    eventTime: time,
    reportingController: 'example.org/tester',
    reportingInstance: 'tester-1',
    action: 'Test',
    reason: 'Tested',
    type: 'Normal',
    note: 'it was tested',
    regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
    ...more,
  };
}

function causesOf({ body }: Answer): string[] {
  const { causes = [] } = body['details'] as { readonly causes?: readonly { field: string; message: string }[] };
  return causes.map(({ field, message }) => `${field}: ${message}`);
}

/** Who owns what of an object, without times. */
function ownersOf({ body }: Answer): Json[] {
  const { managedFields = [] } = body['metadata'] as { readonly managedFields?: readonly Json[] };
  return managedFields.map(({ manager, operation, apiVersion, fieldsV1 }) => ({
    manager,
    operation,
    apiVersion,
    fieldsV1,
  }));
}

async function put(client: TestClient, path: string, body: Json): Promise<Answer> {
  return client.call('PUT', path, body);
}

test('an Event is one object in core/v1 and events.k8s.io/v1', async (t) => {
  const { client } = await startTestServer(t);

  await t.test('written in either, read in both', async () => {
    const made = await client.call('POST', events, newStyle('new'));
    assert.equal(made.code, 201, made.text);
    assert.match(made.text, /^\{"kind":"Event","apiVersion":"events.k8s.io\/v1",/);
    const old = await client.call('GET', `${core}/new`);
    assert.equal(old.body['apiVersion'], 'v1');
    assert.equal(old.body['message'], 'it was tested');
    assert.equal(old.body['reportingComponent'], 'example.org/tester');
    assert.deepEqual(old.body['involvedObject'], { kind: 'Pod', namespace: 'default', name: 'p' });
    assert.deepEqual((old.body['metadata'] as Json)['uid'], (made.body['metadata'] as Json)['uid']);

    const about = { kind: 'Service', namespace: 'default', name: 's', uid: 'u-1' };
    const times = { firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:09Z', count: 7 };
    const source = { component: 'kubelet', host: 'node-1' };
    await client.call('POST', core, {
      metadata: { name: 'old', labels: { a: 'b' } },
      involvedObject: about,
      message: 'm',
      source,
      ...times,
    });
    const { body } = await client.call('GET', `${events}/old`);
    const { metadata: _metadata, ...fields } = body;
    assert.deepEqual(fields, {
      kind: 'Event',
      apiVersion: 'events.k8s.io/v1',
      eventTime: null,
      regarding: about,
      note: 'm',
      deprecatedSource: source,
      deprecatedFirstTimestamp: times.firstTimestamp,
      deprecatedLastTimestamp: times.lastTimestamp,
      deprecatedCount: 7,
    });
  });

  await t.test('lists, selectors, tables and metadata', async () => {
    const list = await client.call('GET', `${events}?fieldSelector=regarding.kind%3DPod`);
    assert.equal(list.body['kind'], 'EventList');
    assert.equal(list.body['apiVersion'], 'events.k8s.io/v1');
    const [item, ...others] = list.body['items'] as Json[];
    assert.deepEqual([item?.['note'], item?.['kind'], others], ['it was tested', undefined, []]);
    const unknown = await client.call('GET', `${events}?fieldSelector=involvedObject.kind%3DPod`);
    assert.equal(unknown.body['message'], 'field label not supported: involvedObject.kind');
    const labelled = await client.call('GET', `${events}?labelSelector=a%3Db`);
    assert.equal((labelled.body['items'] as Json[]).length, 1);
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const [inCore, inEvents] = await Promise.all(
      [core, events].map((path) => client.call('GET', path, undefined, { accept })),
    );
    const cells = (answer: Answer | undefined): unknown[] =>
      (answer?.body['rows'] as { cells: unknown[] }[]).map((row) => [row.cells[3], row.cells[6], row.cells[9]]);
    assert.deepEqual(cells(inEvents), [
      ['pod/p', 'it was tested', 'new'],
      ['service/s', 'm', 'old'],
    ]);
    assert.deepEqual(cells(inCore), cells(inEvents));
  });

  await t.test('both watches see a change', async () => {
    const streams = await Promise.all([core, events].map((path) => client.open(`${path}?watch=1`)));
    const readers = streams.map((stream) => createInterface({ input: stream })[Symbol.asyncIterator]());
    const next = async (reader: (typeof readers)[number]): Promise<Json> => {
      const { value } = (await reader.next()) as { value: string };
      return (JSON.parse(value) as { object: Json }).object;
    };
    for (const reader of readers) for (const _ of ['new', 'old']) await next(reader);
    const later = { count: 2, lastObservedTime: time };
    const { body } = await client.call('GET', `${events}/new`);
    assert.equal((await put(client, `${events}/new`, { ...body, series: later })).code, 200);
    const [a, b] = await Promise.all(readers.map(next));
    assert.deepEqual([a?.['apiVersion'], a?.['message'], a?.['series']], ['v1', 'it was tested', later]);
    assert.deepEqual([b?.['apiVersion'], b?.['note'], b?.['series']], ['events.k8s.io/v1', 'it was tested', later]);
    for (const stream of streams) stream.destroy();
  });

  await t.test('events.k8s.io/v1 wants whole events, core/v1 takes what it always took', async () => {
    const bad = await client.call('POST', events, {
      metadata: { name: 'bad' },
      type: 'Odd',
      regarding: { namespace: 'default' },
      series: { count: 1, lastObservedTime: null },
      deprecatedCount: 1,
      deprecatedSource: { component: 'x' },
      deprecatedFirstTimestamp: '2026-01-01T00:00:00Z',
    });
    assert.equal(bad.code, 422, bad.text);
    assert.match(String(bad.body['message']), /^Event "bad" is invalid: \[/);
    assert.deepEqual(causesOf(bad), [
      'series.count: Invalid value: "": should be at least 2',
      'series.lastObservedTime: Required value',
      'eventTime: Required value',
      'type: Invalid value: "": has invalid value: Odd',
      'firstTimestamp: Invalid value: "": needs to be unset',
      'count: Invalid value: "": needs to be unset',
      'source: Invalid value: "": needs to be unset',
    ]);
    const empty = await client.call(
      'POST',
      events,
      newStyle('empty', {
        reportingController: '',
        reportingInstance: '',
        action: '',
        reason: '',
        note: 'n'.repeat(1025),
      }),
    );
    assert.deepEqual(causesOf(empty).slice(0, 1), ['reportingController: Required value']);
    assert.deepEqual(causesOf(empty).slice(-4), [
      'reportingInstance: Required value',
      'action: Required value',
      'reason: Required value',
      'message: Invalid value: "": can have at most 1024 characters',
    ]);
    const made = await client.call('POST', core, { metadata: { name: 'x' }, involvedObject: { namespace: 'default' } });
    assert.equal(made.code, 201, made.text);
    const half = { metadata: { name: 'y' }, involvedObject: { namespace: 'default' }, eventTime: time };
    assert.equal(causesOf(await client.call('POST', core, half))[0], 'reportingComponent: Required value');
  });

  await t.test('through events.k8s.io/v1 only the series goes on', async () => {
    const { body } = await client.call('GET', `${events}/new`);
    const changed = await put(client, `${events}/new`, { ...body, note: 'no', reason: 'Other', action: 'Else' });
    assert.deepEqual(causesOf(changed), [
      'reason: Invalid value: "Other": field is immutable',
      'message: Invalid value: "no": field is immutable',
      'action: Invalid value: "Else": field is immutable',
    ]);
    const patch = { 'content-type': 'application/merge-patch+json' };
    const free = await client.call('PATCH', `${core}/new`, { message: 'yes' }, patch);
    assert.equal(free.code, 200, free.text);
    assert.equal((await client.call('GET', `${events}/new`)).body['note'], 'yes');
  });

  await t.test('owners keep the version that they wrote in, and lose what others change in the other', async () => {
    const apply = { 'content-type': 'application/apply-patch+yaml' };
    const config = newStyle('owned');
    const made = await client.call('PATCH', `${events}/owned?fieldManager=one`, config, apply);
    assert.equal(made.code, 201, made.text);
    const merge = { 'content-type': 'application/merge-patch+json' };
    await client.call('PATCH', `${core}/owned?fieldManager=two`, { message: 'mine' }, merge);
    const owners = ownersOf(await client.call('GET', `${core}/owned`));
    assert.deepEqual(
      owners.map(({ manager, apiVersion }) => [manager, apiVersion]),
      [
        ['one', 'events.k8s.io/v1'],
        ['two', 'v1'],
      ],
    );
    assert.ok(!('f:note' in (owners[0]?.['fieldsV1'] as Json)) && 'f:reason' in (owners[0]?.['fieldsV1'] as Json));
    assert.deepEqual(owners[1]?.['fieldsV1'], { 'f:message': {} });
    const again = await client.call('PATCH', `${events}/owned?fieldManager=one`, config, apply);
    assert.equal(again.code, 409, again.text);
    assert.equal(again.body['message'], 'Apply failed with 1 conflict: conflict with "two" using v1: .message');
  });

  await t.test('deleted in one, gone in the other', async () => {
    assert.equal((await client.call('DELETE', `${events}/old`)).code, 200);
    assert.equal((await client.call('GET', `${core}/old`)).body['message'], 'events "old" not found');
    assert.equal((await client.call('GET', `${events}/old`)).body['message'], 'events.events.k8s.io "old" not found');
    assert.equal((await client.call('DELETE', events)).code, 200);
    assert.deepEqual((await client.call('GET', core)).body['items'], []);
  });
});

test('a HorizontalPodAutoscaler is one object in autoscaling/v1 and v2', async (t) => {
  const { client } = await startTestServer(t);
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };

  await t.test('v1 says a percentage, v2 a metric', async () => {
    const spec = { scaleTargetRef, maxReplicas: 5, targetCPUUtilizationPercentage: 70 };
    const made = await client.call('POST', v1, { metadata: { name: 'a' }, spec });
    assert.equal(made.code, 201, made.text);
    assert.deepEqual(made.body['spec'], { ...spec, minReplicas: 1 });
    assert.deepEqual(made.body['status'], { currentReplicas: 0, desiredReplicas: 0 });
    const { body } = await client.call('GET', `${v2}/a`);
    const cpu = {
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
    };
    assert.deepEqual(body['spec'], { scaleTargetRef, minReplicas: 1, maxReplicas: 5, metrics: [cpu] });
    const none = await client.call('POST', v1, { metadata: { name: 'b' }, spec: { scaleTargetRef, maxReplicas: 5 } });
    assert.equal((none.body['spec'] as Json)['targetCPUUtilizationPercentage'], 80);
  });

  await t.test('what v1 has no fields for goes through annotations and back', async () => {
    const memory = { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } };
    const object = {
      metric: { name: 'hits' },
      describedObject: { kind: 'Ingress', name: 'i' },
      target: { type: 'Value', value: '10k' },
    };
    const spec = {
      scaleTargetRef,
      maxReplicas: 3,
      metrics: [
        { type: 'Resource', resource: memory },
        { type: 'Object', object },
      ],
      behavior: { scaleDown: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } },
    };
    const made = await client.call('POST', v2, { metadata: { name: 'c', annotations: { keep: 'me' } }, spec });
    assert.equal(made.code, 201, made.text);
    const shown = await client.call('GET', `${v1}/c`);
    assert.deepEqual((shown.body['metadata'] as Json)['annotations'], {
      keep: 'me',
      'autoscaling.alpha.kubernetes.io/metrics':
        '[{"type":"Resource","resource":{"name":"memory","targetAverageValue":"1Gi"}},{"type":"Object","object":{"target":{"kind":"Ingress","name":"i"},"metricName":"hits","targetValue":"10k"}}]',
      'autoscaling.alpha.kubernetes.io/behavior':
        '{"ScaleUp":{"StabilizationWindowSeconds":0,"SelectPolicy":"Max","Policies":[{"Type":"Pods","Value":4,"PeriodSeconds":15},{"Type":"Percent","Value":100,"PeriodSeconds":15}],"Tolerance":null},"ScaleDown":{"StabilizationWindowSeconds":null,"SelectPolicy":"Max","Policies":[{"Type":"Pods","Value":1,"PeriodSeconds":60}],"Tolerance":null}}',
    });
    const changed = { ...(shown.body['spec'] as Json), maxReplicas: 9 };
    assert.equal((await put(client, `${v1}/c`, { ...shown.body, spec: changed })).code, 200);
    const after = await client.call('GET', `${v2}/c`);
    assert.deepEqual(after.body['spec'], { ...(made.body['spec'] as Json), maxReplicas: 9 });
    assert.deepEqual((after.body['metadata'] as Json)['annotations'], { keep: 'me' });
  });

  await t.test('the status too, through /status', async () => {
    const { body } = await client.call('GET', `${v2}/a`);
    const condition = {
      type: 'AbleToScale',
      status: 'True',
      reason: 'R',
      message: 'M',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const current = {
      type: 'Resource',
      resource: { name: 'cpu', current: { averageUtilization: 12, averageValue: '7m' } },
    };
    const status = { currentReplicas: 2, desiredReplicas: 3, currentMetrics: [current], conditions: [condition] };
    assert.equal((await put(client, `${v2}/a/status`, { ...body, status })).code, 200);
    const shown = await client.call('GET', `${v1}/a/status`);
    assert.deepEqual(shown.body['status'], {
      currentReplicas: 2,
      desiredReplicas: 3,
      currentCPUUtilizationPercentage: 12,
    });
    assert.equal(
      (
        await put(client, `${v1}/a/status`, {
          ...shown.body,
          status: { ...(shown.body['status'] as Json), desiredReplicas: 4 },
        })
      ).code,
      200,
    );
    const after = await client.call('GET', `${v2}/a`);
    assert.deepEqual(after.body['status'], { ...status, desiredReplicas: 4 });
  });

  await t.test('refused in the words of the stored form', async () => {
    const spec = { scaleTargetRef, maxReplicas: 0, targetCPUUtilizationPercentage: 0 };
    const bad = await client.call('POST', v1, { metadata: { name: 'bad' }, spec });
    assert.equal(bad.code, 422);
    assert.ok(
      causesOf(bad).includes(
        'spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0',
      ),
      bad.text,
    );
  });
});

test('discovery, OpenAPI and protobuf know both', async (t) => {
  const { client } = await startTestServer(t);
  const hashes = await Promise.all(
    ['/api/v1', '/apis/events.k8s.io/v1', '/apis/autoscaling/v1', '/apis/autoscaling/v2'].map(async (path) => {
      const { body } = await client.call('GET', path);
      const lines = body['resources'] as { name: string; storageVersionHash?: string }[];
      return lines.find(({ name }) => name === 'events' || name === 'horizontalpodautoscalers')?.storageVersionHash;
    }),
  );
  // As upstream's api/discovery has them.
  assert.deepEqual(hashes, ['r2yiGXH7wu8=', 'r2yiGXH7wu8=', 'qwQve8ut294=', 'qwQve8ut294=']);
  const { body } = await client.call('GET', '/openapi/v3/apis/events.k8s.io/v1');
  const schemas = (body['components'] as { schemas: Record<string, { properties: Json }> }).schemas;
  assert.ok('regarding' in (schemas['io.k8s.api.events.v1.Event']?.properties ?? {}));
  await client.call('POST', events, newStyle('p'));
  const accept = 'application/vnd.kubernetes.protobuf';
  const answer = await client.call('GET', `${events}/p`, undefined, { accept });
  assert.match(answer.text, /^k8s\0[\s\S]*events\.k8s\.io\/v1[\s\S]*it was tested/);
});
