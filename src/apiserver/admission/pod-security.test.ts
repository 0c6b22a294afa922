/** PodSecurity through a real server. Texts: a kube-apiserver 1.36. What each check says: src/api/pod-security. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { startTestServer } from '../testing.ts';
import type { Answer } from '../testing.ts';

const prefix = 'pod-security.kubernetes.io/';
const merge = { 'content-type': 'application/merge-patch+json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };

const plain = { containers: [{ name: 'c', image: 'i' }] };
const strict = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
const good = {
  securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [{ name: 'c', image: 'i', securityContext: strict }],
};
const reasons = 'allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile';
const details = [
  'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)',
  'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"])',
  'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)',
  'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
].join(', ');

function labelsOf(said: Readonly<Record<string, string | null>>): Record<string, string | null> {
  return Object.fromEntries(Object.entries(said).map(([key, value]) => [prefix + key, value]));
}

function warningsOf({ headers }: Answer): string[] {
  const text = Buffer.from(headers['warning'] ?? '', 'latin1').toString('utf8');
  return [...text.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, said = '']) => said.replace(/\\(.)/g, '$1'));
}

test('PodSecurity', async (t) => {
  const { client } = await startTestServer(t);
  const namespace = async (name: string, said: Readonly<Record<string, string>>): Promise<string> => {
    const made = await client.call('POST', '/api/v1/namespaces', { metadata: { name, labels: labelsOf(said) } });
    assert.equal(made.code, 201, made.text);
    return `/api/v1/namespaces/${name}`;
  };
  const relabel = (at: string, said: Readonly<Record<string, string | null>>): Promise<Answer> =>
    client.call('PATCH', at, { metadata: { labels: labelsOf(said) } }, merge);
  const make = (at: string, name: string, spec: object): Promise<Answer> =>
    client.call('POST', `${at}/pods`, { metadata: { name }, spec });

  await t.test('enforce refuses pods, and warns of templates', async () => {
    const at = await namespace('enforced', { enforce: 'restricted' });
    const refused = await make(at, 'p', plain);
    assert.equal(refused.code, 403);
    assert.equal(
      refused.body['message'],
      `pods "p" is forbidden: violates PodSecurity "restricted:latest": ${details}`,
    );
    assert.deepEqual(refused.body['details'], { name: 'p', kind: 'pods' });
    assert.deepEqual(warningsOf(refused), []);
    const taken = await make(at, 'p', good);
    assert.deepEqual([taken.code, warningsOf(taken)], [201, []]);
    const template = { metadata: { labels: { app: 'a' } }, spec: plain };
    const once = { ...template, spec: { ...plain, restartPolicy: 'Never' } };
    const selector = { matchLabels: { app: 'a' } };
    const batch = '/apis/batch/v1/namespaces/enforced';
    for (const [path, body] of [
      ['/apis/apps/v1/namespaces/enforced/deployments', { spec: { selector, template } }],
      [`${at}/replicationcontrollers`, { spec: { selector: { app: 'a' }, template } }],
      [`${at}/podtemplates`, { template }],
      [`${batch}/jobs`, { spec: { template: once } }],
      [`${batch}/cronjobs`, { spec: { schedule: '@daily', jobTemplate: { spec: { template: once } } } }],
    ] as const) {
      const answer = await client.call('POST', path, { metadata: { name: 'x' }, ...body });
      assert.equal(answer.code, 201, answer.text);
      assert.deepEqual(warningsOf(answer), [`would violate PodSecurity "restricted:latest": ${details}`]);
    }
  });

  await t.test('enforce and warn of different levels and versions', async () => {
    const at = await namespace('mixed', { enforce: 'baseline', 'enforce-version': 'v1.99', warn: 'restricted' });
    const taken = await make(at, 'p', plain);
    assert.equal(taken.code, 201, taken.text);
    assert.deepEqual(warningsOf(taken), [`would violate PodSecurity "restricted:latest": ${details}`]);
    const { body } = await make(at, 'q', { ...plain, hostNetwork: true });
    assert.equal(
      body['message'],
      'pods "q" is forbidden: violates PodSecurity "baseline:v1.99": host namespaces (hostNetwork=true)',
    );
  });

  await t.test('labels of a namespace mean something', async () => {
    const labels = labelsOf({ enforce: 'strict', 'warn-version': '1.20' });
    const refused = await client.call('POST', '/api/v1/namespaces', { metadata: { name: 'odd', labels } });
    assert.equal(refused.code, 422);
    assert.equal(
      refused.body['message'],
      `Namespace "odd" is invalid: [metadata.labels[${prefix}enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted, metadata.labels[${prefix}warn-version]: Invalid value: "1.20": must be "latest" or "v1.x"]`,
    );
    const at = await namespace('even', {});
    assert.equal((await relabel(at, { audit: 'much' })).code, 422);
  });

  await t.test('a stricter level warns of pods that are there; what they are may stay, but not change', async () => {
    const at = await namespace('grown', {});
    for (const [name, spec] of [
      ['b', plain],
      ['a', plain],
      ['c', plain],
      ['host', { ...plain, hostPID: true }],
      ['fine', good],
    ] as const) {
      assert.equal((await make(at, name, spec)).code, 201);
    }
    const level = (name: string): string =>
      `existing pods in namespace "grown" violate the new PodSecurity enforce level "${name}"`;
    for (const [said, warnings] of [
      [{ enforce: 'baseline' }, [level('baseline:latest'), 'host: host namespaces']],
      [
        { enforce: 'restricted' },
        [level('restricted:latest'), `a (and 2 other pods): ${reasons}`, `host: host namespaces, ${reasons}`],
      ],
      [{ audit: 'restricted' }, []],
      [{ enforce: 'baseline' }, []],
      [{ 'enforce-version': 'v1.20' }, [level('baseline:v1.20'), 'host: host namespaces']],
      [{ enforce: 'restricted', 'enforce-version': 'v1.0' }, [level('restricted:v1.0')]],
      [{ enforce: null, 'enforce-version': null }, []],
      [{ enforce: 'restricted' }, [level('restricted:latest')]],
    ] as const) {
      const answer = await relabel(at, said);
      assert.equal(answer.code, 200, answer.text);
      assert.deepEqual(warningsOf(answer).slice(0, Math.max(warnings.length, 1)), warnings);
    }
    assert.equal((await client.call('PATCH', `${at}/pods/a`, { metadata: { labels: { x: 'y' } } }, merge)).code, 200);
    const image = (name: string): Promise<Answer> =>
      client.call('PATCH', `${at}/pods/${name}`, { spec: { containers: [{ name: 'c', image: 'j' }] } }, strategic);
    assert.equal((await image('a')).code, 403);
    assert.equal((await image('fine')).code, 200);
    assert.equal((await client.call('PATCH', `${at}/pods/a/status`, { status: { message: 'm' } }, merge)).code, 200);
  });

  await t.test('ephemeral containers are looked at', async () => {
    const at = await namespace('debugged', { enforce: 'restricted' });
    await make(at, 'p', good);
    const debug = (more: object): Promise<Answer> => {
      const container = { name: 'e', image: 'i', terminationMessagePolicy: 'File', imagePullPolicy: 'Always', ...more };
      const spec = { ephemeralContainers: [container] };
      return client.call('PATCH', `${at}/pods/p/ephemeralcontainers`, { spec }, strategic);
    };
    assert.match(String((await debug({})).body['message']), /\(container "e" must set securityContext.allowPriv/);
    assert.equal((await debug({ securityContext: strict })).code, 200);
  });

  await t.test('counted', async () => {
    const { text } = await client.call('GET', '/metrics');
    const of = (level: string, version: string, mode: string, resource: string): string =>
      `policy_level="${level}",policy_version="${version}",mode="${mode}",request_operation="create",resource="${resource}",subresource=""`;
    for (const line of [
      `pod_security_evaluations_total{decision="deny",${of('restricted', 'latest', 'enforce', 'pod')}} 1`,
      `pod_security_evaluations_total{decision="deny",${of('baseline', 'future', 'enforce', 'pod')}} 1`,
      `pod_security_evaluations_total{decision="deny",${of('restricted', 'latest', 'warn', 'controller')}} 5`,
      `pod_security_evaluations_total{decision="allow",${of('privileged', 'latest', 'enforce', 'pod')}} 5`,
    ]) {
      assert.ok(text.includes(line), `${line}\n${text}`);
    }
  });
});

test('switched off, it says nothing', async (t) => {
  const { client } = await startTestServer(t, { disabledAdmission: ['PodSecurity'] });
  const metadata = { name: 'free', labels: labelsOf({ enforce: 'restricted', warn: 'nonsense' }) };
  assert.equal((await client.call('POST', '/api/v1/namespaces', { metadata })).code, 201);
  const taken = await client.call('POST', '/api/v1/namespaces/free/pods', { metadata: { name: 'p' }, spec: plain });
  assert.deepEqual([taken.code, warningsOf(taken)], [201, []]);
});
