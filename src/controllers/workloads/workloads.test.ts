/** DaemonSet, StatefulSet, Job, ReplicationController and ServiceCIDR loops through a real server; the agents are played. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { DaemonSet, Job, JobSpec, JobStatus, Pod, StatefulSet, StatefulSetSpec } from '../../api/gen/types.ts';
import { ApiError } from '../../api/errors.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { eventually } from '../../util/testing.ts';
import { addNode, running, startBench } from '../testing.ts';
import type { Bench } from '../testing.ts';

const ns = 'default';
let bench: Bench;
before(async () => {
  bench = await startBench();
});
after(() => (bench as Bench | undefined)?.close());

const key = (name: string): { namespace: string; name: string } => ({ namespace: ns, name });
const template = (name: string, image = 'web:1', restartPolicy?: string): JobSpec['template'] => ({
  metadata: { labels: { app: name } },
  spec: { containers: [{ name: 'web', image }], ...(restartPolicy === undefined ? {} : { restartPolicy }) },
});
const imagePatch = (image: string): object => ({
  spec: { template: { spec: { containers: [{ name: 'web', image }] } } },
});

describe('ReplicationController', () => {
  it('keeps its number of pods and owns them', async () => {
    const spec = { replicas: 2, selector: { app: 'rc' }, template: template('rc') };
    await bench.client.create(resources.replicationControllers, { metadata: { name: 'rc', namespace: ns }, spec });
    await eventually('two are ready', async () => {
      const found = await bench.get(resources.replicationControllers, 'rc');
      return found?.status?.readyReplicas === 2 && found.status.observedGeneration === 1;
    });
    const [pod] = await bench.podsOf('app=rc');
    const owner = pod?.metadata.ownerReferences?.[0];
    assert.equal(`${owner?.apiVersion} ${owner?.kind} ${owner?.name}`, 'v1 ReplicationController rc');
    await bench.client.patch(resources.replicationControllers, key('rc'), 'merge', { spec: { replicas: 0 } });
    await eventually('none is left', async () => (await bench.podsOf('app=rc')).length === 0);
  });
});

describe('DaemonSet', () => {
  const make = (name: string, updateStrategy: object = {}): DaemonSet => ({
    metadata: { name, namespace: ns },
    spec: { selector: { matchLabels: { app: name } }, template: template(name), updateStrategy },
  });
  const updated = async (name: string, generation: number, count: number): Promise<boolean> => {
    const { status, metadata } = (await bench.get(resources.daemonSets, name)) ?? {};
    return (
      metadata?.generation === generation &&
      status?.observedGeneration === generation &&
      status.updatedNumberScheduled === count &&
      status.numberAvailable === count &&
      status.desiredNumberScheduled === count
    );
  };

  it('runs one pod on each node, on new ones too', async () => {
    await bench.client.create(resources.daemonSets, make('ds'));
    await eventually('all three run', () => updated('ds', 1, 3));
    const pods = await bench.podsOf('app=ds');
    assert.deepEqual(pods.map(({ spec }) => spec?.nodeName).sort(), ['node-1', 'node-2', 'node-3']);
    assert.equal(pods[0]?.metadata.labels?.['pod-template-generation'], '1');
    await addNode(bench.client, 'node-4');
    await eventually('the fourth, too', () => updated('ds', 1, 4));
    await bench.client.delete(resources.nodes, { namespace: '', name: 'node-4' });
    await eventually('it goes with its node', async () => (await bench.podsOf('app=ds')).length === 3);
  });

  it('updates node by node, keeps history, and undoes', async () => {
    await bench.client.patch(resources.daemonSets, key('ds'), 'strategic', imagePatch('web:2'));
    await eventually('all are new', () => updated('ds', 2, 3));
    const images = (await bench.podsOf('app=ds')).map(({ spec }) => spec?.containers[0]?.image);
    assert.deepEqual(images, ['web:2', 'web:2', 'web:2']);
    const history = async (): Promise<readonly number[]> =>
      (await bench.client.list(resources.controllerRevisions, { namespace: ns, labelSelector: 'app=ds' })).items
        .map(({ revision }) => revision)
        .sort();
    assert.deepEqual(await history(), [1, 2]);
    const first = (
      await bench.client.list(resources.controllerRevisions, { namespace: ns, labelSelector: 'app=ds' })
    ).items.find(({ revision }) => revision === 1);
    // What `kubectl rollout undo` sends.
    await bench.client.patch(resources.daemonSets, key('ds'), 'strategic', first?.data);
    await eventually('all are as before', () => updated('ds', 3, 3));
    assert.deepEqual(await history(), [2, 3], 'the first revision is the newest again');
    assert.ok((await bench.reasonsAbout('ds')).includes('SuccessfulCreate'));
  });

  it('OnDelete waits for a person; maxSurge makes the new pod first', async () => {
    await bench.client.create(resources.daemonSets, make('manual', { type: 'OnDelete' }));
    await eventually('all three run', () => updated('manual', 1, 3));
    await bench.client.patch(resources.daemonSets, key('manual'), 'strategic', imagePatch('web:2'));
    await eventually('it is seen', async () => {
      return (await bench.get(resources.daemonSets, 'manual'))?.status?.observedGeneration === 2;
    });
    assert.equal((await bench.get(resources.daemonSets, 'manual'))?.status?.updatedNumberScheduled ?? 0, 0);
    const [pod] = await bench.podsOf('app=manual');
    await bench.client.delete(resources.pods, key(pod?.metadata.name ?? ''));
    await eventually('one is new', async () => {
      return (await bench.get(resources.daemonSets, 'manual'))?.status?.updatedNumberScheduled === 1;
    });
    await bench.client.delete(resources.daemonSets, key('manual'));

    await bench.client.create(
      resources.daemonSets,
      make('surge', { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }),
    );
    await eventually('all three run', () => updated('surge', 1, 3));
    await bench.client.patch(resources.daemonSets, key('surge'), 'strategic', imagePatch('web:2'));
    await eventually('all are new', () => updated('surge', 2, 3));
    await eventually('the old ones are gone', async () => (await bench.podsOf('app=surge')).length === 3);
    await bench.client.delete(resources.daemonSets, key('surge'));
  });
});

describe('StatefulSet', () => {
  const make = (name: string, spec: Partial<StatefulSetSpec> = {}): StatefulSet => ({
    metadata: { name, namespace: ns },
    spec: {
      serviceName: 'svc',
      replicas: 3,
      selector: { matchLabels: { app: name } },
      template: template(name),
      ...spec,
    },
  });
  const images = async (name: string): Promise<string> =>
    (await bench.podsOf(`app=${name}`)).map(({ spec }) => spec?.containers[0]?.image ?? '').join(' ');

  it('makes its pods in order, each with its name, and scales down from the top', async () => {
    const order: string[] = [];
    bench.play = (pod) => {
      if (pod.metadata.labels?.['app'] === 'db') order.push(pod.metadata.name);
      return running();
    };
    await bench.client.create(resources.statefulSets, make('db'));
    await eventually(
      'three are ready',
      async () => (await bench.get(resources.statefulSets, 'db'))?.status?.readyReplicas === 3,
    );
    assert.deepEqual(order, ['db-0', 'db-1', 'db-2']);
    const [pod] = await bench.podsOf('app=db');
    assert.deepEqual([pod?.spec?.hostname, pod?.spec?.subdomain], ['db-0', 'svc']);
    assert.equal(pod?.metadata.labels?.['apps.kubernetes.io/pod-index'], '0');
    assert.equal(pod.metadata.labels['statefulset.kubernetes.io/pod-name'], 'db-0');
    await bench.client.patch(resources.statefulSets, key('db'), 'merge', { spec: { replicas: 1 } });
    await eventually('one is left', async () => {
      const pods = await bench.podsOf('app=db');
      return pods.length === 1 && pods[0]?.metadata.name === 'db-0';
    });
    bench.play = running;
  });

  it('updates from the top down to the partition, and on', async () => {
    const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } };
    await bench.client.create(
      resources.statefulSets,
      make('roll', { updateStrategy, podManagementPolicy: 'Parallel' }),
    );
    await eventually(
      'three are ready',
      async () => (await bench.get(resources.statefulSets, 'roll'))?.status?.readyReplicas === 3,
    );
    await bench.client.patch(resources.statefulSets, key('roll'), 'strategic', imagePatch('web:2'));
    await eventually('the highest is new', async () => (await images('roll')) === 'web:1 web:1 web:2');
    const between = (await bench.get(resources.statefulSets, 'roll'))?.status;
    assert.notEqual(between?.currentRevision, between?.updateRevision);
    await bench.client.delete(resources.pods, key('roll-0'));
    await eventually('one below comes back as it was', async () => (await images('roll')) === 'web:1 web:1 web:2');
    const patch = { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } };
    await bench.client.patch(resources.statefulSets, key('roll'), 'merge', patch);
    await eventually('all are new', async () => {
      const { status } = (await bench.get(resources.statefulSets, 'roll')) ?? {};
      return (await images('roll')) === 'web:2 web:2 web:2' && status?.currentRevision === status?.updateRevision;
    });
    await bench.client.delete(resources.statefulSets, key('roll'));
  });

  it('makes a claim for each pod and keeps it', async () => {
    const claim = {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    await bench.client.create(resources.statefulSets, make('disk', { replicas: 1, volumeClaimTemplates: [claim] }));
    await eventually('the claim is there', async () => {
      return (await bench.get(resources.persistentVolumeClaims, 'data-disk-0')) !== undefined;
    });
    await eventually('the pod uses it', async () => {
      const pod = await bench.get(resources.pods, 'disk-0');
      return pod?.spec?.volumes?.some((volume) => volume.persistentVolumeClaim?.claimName === 'data-disk-0') === true;
    });
    await bench.client.delete(resources.statefulSets, key('disk'));
  });
});

describe('Job', () => {
  const ends = (phase: string) => (): object => ({ phase });
  const make = (name: string, spec: Partial<JobSpec> = {}): Job => ({
    metadata: { name, namespace: ns },
    spec: { template: template(name, 'job:1', 'Never'), ...spec },
  });
  const condition = async (name: string, type: string): Promise<string> => {
    const found = (await bench.get(resources.jobs, name))?.status?.conditions?.find((one) => one.type === type);
    return found?.status === 'True' ? (found.reason ?? '') : '';
  };

  it('runs until enough have succeeded, and says so', async () => {
    bench.play = ends('Succeeded');
    await bench.client.create(resources.jobs, make('sum', { completions: 4, parallelism: 2 }));
    await eventually('it is complete', async () => (await condition('sum', 'Complete')) === 'CompletionsReached');
    const { status, spec } = (await bench.get(resources.jobs, 'sum')) ?? {};
    assert.equal(status?.succeeded, 4);
    assert.ok(status.startTime !== undefined && status.completionTime !== undefined);
    assert.equal(Object.keys(spec?.selector?.matchLabels ?? {}).join(), 'batch.kubernetes.io/controller-uid');
    const pods = await bench.podsOf('job-name=sum');
    assert.equal(pods.length, 4);
    assert.deepEqual(
      pods.map(({ metadata }) => metadata.finalizers ?? []),
      [[], [], [], []],
    );
    await eventually('events say so', async () => (await bench.reasonsAbout('sum')).includes('Completed'));
  });

  it('numbers the pods of an indexed job', async () => {
    bench.play = ends('Succeeded');
    await bench.client.create(
      resources.jobs,
      make('idx', { completions: 3, parallelism: 3, completionMode: 'Indexed' }),
    );
    await eventually('it is complete', async () => (await condition('idx', 'Complete')) !== '');
    assert.equal((await bench.get(resources.jobs, 'idx'))?.status?.completedIndexes, '0-2');
    const hosts = (await bench.podsOf('job-name=idx')).map(({ spec }) => spec?.hostname).sort();
    assert.deepEqual(hosts, ['idx-0', 'idx-1', 'idx-2']);
  });

  it('fails after too many failures, and after its deadline; goes when its time is over', async () => {
    bench.play = ends('Failed');
    await bench.client.create(resources.jobs, make('bad', { backoffLimit: 0, ttlSecondsAfterFinished: 0 }));
    await eventually('it failed and went', async () => {
      const reasons = await bench.reasonsAbout('bad');
      return reasons.includes('BackoffLimitExceeded') && (await bench.get(resources.jobs, 'bad')) === undefined;
    });
    bench.play = running;
    await bench.client.create(resources.jobs, make('slow', { activeDeadlineSeconds: 1 }));
    await eventually('it failed', async () => (await condition('slow', 'Failed')) === 'DeadlineExceeded');
    await eventually('its pod is gone', async () => (await bench.podsOf('job-name=slow')).length === 0);
    assert.equal((await bench.get(resources.jobs, 'slow'))?.status?.failed, 1);
  });

  it('runs nothing while it is suspended', async () => {
    bench.play = running;
    await bench.client.create(resources.jobs, make('later', { suspend: true }));
    await eventually('it is suspended', async () => (await condition('later', 'Suspended')) === 'JobSuspended');
    assert.equal((await bench.podsOf('job-name=later')).length, 0);
    await bench.client.patch(resources.jobs, key('later'), 'merge', { spec: { suspend: false } });
    await eventually('it runs', async () => (await bench.podsOf('job-name=later')).length === 1);
    await bench.client.delete(resources.jobs, key('later'), { propagationPolicy: 'Background' });
    await eventually('all is gone', async () => (await bench.podsOf('job-name=later')).length === 0);
  });
});

describe('Job policies', () => {
  const index = (pod: Live<Pod>): string =>
    pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'] ?? '';
  const exits = (code: number): object => {
    const finishedAt = `${new Date(Date.now() - 60_000).toISOString().slice(0, 19)}Z`;
    const state = { terminated: { exitCode: code, finishedAt } };
    const status = { name: 'web', image: 'job:1', imageID: '', ready: false, restartCount: 0, state };
    return { phase: code === 0 ? 'Succeeded' : 'Failed', containerStatuses: [status] };
  };
  const start = async (name: string, spec: Partial<JobSpec>): Promise<void> => {
    const job: Job = {
      metadata: { name, namespace: ns },
      spec: { template: template(name, 'job:1', 'Never'), ...spec },
    };
    await bench.client.create(resources.jobs, job);
  };
  /** `FailureTarget Failed`: the conditions that hold, in their order. */
  const said = async (name: string): Promise<string> =>
    ((await bench.get(resources.jobs, name))?.status?.conditions ?? [])
      .filter(({ status }) => status === 'True')
      .map(({ type }) => type)
      .join(' ');
  const status = async (name: string): Promise<JobStatus> => (await bench.get(resources.jobs, name))?.status ?? {};
  const podsOf = (name: string): Promise<readonly Live<Pod>[]> => bench.podsOf(`job-name=${name}`);
  const indexed = { completionMode: 'Indexed', completions: 3, parallelism: 3 };

  it('ends when its success policy is met, and stops the rest', async () => {
    bench.play = (pod) => (index(pod) === '1' ? exits(0) : running());
    await start('early', { ...indexed, successPolicy: { rules: [{ succeededIndexes: '1' }] } });
    await eventually('it is complete', async () => (await said('early')) === 'SuccessCriteriaMet Complete');
    const { succeeded, completedIndexes, conditions, active, ready, terminating, uncountedTerminatedPods } =
      await status('early');
    assert.deepEqual([succeeded, completedIndexes, active, ready, terminating], [1, '1', undefined, 0, 0]);
    assert.equal(conditions?.at(-1)?.message, 'Matched rules at index 0');
    assert.deepEqual(uncountedTerminatedPods, {});
    await eventually('only that one is left', async () => (await podsOf('early')).length === 1);
  });

  it('retries each index, gives up those that a rule names, and says which', async () => {
    bench.play = (pod) => {
      const failures = pod.metadata.annotations?.['batch.kubernetes.io/job-index-failure-count'];
      if (index(pod) === '0') return exits(7);
      return exits(index(pod) === '1' && failures === '0' ? 1 : 0);
    };
    const podFailurePolicy = {
      rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [7] } }],
    };
    await start('tries', { ...indexed, backoffLimitPerIndex: 2, podFailurePolicy });
    await eventually('it failed', async () => (await said('tries')) === 'FailureTarget Failed');
    const { failedIndexes, completedIndexes, failed, succeeded } = await status('tries');
    assert.deepEqual([failedIndexes, completedIndexes, failed, succeeded], ['0', '1,2', 2, 2]);
    await eventually('events say so', async () => (await bench.reasonsAbout('tries')).includes('FailedIndexes'));
  });

  it('does not count pods that were evicted, if told so; and makes them again when they have ended', async () => {
    bench.play = running;
    const onPodConditions = [{ type: 'DisruptionTarget', status: 'True' }];
    const podFailurePolicy = { rules: [{ action: 'Ignore', onPodConditions }] };
    await start('moved', { backoffLimit: 0, podFailurePolicy });
    await eventually('it runs', async () => (await status('moved')).ready === 1);
    const [first] = await podsOf('moved');
    const path = `/api/v1/namespaces/${ns}/pods/${first?.metadata.name}/eviction`;
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: first?.metadata.name } };
    const gone = eventually('it is gone', async () => {
      return (await podsOf('moved')).every(({ metadata }) => metadata.uid !== first?.metadata.uid);
    });
    await bench.client.raw('POST', path, body);
    await gone;
    assert.equal(await said('moved'), '');
    assert.equal((await status('moved')).failed, undefined);
    await bench.client.delete(resources.jobs, key('moved'), { propagationPolicy: 'Background' });
  });

  it('starts its clock anew when it goes on', async () => {
    bench.play = running;
    await start('paused', { parallelism: 2, completions: 2 });
    await eventually('it runs', async () => (await status('paused')).ready === 2);
    await bench.client.patch(resources.jobs, key('paused'), 'merge', { spec: { suspend: true } });
    await eventually('it stands still', async () => {
      const { active, ready, terminating } = await status('paused');
      return (await said('paused')) === 'Suspended' && active === undefined && ready === 0 && terminating === 0;
    });
    const { startTime, failed } = await status('paused');
    assert.deepEqual([startTime, failed], [undefined, undefined], 'those it stopped have not failed');
    await bench.client.patch(resources.jobs, key('paused'), 'merge', { spec: { suspend: false } });
    await eventually('it runs again', async () => (await status('paused')).ready === 2);
    assert.notEqual((await status('paused')).startTime, undefined);
    await eventually('events say so', async () => {
      const reasons = await bench.reasonsAbout('paused');
      return reasons.includes('Suspended') && reasons.includes('Resumed');
    });
    await bench.client.delete(resources.jobs, key('paused'), { propagationPolicy: 'Background' });
  });

  it('grows and shrinks with its completions', async () => {
    bench.play = (pod) => (index(pod) === '0' ? running() : exits(0));
    await start('elastic', indexed);
    await eventually('two are done', async () => (await status('elastic')).completedIndexes === '1,2');
    const size = (count: number): object => ({ spec: { completions: count, parallelism: count } });
    await bench.client.patch(resources.jobs, key('elastic'), 'merge', size(2));
    await eventually('one is forgotten', async () => (await status('elastic')).completedIndexes === '1');
    assert.equal((await status('elastic')).succeeded, 1);
    await bench.client.patch(resources.jobs, key('elastic'), 'merge', size(4));
    await eventually('two more are done', async () => (await status('elastic')).completedIndexes === '1-3');
    await bench.client.delete(resources.jobs, key('elastic'), { propagationPolicy: 'Background' });
  });

  it('goes without its pods when told so, and lets them be', async () => {
    bench.play = running;
    await start('parent', {});
    await eventually('it runs', async () => (await status('parent')).ready === 1);
    await bench.client.delete(resources.jobs, key('parent'), { propagationPolicy: 'Orphan' });
    await eventually('its pod is free', async () => {
      const [pod] = await podsOf('parent');
      const { ownerReferences = [], finalizers = [] } = pod?.metadata ?? {};
      return pod !== undefined && ownerReferences.length + finalizers.length === 0;
    });
    for (const { metadata } of await podsOf('parent')) await bench.client.delete(resources.pods, key(metadata.name));
  });

  it('is left to its manager, and still expires', async () => {
    await start('other', { managedBy: 'acme.io/jobs', ttlSecondsAfterFinished: 0 });
    await start('own', { managedBy: 'kubernetes.io/job-controller' });
    await eventually('ours runs', async () => (await status('own')).ready !== undefined);
    assert.deepEqual([await status('other'), (await podsOf('other')).length], [{}, 0]);
    const time = `${new Date(Date.now() - 5000).toISOString().slice(0, 19)}Z`;
    const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: time,
    }));
    const patch = { status: { startTime: time, completionTime: time, conditions } };
    await bench.client.patch(resources.jobs, key('other'), 'merge', patch, { subresource: 'status' });
    await eventually('it is gone', async () => (await bench.get(resources.jobs, 'other')) === undefined);
    await bench.client.delete(resources.jobs, key('own'), { propagationPolicy: 'Background' });
    bench.play = running;
  });
});

describe('ServiceCIDR', () => {
  it('gets its finalizer and Ready; stays while an address needs it', async () => {
    const name = 'extra';
    const at = { namespace: '', name };
    await bench.client.create(resources.serviceCIDRs, { metadata: { name }, spec: { cidrs: ['10.80.0.0/24'] } });
    const ready = async (): Promise<string> => {
      const found = await bench.get(resources.serviceCIDRs, name);
      const [one] = found?.status?.conditions ?? [];
      return `${one?.status} ${one?.reason} ${found?.metadata.finalizers?.join()}`;
    };
    await eventually('it is Ready', async () => (await ready()) === 'True  networking.k8s.io/service-cidr-finalizer');
    const spec = { clusterIP: '10.80.0.7', ports: [{ port: 80 }] };
    await bench.client.create(resources.services, { metadata: { name: 'in-extra', namespace: ns }, spec });
    await bench.client.delete(resources.serviceCIDRs, at);
    await eventually('it says why it stays', async () => (await ready()).startsWith('False Terminating'));
    await bench.client.delete(resources.services, key('in-extra'));
    await eventually('it is gone', async () => (await bench.get(resources.serviceCIDRs, name)) === undefined);
  });
});

describe('PodDisruptionBudget', () => {
  it('lets so many pods be evicted and no more', async () => {
    bench.play = running;
    const spec = { replicas: 3, selector: { app: 'pdb' }, template: template('pdb') };
    const selector = { matchLabels: { app: 'pdb' } };
    await bench.client.create(resources.podDisruptionBudgets, {
      metadata: { name: 'pdb', namespace: ns },
      spec: { maxUnavailable: 1, selector },
    });
    await bench.client.create(resources.replicationControllers, { metadata: { name: 'pdb', namespace: ns }, spec });
    const allowed = async (): Promise<number | undefined> =>
      (await bench.get(resources.podDisruptionBudgets, 'pdb'))?.status?.disruptionsAllowed;
    await eventually('one may go', async () => {
      const { status } = (await bench.get(resources.podDisruptionBudgets, 'pdb')) ?? {};
      return status?.currentHealthy === 3 && status.disruptionsAllowed === 1 && status.desiredHealthy === 2;
    });
    // Nobody comes in their place until the test says so.
    bench.play = () => undefined;
    const [first, second] = await bench.podsOf('app=pdb');
    const evict = (name = ''): Promise<unknown> =>
      bench.client.raw('POST', `/api/v1/namespaces/${ns}/pods/${name}/eviction`, {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name, namespace: ns },
      });
    await evict(first?.metadata.name);
    await assert.rejects(evict(second?.metadata.name), (error: unknown) => {
      assert.ok(error instanceof ApiError);
      assert.equal(error.code, 429);
      assert.equal(error.message, "Cannot evict pod as it would violate the pod's disruption budget.");
      const [cause] = error.status.details?.causes ?? [];
      assert.match(
        cause?.message ?? '',
        /^The disruption budget pdb (needs 2 healthy pods and has \d currently|does not)/,
      );
      return true;
    });
    assert.equal(await allowed(), 0);
    await bench.client.delete(resources.replicationControllers, key('pdb'));
  });
});
