/** pods/resize: what may change, and what is refused. Texts: upstream's ValidatePodResize. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startTestServer } from './testing.ts';
import type { Answer } from './testing.ts';

const pods = '/api/v1/namespaces/default/pods';
const merge = { 'content-type': 'application/strategic-merge-patch+json' };

function causesOf({ body }: Answer): string[] {
  const { causes = [] } = body['details'] as { readonly causes?: readonly { field: string; message: string }[] };
  return causes.map(({ field, message }) => `${field}: ${message}`);
}

test('cpu and memory of containers, and nothing else', async (t) => {
  const { client } = await startTestServer(t);
  const resources = { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } };
  const spec = { containers: [{ name: 'c', image: 'i', resources }] };
  assert.equal((await client.call('POST', pods, { metadata: { name: 'p' }, spec })).code, 201);
  const resize = (container: object): Promise<Answer> =>
    client.call('PATCH', `${pods}/p/resize`, { spec: { containers: [{ name: 'c', ...container }] } }, merge);

  const done = await resize({ image: 'other', resources: { requests: { cpu: '250m' } } });
  assert.equal(done.code, 200, done.text);
  const [container] = (done.body['spec'] as { containers: { image: string; resources: object }[] }).containers;
  assert.equal(container?.image, 'i');
  assert.deepEqual(container.resources, { ...resources, requests: { cpu: '250m', memory: '64Mi' } });
  assert.equal((done.body['metadata'] as { generation: number }).generation, 2);
  assert.equal((await client.call('GET', `${pods}/p/resize`)).body['kind'], 'Pod');

  const refused = async (container: object, causes: readonly string[]): Promise<void> => {
    const answer = await resize(container);
    assert.equal(answer.code, 422, answer.text);
    assert.deepEqual(causesOf(answer), causes);
  };
  await refused({ resources: { requests: { cpu: null } } }, [
    'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
  ]);
  await refused({ resources: { requests: { memory: '128Mi' }, limits: { cpu: '250m' } } }, [
    'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
  ]);
  await refused({ resources: { requests: { 'ephemeral-storage': '1Gi' } } }, [
    'spec: Forbidden: only cpu and memory resources are mutable',
  ]);
  const { body } = await client.call('GET', `${pods}/p`);
  const more = { ...body, spec: { ...(body['spec'] as object), containers: [{ name: 'd', image: 'i' }] } };
  assert.ok(
    causesOf(await client.call('PUT', `${pods}/p/resize`, more)).includes(
      'spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize',
    ),
  );
  assert.equal((await client.call('PUT', `${pods}/p`, { ...body, spec })).code, 422, 'elsewhere they are frozen');

  await t.test('limits and quotas hold here too', async () => {
    const limit = { type: 'Container', max: { cpu: '1' } };
    const namespace = '/api/v1/namespaces/default';
    await client.call('POST', `${namespace}/limitranges`, { metadata: { name: 'l' }, spec: { limits: [limit] } });
    const tooMuch = await resize({ resources: { requests: { cpu: '2' } } });
    assert.equal(tooMuch.code, 403, tooMuch.text);
    await client.call('DELETE', `${namespace}/limitranges/l`);
    const hard = { 'requests.cpu': '300m' };
    await client.call('POST', `${namespace}/resourcequotas`, { metadata: { name: 'q' }, spec: { hard } });
    const over = await resize({ resources: { requests: { cpu: '400m' } } });
    assert.match(String(over.body['message']), /exceeded quota: q, requested: requests.cpu=150m/);
    await client.call('DELETE', `${namespace}/resourcequotas/q`);
  });

  await t.test('not where the node does not say that it can', async () => {
    const running = { name: 'c', image: 'i', imageID: '', ready: true, restartCount: 0, state: { running: {} } };
    const status = (statuses: object): object => ({ status: { containerStatuses: [statuses] } });
    await client.call('PATCH', `${pods}/p/status`, status(running), merge);
    await refused({ resources: { requests: { cpu: '1' } } }, [
      'spec: Forbidden: Pod running on node without support for resize',
    ]);
    await client.call('PATCH', `${pods}/p/status`, status({ ...running, resources }), merge);
    assert.equal((await resize({ resources: { requests: { cpu: '1' } } })).code, 200);
  });
});
