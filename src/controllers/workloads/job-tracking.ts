/**
 * The finalizer that keeps a Job's pod until it is counted: who still has it, and taking it off. Upstream: KEP-2307.
 *
 *   counted, or nobody's to count ─> untrack ─> the pod without it, at once for us, later in the view
 */
import { isReason } from '../../api/errors.ts';
import { keyOf } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { log } from '../../util/log.ts';
import type { LivePod } from '../pods.ts';
import type { View } from '../view.ts';
import type { Writer } from '../writes.ts';
import { isTracked, trackingFinalizer } from './job-pods.ts';

export interface Untracked {
  /** Those that still have the finalizer, because of the error. */
  readonly left: ReadonlySet<LivePod>;
  readonly error: Error | undefined;
}

export interface JobTracking {
  /** As the pod is, whatever the view still says. */
  current(pod: LivePod): LivePod;
  /** The view shows it without the finalizer, or no longer. */
  seen(uid: string): void;
  tryUntrack(list: readonly LivePod[]): Promise<Untracked>;
  /** Throws the last error. */
  untrack(list: readonly LivePod[]): Promise<void>;
  /** A pod that nobody counts: if it cannot be now, then at its next change. */
  letGo(pod: LivePod): Promise<void>;
}

const logger = log('controllers');

export function createJobTracking(writer: Writer, pods: Pick<View<LivePod>, 'get'>): JobTracking {
  /** Uids of pods whose finalizer we took off, until the watch shows it: the view would have them counted twice. */
  const done = new Set<string>();

  const takeOff = async (pod: LivePod): Promise<void> => {
    const metadata = { '$deleteFromPrimitiveList/finalizers': [trackingFinalizer], uid: pod.metadata.uid };
    try {
      // Not noted in the view: the answer to the patch that ends a deleted pod is the pod as it was.
      await writer.client.patch(resources.pods, keyOf(pod), 'strategic', { metadata });
    } catch (error) {
      if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error;
    }
    if (pods.get(keyOf(pod))?.metadata.uid === pod.metadata.uid) done.add(pod.metadata.uid);
  };

  const tryUntrack = async (list: readonly LivePod[]): Promise<Untracked> => {
    const left = new Set(list.filter(isTracked));
    let error: Error | undefined;
    const take = async (pod: LivePod): Promise<void> => {
      try {
        await takeOff(pod);
        left.delete(pod);
      } catch (cause) {
        error = cause instanceof Error ? cause : new Error(String(cause));
      }
    };
    await Promise.all([...left].map(take));
    return { left, error };
  };

  const untrack = async (list: readonly LivePod[]): Promise<void> => {
    const { error } = await tryUntrack(list);
    if (error !== undefined) throw error;
  };

  return {
    current: (pod) => (done.has(pod.metadata.uid) ? withoutFinalizer(pod) : pod),
    seen: (uid) => void done.delete(uid),
    tryUntrack,
    untrack,
    async letGo(pod) {
      try {
        await untrack([pod]);
      } catch (error) {
        logger.debug({ loop: 'job', pod: pod.metadata.name, err: String(error) }, 'a pod keeps its finalizer for now');
      }
    },
  };
}

function withoutFinalizer(pod: LivePod): LivePod {
  const finalizers = (pod.metadata.finalizers ?? []).filter((name) => name !== trackingFinalizer);
  return { ...pod, metadata: { ...pod.metadata, finalizers } };
}
