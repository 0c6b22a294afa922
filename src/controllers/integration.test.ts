/** All loops against the real API server; the nodes' agents are played here: they make bound pods Running and Ready. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Deployment, EndpointSlice, Node, Pod, Service } from '../api/gen/types.ts';
import { isReason } from '../api/errors.ts';
import type { KubeObject, Live } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import { startApiServer } from '../apiserver/index.ts';
import type { ApiServer } from '../apiserver/index.ts';
import { makePki, serverOptions } from '../apiserver/testing.ts';
import { createClient, createInformer, loadKubeconfig } from '../client/index.ts';
import type { ClosableClient } from '../client/index.ts';
import { untilAnswered } from '../client/testing.ts';
import { eventually } from '../util/testing.ts';
import { writeKubeconfig } from '../apiserver/testing.ts';
import { runControllers } from './index.ts';

const ns = 'default';
let dir: string;
let server: ApiServer | undefined;
let client: ClosableClient;
/** With no more rights than they have in a cluster. */
let controllersClient: ClosableClient;
let controllers: Promise<void> | undefined;
const stop = new AbortController();
/** Nodes whose agent is dead. */
const dead = new Set<string>();

before(async () => {
  dir = mkdtempSync(join('/dev/shm', 'portolan-controllers-'));
  const pki = await makePki(join(dir, 'pki'));
  await pki.issue('controllers', 'CN=system:kube-controller-manager');
  server = await startApiServer(serverOptions(dir), stop.signal);
  client = createClient(await loadKubeconfig(writeKubeconfig(dir, server.address)));
  controllersClient = createClient(await loadKubeconfig(writeKubeconfig(dir, server.address, 'controllers')));
  const options = {
    caCert: readFileSync(join(dir, 'pki', 'ca.crt'), 'utf8'),
    clusterCidr: ['10.244.0.0/16'],
    // Far above the heartbeats' half second: this one process is server, controllers and agents, and the machine may be busy.
    nodeMonitorGracePeriodSeconds: 5,
  };
  controllers = runControllers(controllersClient, options, stop.signal);
  for (const name of ['node-1', 'node-2', 'node-3']) await startNode(name);
  await eventually('the default ServiceAccount is there', () => exists(resources.serviceAccounts, 'default'));
  runAgents();
});

after(async () => {
  stop.abort();
  try {
    await controllers;
    await server?.close();
  } finally {
    // What a failed start has not made is not there to be closed.
    (client as ClosableClient | undefined)?.close();
    (controllersClient as ClosableClient | undefined)?.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

async function startNode(name: string): Promise<void> {
  const status = { conditions: readyConditions(), allocatable: { cpu: '4', memory: '8Gi', pods: '110' } };
  const node: Node = { metadata: { name, labels: { 'kubernetes.io/hostname': name } } };
  await client.create(resources.nodes, node);
  await client.patch(resources.nodes, { namespace: '', name }, 'merge', { status }, { subresource: 'status' });
  const beat = async (): Promise<void> => {
    if (dead.has(name)) return;
    const patch = { status: { conditions: readyConditions() } };
    await client.patch(resources.nodes, { namespace: '', name }, 'strategic', patch, { subresource: 'status' });
  };
  const timer = setInterval(() => void beat().catch(() => undefined), 500);
  stop.signal.addEventListener('abort', () => clearInterval(timer));
}

function readyConditions(): NonNullable<Node['status']>['conditions'] {
  const lastHeartbeatTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  return [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '', lastHeartbeatTime }];
}

/** What an agent would say: an address and Ready for a bound pod, an end for a deleted one. */
function runAgents(): void {
  let addresses = 0;
  const pods = createInformer(client, resources.pods, {}, stop.signal);
  pods.onChange((pod) => {
    if (pod?.spec?.nodeName === undefined || dead.has(pod.spec.nodeName)) return;
    void untilAnswered(() => act(pod), stop.signal);
  });
  const act = async (pod: Live<Pod>): Promise<void> => {
    const key = { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name };
    if (pod.metadata.deletionTimestamp !== undefined) {
      await client.delete(resources.pods, key, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } });
      return;
    }
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: now }];
    if (pod.status?.podIP !== undefined) {
      // A controller that had not heard of the node for long said so of its pods; their kubelet knows better.
      if (pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true) return;
      await client.patch(resources.pods, key, 'strategic', { status: { conditions } }, { subresource: 'status' });
      return;
    }
    addresses += 1;
    const podIP = `10.244.1.${addresses}`;
    const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions };
    await client.patch(resources.pods, key, 'strategic', { status }, { subresource: 'status' });
  };
}

async function exists<T extends KubeObject>(resource: Resource<T>, name: string, namespace = ns): Promise<boolean> {
  return (await fetch(resource, name, namespace)) !== undefined;
}

async function fetch<T extends KubeObject>(
  resource: Resource<T>,
  name: string,
  namespace = ns,
): Promise<Live<T> | undefined> {
  try {
    return await client.get(resource, { namespace: resource.namespaced ? namespace : '', name });
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

function deployment(name: string, replicas: number, image = 'web:1'): Deployment {
  const labels = { app: name };
  return {
    metadata: { name, namespace: ns, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image }] } },
    },
  };
}

function service(name: string, selector?: Record<string, string>): Service {
  return { metadata: { name, namespace: ns }, spec: { ports: [{ port: 80, targetPort: 8080 }], selector } };
}

async function slicesOf(name: string): Promise<readonly Live<EndpointSlice>[]> {
  const labelSelector = `kubernetes.io/service-name=${name}`;
  return (await client.list(resources.endpointSlices, { namespace: ns, labelSelector })).items;
}

async function readyAddresses(name: string): Promise<string[]> {
  const slices = await slicesOf(name);
  return slices.flatMap(({ endpoints = [] }) =>
    endpoints.flatMap(({ addresses, conditions }) => (conditions?.ready === true ? addresses : [])),
  );
}

async function rolledOut(name: string): Promise<boolean> {
  const live = await fetch(resources.deployments, name);
  const { replicas, updatedReplicas, availableReplicas, observedGeneration, conditions } = live?.status ?? {};
  const wanted = live?.spec?.replicas ?? 1;
  return (
    observedGeneration === live?.metadata.generation &&
    (replicas ?? 0) === wanted &&
    (updatedReplicas ?? 0) === wanted &&
    (availableReplicas ?? 0) === wanted &&
    conditions?.find(({ type }) => type === 'Progressing')?.reason === 'NewReplicaSetAvailable'
  );
}

async function reasonsAbout(name: string): Promise<string[]> {
  const events = await client.list(resources.events, { namespace: ns });
  return events.items.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason }) => reason ?? '');
}

describe('controllers against the API server', () => {
  it('give a namespace its ServiceAccount and root CA', async () => {
    await eventually('the root CA is there', () => exists(resources.configMaps, 'kube-root-ca.crt'));
    await client.delete(resources.configMaps, { namespace: ns, name: 'kube-root-ca.crt' });
    await eventually('it is made again', () => exists(resources.configMaps, 'kube-root-ca.crt'));
  });

  it('give each node a share of the pod range', async () => {
    const shares = new Set<string>();
    await eventually('all have one', async () => {
      const { items } = await client.list(resources.nodes);
      for (const { spec } of items) if (spec?.podCIDR !== undefined) shares.add(spec.podCIDR);
      return shares.size === 3;
    });
  });

  it('roll out a Deployment, spread it, expose it, scale it', async () => {
    await client.create(resources.deployments, deployment('web', 3));
    await client.create(resources.services, service('web', { app: 'web' }));
    await eventually('it is rolled out', () => rolledOut('web'));
    const pods = await client.list(resources.pods, { namespace: ns, labelSelector: 'app=web' });
    assert.deepEqual(pods.items.map(({ spec }) => spec?.nodeName).sort(), ['node-1', 'node-2', 'node-3']);
    await eventually('all are endpoints', async () => (await readyAddresses('web')).length === 3);
    const [slice, ...more] = await slicesOf('web');
    assert.equal(more.length, 0);
    assert.match(slice?.metadata.name ?? '', /^web-[a-z0-9]{5}$/);
    assert.deepEqual(slice?.ports, [{ name: '', port: 8080, protocol: 'TCP' }]);
    assert.equal(slice?.metadata.ownerReferences?.[0]?.kind, 'Service');
    const endpoints = await fetch(resources.endpoints, 'web');
    assert.equal(endpoints?.subsets?.[0]?.addresses?.length, 3);
    assert.equal(endpoints.metadata.labels?.['endpoints.kubernetes.io/managed-by'], 'endpoint-controller');

    await client.patch(resources.deployments, { namespace: ns, name: 'web' }, 'merge', { spec: { replicas: 5 } });
    await eventually('five are endpoints', async () => (await readyAddresses('web')).length === 5);
    await client.patch(resources.deployments, { namespace: ns, name: 'web' }, 'merge', { spec: { replicas: 0 } });
    await eventually('none is', async () => (await readyAddresses('web')).length === 0);
    await eventually('it is rolled out', () => rolledOut('web'));
    assert.equal((await slicesOf('web')).length, 1, 'the empty slice stays');
    await eventually('events say so', async () => (await reasonsAbout('web')).includes('ScalingReplicaSet'));
    const live = await fetch(resources.deployments, 'web');
    assert.equal(live?.metadata.generation, 3, 'ours and two resizings: the revision annotation does not count');
  });

  it('update by steps, keep the minimum available, and undo', async () => {
    await client.create(resources.deployments, deployment('rolling', 4, 'web:1'));
    await eventually('it is rolled out', () => rolledOut('rolling'));
    const key = { namespace: ns, name: 'rolling' };
    let least = 4;
    const watcher = new AbortController();
    const sets = createInformer(client, resources.replicaSets, { namespace: ns }, watcher.signal);
    sets.onChange(() => {
      const own = [...sets.list()].filter(({ metadata }) => metadata.labels?.['app'] === 'rolling');
      const available = own.reduce((sum, { status }) => sum + (status?.availableReplicas ?? 0), 0);
      if (sets.hasSynced) least = Math.min(least, available);
    });
    const image = (name: string): unknown => ({
      spec: { template: { spec: { containers: [{ name: 'web', image: name }] } } },
    });
    await client.patch(resources.deployments, key, 'strategic', image('web:2'));
    await eventually('it is rolled out', () => rolledOut('rolling'));
    watcher.abort();
    assert.ok(least >= 3, `at least 3 available, was ${least}`);
    const list = async (): Promise<readonly Live<KubeObject & { spec?: { replicas?: number } }>[]> =>
      (await client.list(resources.replicaSets, { namespace: ns, labelSelector: 'app=rolling' })).items;
    assert.deepEqual((await list()).map(({ spec }) => spec?.replicas).sort(), [0, 4]);
    assert.equal(
      (await fetch(resources.deployments, 'rolling'))?.metadata.annotations?.['deployment.kubernetes.io/revision'],
      '2',
    );
    await client.patch(resources.deployments, key, 'strategic', image('web:1'));
    await eventually('it is back', () => rolledOut('rolling'));
    assert.equal((await list()).length, 2, 'the old set is used again');
    assert.equal(
      (await fetch(resources.deployments, 'rolling'))?.metadata.annotations?.['deployment.kubernetes.io/revision'],
      '3',
    );
  });

  it('make again what somebody deletes', async () => {
    await client.create(resources.services, service('empty', { app: 'nobody' }));
    await eventually('there is an empty slice', async () => (await slicesOf('empty')).length === 1);
    const [slice] = await slicesOf('empty');
    await client.delete(resources.endpointSlices, { namespace: ns, name: slice?.metadata.name ?? '' });
    await eventually('there is another', async () => {
      const [next] = await slicesOf('empty');
      return next !== undefined && next.metadata.uid !== slice?.metadata.uid;
    });
    await client.delete(resources.endpoints, { namespace: ns, name: 'empty' });
    await eventually('Endpoints are back', () => exists(resources.endpoints, 'empty'));
    await client.delete(resources.services, { namespace: ns, name: 'empty' });
    await eventually('all is gone', async () => {
      return (await slicesOf('empty')).length === 0 && !(await exists(resources.endpoints, 'empty'));
    });
  });

  it('mirror hand-made Endpoints', async () => {
    await client.create(resources.services, service('hand'));
    const subsets = [{ addresses: [{ ip: '10.1.2.3' }], ports: [{ port: 9090 }] }];
    await client.create(resources.endpoints, { metadata: { name: 'hand', namespace: ns }, subsets });
    await eventually('there is a slice', async () => (await readyAddresses('hand')).join() === '10.1.2.3');
    await client.delete(resources.endpoints, { namespace: ns, name: 'hand' });
    await eventually('it is gone', async () => (await slicesOf('hand')).length === 0);
  });

  it('give endpoints to zones by topology-mode Auto, as nodes come and go', async (t) => {
    const zone = (name: string, value: string | null): Promise<unknown> =>
      client.patch(resources.nodes, { namespace: '', name }, 'merge', {
        metadata: { labels: { 'topology.kubernetes.io/zone': value } },
      });
    t.after(() => Promise.all(['node-1', 'node-2', 'node-3'].map((name) => zone(name, null))));
    const auto = service('zoned', { app: 'zoned' });
    const metadata = { ...auto.metadata, annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } };
    await client.create(resources.services, { ...auto, metadata });
    await client.create(resources.deployments, deployment('zoned', 3));
    const hints = async (): Promise<string> => {
      const endpoints = (await slicesOf('zoned')).flatMap((slice) => slice.endpoints ?? []);
      return endpoints
        .map((one) => `${one.zone ?? ''}>${one.hints?.forZones?.[0]?.name ?? ''}`)
        .sort()
        .join(' ');
    };
    await eventually('nobody says a zone: no hints', async () => (await hints()) === '> > >');
    for (const [name, value] of [
      ['node-1', 'a'],
      ['node-2', 'b'],
      ['node-3', 'c'],
    ] as const)
      await zone(name, value);
    await eventually('each endpoint is hinted', async () => (await hints()) === 'a>a b>b c>c');
    await client.patch(resources.nodes, { namespace: '', name: 'node-3' }, 'merge', {
      metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } },
    });
    // Two zones of three endpoints: neither has what it needs.
    await eventually('zone c has no node that counts any more', async () => (await hints()) === 'a> b> c>');
    await client.patch(resources.nodes, { namespace: '', name: 'node-3' }, 'merge', {
      metadata: { labels: { 'node-role.kubernetes.io/control-plane': null } },
    });
    await eventually('events say why', async () => {
      const reasons = await reasonsAbout('zoned');
      return reasons.includes('TopologyAwareHintsEnabled') && reasons.includes('TopologyAwareHintsDisabled');
    });
  });

  it('say why a pod cannot be scheduled, and schedule it when it can', async () => {
    const pod: Pod = {
      metadata: { name: 'picky', namespace: ns },
      spec: { containers: [{ name: 'c', image: 'i' }], nodeSelector: { disk: 'ssd' } },
    };
    await client.create(resources.pods, pod);
    const key = { namespace: ns, name: 'picky' };
    await eventually('it is said', async () => {
      const live = await client.get(resources.pods, key);
      return live.status?.conditions?.some(({ reason }) => reason === 'Unschedulable') === true;
    });
    const condition = (await client.get(resources.pods, key)).status?.conditions?.find(
      ({ reason }) => reason === 'Unschedulable',
    );
    assert.match(
      condition?.message ?? '',
      /^0\/3 nodes are available: 3 node\(s\) didn't match Pod's node affinity\/selector\./,
    );
    await client.patch(resources.nodes, { namespace: '', name: 'node-2' }, 'merge', {
      metadata: { labels: { disk: 'ssd' } },
    });
    await eventually('it is placed', async () => (await client.get(resources.pods, key)).spec?.nodeName === 'node-2');
    await eventually('events say so', async () => (await reasonsAbout('picky')).includes('Scheduled'));
    assert.ok((await reasonsAbout('picky')).includes('FailedScheduling'));
  });

  it('collect what is owned, in the background, the foreground, or not at all', async () => {
    for (const name of ['back', 'fore', 'orphaned']) {
      await client.create(resources.deployments, deployment(name, 1));
      await eventually('it is rolled out', () => rolledOut(name));
    }
    const left = async (name: string): Promise<number> => {
      const labelSelector = `app=${name}`;
      const sets = await client.list(resources.replicaSets, { namespace: ns, labelSelector });
      const pods = await client.list(resources.pods, { namespace: ns, labelSelector });
      return sets.items.length + pods.items.length;
    };
    await client.delete(resources.deployments, { namespace: ns, name: 'back' }, { propagationPolicy: 'Background' });
    await eventually('all is gone', async () => (await left('back')) === 0);
    await client.delete(resources.deployments, { namespace: ns, name: 'fore' }, { propagationPolicy: 'Foreground' });
    await eventually('the Deployment is gone', async () => !(await exists(resources.deployments, 'fore')));
    assert.equal(await left('fore'), 0, 'all was gone before it');
    await client.delete(resources.deployments, { namespace: ns, name: 'orphaned' }, { propagationPolicy: 'Orphan' });
    await eventually('the Deployment is gone', async () => !(await exists(resources.deployments, 'orphaned')));
    assert.equal(await left('orphaned'), 2, 'its ReplicaSet and its pod stay');
    const sets = await client.list(resources.replicaSets, { namespace: ns, labelSelector: 'app=orphaned' });
    assert.equal(sets.items[0]?.metadata.ownerReferences, undefined);
  });

  it('collect objects that own each other in a circle', async () => {
    const names = ['circle-1', 'circle-2', 'circle-3'];
    const made = await Promise.all(
      names.map((name) => client.create(resources.configMaps, { metadata: { name, namespace: ns } })),
    );
    for (const [at, name] of names.entries()) {
      const { metadata } = made[(at + 2) % 3] as (typeof made)[number];
      const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: metadata.name, uid: metadata.uid };
      const ownerReferences = [{ ...owner, controller: true, blockOwnerDeletion: true }];
      await client.patch(resources.configMaps, { namespace: ns, name }, 'merge', { metadata: { ownerReferences } });
    }
    const options = { propagationPolicy: 'Foreground' } as const;
    await client.delete(resources.configMaps, { namespace: ns, name: 'circle-1' }, options);
    for (const name of names)
      await eventually(`${name} is gone`, async () => !(await exists(resources.configMaps, name)));
  });

  it('give aggregated cluster roles the rules of their pieces, and take them away', async () => {
    const labels = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
    const rules = [{ verbs: ['get'], apiGroups: ['example.com'], resources: ['widgets'] }];
    await client.create(resources.clusterRoles, { metadata: { name: 'widgets', labels }, rules });
    const admins = async (): Promise<boolean> => {
      const role = await client.get(resources.clusterRoles, { namespace: '', name: 'admin' });
      return role.rules?.some(({ apiGroups }) => apiGroups?.includes('example.com') === true) === true;
    };
    // view is a piece of edit, and edit of admin.
    await eventually('admins may', admins);
    await client.delete(resources.clusterRoles, { namespace: '', name: 'widgets' });
    await eventually('admins may no longer', async () => !(await admins()));
  });

  it('empty a namespace and let it go', async () => {
    await client.create(resources.namespaces, { metadata: { name: 'passing' } });
    await eventually('it has its account', () => exists(resources.serviceAccounts, 'default', 'passing'));
    await client.create(resources.deployments, {
      ...deployment('web', 2),
      metadata: { name: 'web', namespace: 'passing' },
    });
    await client.create(resources.configMaps, { metadata: { name: 'cm', namespace: 'passing' } });
    await eventually(
      'pods run',
      async () => (await client.list(resources.pods, { namespace: 'passing' })).items.length === 2,
    );
    await client.delete(resources.namespaces, { namespace: '', name: 'passing' });
    await eventually('it is gone', async () => !(await exists(resources.namespaces, 'passing')));
  });

  it('let the pods of a namespace go before what they run with (KEP-5080)', async () => {
    const namespace = 'ordered';
    await client.create(resources.namespaces, { metadata: { name: namespace } });
    await eventually('it has its account', () => exists(resources.serviceAccounts, 'default', namespace));
    await client.create(resources.configMaps, { metadata: { name: 'cm', namespace } });
    const metadata = { name: 'held', namespace, finalizers: ['example.com/held'] };
    await client.create(resources.pods, { metadata, spec: { containers: [{ name: 'c', image: 'i' }] } });
    await client.delete(resources.namespaces, { namespace: '', name: namespace });
    const conditions = async (): Promise<string | undefined> => {
      const { status } = await client.get(resources.namespaces, { namespace: '', name: namespace });
      return status?.conditions?.find(({ type }) => type === 'NamespaceContentRemaining')?.message;
    };
    await eventually('it says what holds it', async () => (await conditions())?.includes('pods. has 1') === true);
    assert.ok(await exists(resources.configMaps, 'cm', namespace));
    await client.patch(resources.pods, { namespace, name: 'held' }, 'merge', { metadata: { finalizers: null } });
    await eventually('it is gone', async () => !(await exists(resources.namespaces, namespace)));
  });

  it('run a CronJob: a job for its time, which is said in its status; what ran goes with it', async () => {
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
    const metadata = { name: 'tick', namespace: ns };
    const spec = { schedule: '@every 1s', concurrencyPolicy: 'Forbid', jobTemplate: { spec: { template } } };
    const made = await client.create(resources.cronJobs, { metadata, spec });
    const jobs = async () => {
      const { items } = await client.list(resources.jobs, { namespace: ns });
      return items.filter(({ metadata: { ownerReferences } }) => ownerReferences?.[0]?.uid === made.metadata.uid);
    };
    await eventually('it is in the status', async () => {
      const { status } = await client.get(resources.cronJobs, { namespace: ns, name: 'tick' });
      return status?.active?.length === 1 && status.lastScheduleTime !== undefined;
    });
    const [job] = await jobs();
    assert.match(job?.metadata.name ?? '', /^tick-\d+$/);
    assert.match(job?.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'] ?? '', /^20.*Z$/);
    await client.delete(resources.cronJobs, { namespace: ns, name: 'tick' });
    await eventually('its jobs are gone', async () => (await jobs()).length === 0);
  });

  it('go on when the API server was away', async () => {
    await client.create(resources.deployments, deployment('survivor', 2));
    await client.create(resources.services, service('survivor', { app: 'survivor' }));
    await eventually('both are endpoints', async () => (await readyAddresses('survivor')).length === 2);
    const address = server?.address ?? '';
    await server?.close();
    server = await startApiServer({ ...serverOptions(dir), listen: [address] }, stop.signal);
    await eventually('it can be written to', async () => {
      const key = { namespace: ns, name: 'survivor' };
      const patch = client.patch(resources.deployments, key, 'merge', { spec: { replicas: 4 } });
      return patch.then(
        () => true,
        () => false,
      );
    });
    await eventually('four are endpoints', async () => (await readyAddresses('survivor')).length === 4);
    await eventually('it is rolled out', () => rolledOut('survivor'));
    const pods = await client.list(resources.pods, { namespace: ns, labelSelector: 'app=survivor' });
    assert.equal(pods.items.length, 4);
  });

  it('notice a dead node, and its return', async () => {
    await client.create(resources.deployments, deployment('lost', 3));
    await client.create(resources.services, service('lost', { app: 'lost' }));
    await eventually('all are endpoints', async () => (await readyAddresses('lost')).length === 3);
    dead.add('node-3');
    await eventually('its endpoint left', async () => (await readyAddresses('lost')).length === 2);
    const node = await client.get(resources.nodes, { namespace: '', name: 'node-3' });
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
    assert.equal(
      `${ready?.status} ${ready?.reason} ${ready?.message}`,
      'Unknown NodeStatusUnknown Kubelet stopped posting node status.',
    );
    await eventually('it is tainted', async () => {
      const { spec } = await client.get(resources.nodes, { namespace: '', name: 'node-3' });
      return (
        spec?.taints?.some(({ key, effect }) => key === 'node.kubernetes.io/unreachable' && effect === 'NoExecute') ===
        true
      );
    });
    dead.delete('node-3');
    await eventually('its taints are gone', async () => {
      const { spec } = await client.get(resources.nodes, { namespace: '', name: 'node-3' });
      return (spec?.taints ?? []).length === 0;
    });
  });
});
