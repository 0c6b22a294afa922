/** Plugins about storage and nodes, through a real server. Texts: a kube-apiserver 1.36. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { Node, PersistentVolumeClaim, Pod } from '../../api/gen/types.ts';
import { startTestServer } from '../testing.ts';
import type { Answer } from '../testing.ts';
import { wrongPluginNames } from './plugin-names.ts';

const merge = { 'content-type': 'application/merge-patch+json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
const core = '/api/v1/namespaces/default';
const storage = '/apis/storage.k8s.io/v1';

test('StorageObjectInUseProtection, DefaultStorageClass, PersistentVolumeClaimResize', async (t) => {
  const { client } = await startTestServer(t);
  const claims = `${core}/persistentvolumeclaims`;
  const claim = async (name: string, more: object = {}, annotations: object = {}): Promise<PersistentVolumeClaim> => {
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...more };
    const answer = await client.call('POST', claims, { metadata: { name, annotations }, spec });
    assert.equal(answer.code, 201, answer.text);
    return answer.body;
  };

  await t.test('finalizers', async () => {
    const { metadata, spec } = await claim('first');
    assert.deepEqual(metadata?.finalizers, ['kubernetes.io/pvc-protection']);
    assert.equal(spec?.storageClassName, undefined, 'there is no default class');
    const volume = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } };
    const made = await client.call('POST', '/api/v1/persistentvolumes', { metadata: { name: 'v' }, spec: volume });
    assert.deepEqual((made.body['metadata'] as { finalizers: unknown }).finalizers, ['kubernetes.io/pv-protection']);
    const attributes = {
      metadata: { name: 'a', finalizers: ['example.com/x'] },
      driverName: 'd',
      parameters: { a: 'b' },
    };
    const named = await client.call('POST', `${storage}/volumeattributesclasses`, attributes);
    const { finalizers } = named.body['metadata'] as { finalizers: unknown };
    assert.deepEqual(finalizers, ['example.com/x', 'kubernetes.io/vac-protection']);
  });

  await t.test('the default class', async () => {
    for (const [name, mark] of [
      ['grows', 'storageclass.beta.kubernetes.io/is-default-class'],
      ['stays', 'example.com/none'],
    ] as const) {
      const body = {
        metadata: { name, annotations: { [mark]: 'true' } },
        provisioner: 'example.com/p',
        allowVolumeExpansion: name === 'grows',
      };
      assert.equal((await client.call('POST', `${storage}/storageclasses`, body)).code, 201);
    }
    assert.equal((await claim('silent')).spec?.storageClassName, 'grows');
    assert.equal((await claim('none', { storageClassName: '' })).spec?.storageClassName, '');
    const older = { 'volume.beta.kubernetes.io/storage-class': 'stays' };
    assert.equal((await claim('older', {}, older)).spec?.storageClassName, undefined);
  });

  await t.test('a claim grows where its class lets it', async () => {
    const resize = (name: string, size: string): Promise<Answer> =>
      client.call('PATCH', `${claims}/${name}`, { spec: { resources: { requests: { storage: size } } } }, merge);
    const why =
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';
    for (const [name, storageClassName, said] of [
      ['large', 'grows', undefined],
      ['small', 'stays', `persistentvolumeclaims "small" is forbidden: ${why}`],
      ['bare', '', `persistentvolumeclaims "bare" is forbidden: ${why}`],
      ['lost', 'gone', `persistentvolumeclaims "lost" is forbidden: ${why}`],
    ] as const) {
      await claim(name, { storageClassName, volumeName: 'v' });
      const status = { phase: 'Bound', capacity: { storage: '1Gi' } };
      await client.call('PATCH', `${claims}/${name}/status`, { status }, merge);
      const answer = await resize(name, '2Gi');
      assert.deepEqual([answer.code, answer.body['message']], said === undefined ? [200, undefined] : [403, said]);
    }
  });
});

test('TaintNodesByCondition, PodTopologyLabels, PodResizeValidator, NodeDeclaredFeatureValidator', async (t) => {
  const { client } = await startTestServer(t);
  const pods = `${core}/pods`;
  const zone = { 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r' };
  const node = async (name: string, labels: object, declaredFeatures: readonly string[] = []): Promise<Node> => {
    const made = await client.call('POST', '/api/v1/nodes', { metadata: { name, labels } });
    assert.equal(made.code, 201, made.text);
    const status = { allocatable: { cpu: '2', memory: '1Gi' }, declaredFeatures };
    await client.call('PATCH', `/api/v1/nodes/${name}/status`, { status }, merge);
    return made.body;
  };
  const requests = { cpu: '100m', memory: '64Mi' };
  const spec = {
    containers: [{ name: 'c', image: 'i', resources: { requests } }],
    initContainers: [{ name: 'i', image: 'i', resources: { requests } }],
  };
  const boundTo = async (name: string, target: string): Promise<Pod> => {
    await client.call('POST', pods, { metadata: { name, labels: { app: 'a' } }, spec });
    const binding = { metadata: { name }, target: { kind: 'Node', name: target } };
    assert.equal((await client.call('POST', `${pods}/${name}/binding`, binding)).code, 201);
    return (await client.call('GET', `${pods}/${name}`)).body;
  };

  const { spec: taints } = await node('linux', { ...zone, 'kubernetes.io/os': 'linux', other: 'x' });
  assert.deepEqual(taints, { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] });
  await node('windows', { 'kubernetes.io/os': 'windows' });
  await node('able', {}, ['InPlacePodVerticalScalingInitContainers']);

  await t.test('a bound pod has the zone and the region of its node', async () => {
    assert.deepEqual((await boundTo('p', 'linux')).metadata?.labels, { app: 'a', ...zone });
    const body = { metadata: { name: 'q', labels: { 'topology.kubernetes.io/zone': 'mine' } } };
    const made: Pod = (await client.call('POST', pods, { ...body, spec: { ...spec, nodeName: 'linux' } })).body;
    assert.deepEqual(made.metadata?.labels, zone);
    assert.deepEqual((await boundTo('w', 'windows')).metadata?.labels, { app: 'a' });
  });

  await t.test('a resize is what the node can do, and has room for', async () => {
    await boundTo('a', 'able');
    await boundTo('l', 'nowhere');
    const cpu = (amount: string): object => ({ containers: [{ name: 'c', resources: { requests: { cpu: amount } } }] });
    const init = { initContainers: [{ name: 'i', resources: { requests: { cpu: '200m' } } }] };
    const short = "node didn't have enough allocatable resources: ";
    for (const [name, change, said, cause] of [
      ['p', cpu('200m'), undefined],
      ['p', cpu('3'), `${short}cpu, requested: 3000, allocatable: 2000`, 'NodeCapacity'],
      [
        'p',
        { containers: [{ name: 'c', resources: { requests: { cpu: '2100m', memory: '2Gi' } } }] },
        `${short}cpu, requested: 2100, allocatable: 2000; memory, requested: 2147483648, allocatable: 1073741824`,
        'NodeCapacity',
      ],
      [
        'w',
        cpu('200m'),
        'pod resize is only supported on linux nodes, node "windows" is "windows"',
        'UnsupportedPlatform',
      ],
      ['l', cpu('200m'), 'node "nowhere" not found'],
      [
        'p',
        init,
        'pod update requires features InPlacePodVerticalScalingInitContainers which are not available on node "linux"',
      ],
      ['a', init, undefined],
    ] as const) {
      const answer = await client.call('PATCH', `${pods}/${name}/resize`, { spec: change }, strategic);
      if (said === undefined) assert.equal(answer.code, 200, answer.text);
      else {
        assert.equal(answer.body['message'], `pods "${name}" is forbidden: ${said}`);
        const { causes } = answer.body['details'] as { causes?: unknown };
        assert.deepEqual(causes, cause === undefined ? undefined : [{ reason: cause }]);
      }
    }
  });
});

test('names of plugins for the start options', () => {
  assert.deepEqual(wrongPluginNames(['NodeRestriction', 'PodSecurity'], ['DenyServiceExternalIPs', 'AlwaysDeny']), []);
  assert.deepEqual(wrongPluginNames(['Nope', 'EventRateLimit'], ['', 'NamespaceLifecycle']), [
    'enable-admission-plugins plugin "Nope" is unknown',
    'enable-admission-plugins plugin "EventRateLimit" is not implemented',
    'disable-admission-plugins plugin "" is unknown',
    'disable-admission-plugins plugin "NamespaceLifecycle" cannot be switched off',
  ]);
  assert.deepEqual(wrongPluginNames(['PodSecurity', 'LimitRanger'], ['PodSecurity', 'LimitRanger']), [
    '[LimitRanger PodSecurity] in enable-admission-plugins and disable-admission-plugins overlapped',
  ]);
});
