/**
 * When did what an endpoint update answers happen? For the annotation from which upstream measures programming latency.
 * Upstream: k8s.io/endpointslice/util/trigger_time_tracker.go.
 */
import { conditionOf } from '../pods.ts';
import type { LivePod } from '../pods.ts';
import type { LiveService } from './pod-endpoint.ts';

export interface TriggerTimes {
  /** Call it once for each sync. RFC 3339; undefined: nothing that we know of changed. */
  compute(key: string, service: LiveService, pods: readonly LivePod[]): string | undefined;
  forget(key: string): void;
}

interface Known {
  readonly service: string;
  readonly pods: ReadonlyMap<string, string>;
}

export function createTriggerTimes(): TriggerTimes {
  const known = new Map<string, Known>();
  return {
    compute(key, service, pods) {
      const before = known.get(key);
      const created = service.metadata.creationTimestamp;
      const changed: string[] = [];
      const times = new Map<string, string>();
      for (const pod of pods) {
        const time = conditionOf(pod, 'Ready')?.lastTransitionTime;
        if (time === undefined) continue;
        times.set(pod.metadata.name, time);
        if (time > (before?.pods.get(pod.metadata.name) ?? '')) changed.push(time);
      }
      if (created > (before?.service ?? '')) changed.push(created);
      known.set(key, { service: created, pods: times });
      if (before === undefined) return created;
      return changed.sort()[0];
    },
    forget(key) {
      known.delete(key);
    },
  };
}
