/** Admission that reads other objects, through a real server: default IngressClass, PriorityClass, LimitRange, ResourceQuota. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startTestServer } from '../testing.ts';
import type { Answer } from '../testing.ts';

type Client = Awaited<ReturnType<typeof startTestServer>>['client'];
const core = '/api/v1/namespaces/default';
const networking = '/apis/networking.k8s.io/v1';

async function make(client: Client, path: string, body: object): Promise<Answer> {
  const answer = await client.call('POST', path, body);
  assert.equal(answer.code, 201, answer.text);
  return answer;
}

async function refused(client: Client, path: string, body: object, message: string | RegExp): Promise<void> {
  const answer = await client.call('POST', path, body);
  assert.equal(answer.code, 403, answer.text);
  if (typeof message === 'string') assert.equal(answer.body['message'], message);
  else assert.match(String(answer.body['message']), message);
}

const account = { metadata: { name: 'default' } };
const pod = (name: string, more: object = {}, container: object = {}): object => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i', ...container }], ...more },
});

describe('DefaultIngressClass', () => {
  it('fills in the youngest default, and the first by name of those; nothing without one', async (t) => {
    const { client } = await startTestServer(t);
    const ingress = (name: string): object => ({
      metadata: { name },
      spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } },
    });
    const classOf = (answer: Answer): unknown =>
      (answer.body['spec'] as { ingressClassName?: string }).ingressClassName;
    const ingresses = `${networking}/namespaces/default/ingresses`;
    assert.equal(classOf(await make(client, ingresses, ingress('none'))), undefined);
    for (const name of ['b', 'a', 'c']) {
      const annotations = name === 'c' ? {} : { 'ingressclass.kubernetes.io/is-default-class': 'true' };
      const body = { metadata: { name, annotations }, spec: { controller: 'example.com/x' } };
      await make(client, `${networking}/ingressclasses`, body);
    }
    // Made later than b, or in the same second: then its name decides.
    assert.equal(classOf(await make(client, ingresses, ingress('one'))), 'a');
    const named = {
      ...ingress('named'),
      spec: { ingressClassName: 'c', defaultBackend: { service: { name: 's', port: { number: 80 } } } },
    };
    assert.equal(classOf(await make(client, ingresses, named)), 'c');
  });
});

describe('Priority', () => {
  it('takes the number from the class, which may be the global default', async (t) => {
    const { client } = await startTestServer(t);
    await make(client, `${core}/serviceaccounts`, account);
    const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';
    const system = await client.call('GET', classes);
    const names = (system.body['items'] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
    assert.deepEqual(names, ['system-cluster-critical', 'system-node-critical']);
    await make(client, classes, { metadata: { name: 'high' }, value: 1000, preemptionPolicy: 'Never' });
    const high = await make(client, `${core}/pods`, pod('high', { priorityClassName: 'high' }));
    const specOf = (answer: Answer): { priority?: number; preemptionPolicy?: string } => answer.body['spec'] as object;
    assert.deepEqual([specOf(high).priority, specOf(high).preemptionPolicy], [1000, 'Never']);
    await make(client, classes, { metadata: { name: 'usual' }, value: 7, globalDefault: true });
    assert.equal(specOf(await make(client, `${core}/pods`, pod('usual'))).priority, 7);
    const second = { metadata: { name: 'second' }, value: 8, globalDefault: true };
    await refused(
      client,
      classes,
      second,
      /PriorityClass usual is already marked as default\. Only one default can exist/,
    );
    const gone = await client.call('DELETE', `${classes}/system-node-critical`);
    assert.match(gone.text, /this is a system priority class and cannot be deleted/);
  });
});

describe('LimitRanger', () => {
  it('fills in what is missing and enforces the range', async (t) => {
    const { client } = await startTestServer(t);
    await make(client, `${core}/serviceaccounts`, account);
    const limit = { type: 'Container', max: { cpu: '1' }, min: { cpu: '100m' }, default: { cpu: '500m' } };
    await make(client, `${core}/limitranges`, { metadata: { name: 'l' }, spec: { limits: [limit] } });
    const made = await make(client, `${core}/pods`, pod('p'));
    const spec = made.body['spec'] as { containers: { resources: object }[] };
    assert.deepEqual(spec.containers[0]?.resources, { requests: { cpu: '500m' }, limits: { cpu: '500m' } });
    const { annotations } = made.body['metadata'] as { annotations: Record<string, string> };
    assert.equal(
      annotations['kubernetes.io/limit-ranger'],
      'LimitRanger plugin set: cpu request for container c; cpu limit for container c',
    );
    const big = { resources: { limits: { cpu: '2' }, requests: { cpu: '1' } } };
    await refused(
      client,
      `${core}/pods`,
      pod('big', {}, big),
      'pods "big" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
    );
    const small = { resources: { requests: { cpu: '50m' } } };
    await refused(
      client,
      `${core}/pods`,
      pod('small', {}, small),
      'pods "small" is forbidden: minimum cpu usage per Container is 100m, but request is 50m',
    );
  });
});

describe('ResourceQuota', () => {
  it('counts services by type, refuses one too many, and gives back', async (t) => {
    const { client } = await startTestServer(t);
    const hard = { services: '3', 'services.nodeports': '1', 'count/configmaps': '1' };
    await make(client, `${core}/resourcequotas`, { metadata: { name: 'q' }, spec: { hard } });
    const used = async (): Promise<unknown> => {
      const quota = await client.call('GET', `${core}/resourcequotas/q`);
      return (quota.body['status'] as { used: object }).used;
    };
    // The kubernetes Service is in this namespace.
    assert.deepEqual(await used(), { services: '1', 'services.nodeports': '0', 'count/configmaps': '0' });
    const service = (name: string, type: string): object => ({
      metadata: { name },
      spec: { type, ports: [{ port: 80 }] },
    });
    await make(client, `${core}/services`, service('np', 'NodePort'));
    assert.deepEqual(await used(), { services: '2', 'services.nodeports': '1', 'count/configmaps': '0' });
    await refused(
      client,
      `${core}/services`,
      service('np2', 'NodePort'),
      'services "np2" is forbidden: exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1',
    );
    await make(client, `${core}/services`, service('plain', 'ClusterIP'));
    const patch = await client.call(
      'PATCH',
      `${core}/services/plain`,
      { spec: { type: 'NodePort' } },
      { 'content-type': 'application/merge-patch+json' },
    );
    assert.match(patch.text, /exceeded quota: q, requested: services\.nodeports=1/);
    await refused(
      client,
      `${core}/services`,
      service('over', 'ClusterIP'),
      /requested: services=1, used: services=3, limited: services=3/,
    );
    await client.call('DELETE', `${core}/services/np`);
    assert.deepEqual(await used(), { services: '2', 'services.nodeports': '0', 'count/configmaps': '0' });
    await make(client, `${core}/configmaps`, { metadata: { name: 'a' } });
    await refused(
      client,
      `${core}/configmaps`,
      { metadata: { name: 'b' } },
      /exceeded quota: q, requested: count\/configmaps=1/,
    );
  });

  it('wants pods to say what they need, and never lets two share the last place', async (t) => {
    const { client } = await startTestServer(t);
    await make(client, `${core}/serviceaccounts`, account);
    const hard = { pods: '5', 'requests.cpu': '1' };
    await make(client, `${core}/resourcequotas`, { metadata: { name: 'q' }, spec: { hard } });
    await refused(
      client,
      `${core}/pods`,
      pod('silent'),
      'pods "silent" is forbidden: failed quota: q: must specify requests.cpu for: c',
    );
    const asks = { resources: { requests: { cpu: '100m' } } };
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => client.call('POST', `${core}/pods`, pod(`p${index}`, {}, asks))),
    );
    assert.equal(answers.filter(({ code }) => code === 201).length, 5);
    const quota = await client.call('GET', `${core}/resourcequotas/q`);
    assert.deepEqual((quota.body['status'] as { used: object }).used, { pods: '5', 'requests.cpu': '500m' });
  });
});
