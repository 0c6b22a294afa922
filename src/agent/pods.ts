/**
 * The pods of this node: one worker for each that the API server has, or that an earlier agent has left here.
 *
 *   informer (spec.nodeName = us) ── uid ──> worker          records on disk ── uid not on the server ──> ended at once
 */
import type { Pod } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import type { Informer } from '../client/index.ts';
import { log } from '../util/log.ts';
import type { Ipam } from './ipam.ts';
import type { NodeContext } from './node-context.ts';
import { newPodRecord } from './pod-record.ts';
import type { PodRecord } from './pod-record.ts';
import { createPodWorker } from './pod-worker.ts';
import type { PodWorker } from './pod-worker.ts';

export interface Pods {
  readonly synced: Promise<void>;
  /** Addresses of pods that were here before the agent. */
  reserve(ipam: Ipam): void;
  find(namespace: string, name: string): PodWorker | undefined;
  list(): Live<Pod>[];
}

const logger = log('agent');

export function createPods(context: NodeContext, informer: Informer<Pod>): Pods {
  const workers = new Map<string, PodWorker>();
  const records = new Map(context.records.load().map((record) => [record.uid, record]));
  removeStrays(context, [...records.values()]);

  const begin = (pod: Live<Pod>, record: PodRecord): void => {
    const { uid } = pod.metadata;
    const worker = createPodWorker(context, pod, record, () => {
      workers.delete(uid);
      records.delete(uid);
    });
    workers.set(uid, worker);
  };
  const seen = (pod: Live<Pod>): void => {
    const { uid, name, namespace = '' } = pod.metadata;
    const worker = workers.get(uid);
    if (worker !== undefined) {
      worker.update(pod);
      return;
    }
    const known = records.get(uid);
    // Ended before this agent began: it needs nothing of this node any more.
    if (known === undefined && isOver(pod)) return;
    const record = known ?? newPodRecord(uid, namespace, name);
    records.set(uid, record);
    context.records.save(record);
    begin(pod, record);
  };
  informer.onChange((pod, old) => {
    // A list that was on its way when the agent was told to stop.
    if (context.signal.aborted) return;
    if (pod === undefined) {
      workers.get(old?.metadata.uid ?? '')?.forget();
      return;
    }
    // Deleted and made again under the same name while we were not looking.
    if (old !== undefined && old.metadata.uid !== pod.metadata.uid) workers.get(old.metadata.uid)?.forget();
    seen(pod);
  });
  const synced = informer.synced.then(() => {
    if (context.signal.aborted) return;
    for (const record of records.values()) if (!workers.has(record.uid)) adoptOrphan(record);
  });
  /** Its object was deleted while no agent was here. */
  const adoptOrphan = (record: PodRecord): void => {
    logger.info({ pod: `${record.namespace}/${record.name}` }, 'ending a pod that the API server no longer has');
    const { uid, name, namespace } = record;
    const metadata = {
      uid,
      name,
      namespace,
      resourceVersion: '0',
      creationTimestamp: record.startTime,
      deletionTimestamp: record.startTime,
    };
    begin({ metadata, spec: { containers: Object.keys(record.containers).map((one) => ({ name: one })) } }, record);
    workers.get(uid)?.forget();
  };

  return {
    synced,
    reserve(ipam) {
      for (const { network } of records.values()) if (network !== undefined) ipam.reserve(network.position);
    },
    find(namespace, name) {
      const found = [...workers.values()].filter(
        ({ record }) => record.namespace === namespace && record.name === name,
      );
      return found.at(-1);
    },
    list: () => [...workers.values()].map((worker) => worker.pod),
  };
}

function isOver(pod: Pod): boolean {
  return (
    (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') &&
    pod.metadata?.deletionTimestamp === undefined
  );
}

/** Containers that no record names: the agent was killed between starting and writing it down. */
function removeStrays(context: NodeContext, records: readonly PodRecord[]): void {
  const known = new Set(records.flatMap((record) => Object.values(record.containers).map((container) => container.id)));
  for (const id of context.runtime.ids()) {
    if (known.has(id)) continue;
    context.runtime
      .removeStray(id)
      .catch((error: unknown) => logger.warn({ id, err: error }, 'stray container was not removed'));
  }
}
