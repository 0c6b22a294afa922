/**
 * Sends Pod.status when it has changed: one patch at a time per pod, always the newest.
 *
 *   write(status) ─ same as the last one sent ─> nothing
 *                 └ PATCH pods/status, strategic: conditions of others (readiness gates) stay untouched
 */
import { ApiError } from '../api/errors.ts';
import type { PodStatus } from '../api/gen/types.ts';
import { resources } from '../api/resources.ts';
import type { Client } from '../client/index.ts';
import { createBackoff, sleep } from '../util/backoff.ts';
import { log } from '../util/log.ts';

export interface StatusWriter {
  write(status: PodStatus): void;
  /** Resolves when the newest is on the server, or the pod is gone. */
  flushed(): Promise<void>;
}

const logger = log('agent');

export function createStatusWriter(
  client: Client,
  pod: { readonly namespace: string; readonly name: string; readonly uid: string },
  signal: AbortSignal,
): StatusWriter {
  let wanted: string | undefined;
  let sent: string | undefined;
  let running: Promise<void> | undefined;

  const send = async (): Promise<void> => {
    const backoff = createBackoff({ baseMs: 50, maxMs: 5000 });
    while (wanted !== undefined && wanted !== sent && !signal.aborted) {
      const text = wanted;
      try {
        await client.patch(resources.pods, pod, 'strategic', JSON.parse(text), { subresource: 'status' });
        sent = text;
        backoff.reset();
      } catch (error) {
        // Gone, or another pod of the same name.
        if (error instanceof ApiError && [404, 409].includes(error.code)) return;
        logger.warn({ pod: `${pod.namespace}/${pod.name}`, err: error }, 'status was not accepted');
        await sleep(backoff.next(), signal);
      }
    }
  };
  return {
    write(status) {
      wanted = JSON.stringify(patchOf(pod.uid, status));
      if (wanted === sent || running !== undefined) return;
      running = send().finally(() => (running = undefined));
    },
    flushed: () => running ?? Promise.resolve(),
  };
}

/** Conditions are merged by type: a reason or message that is no longer there must be taken away by name. */
function patchOf(uid: string, status: PodStatus): unknown {
  const conditions = (status.conditions ?? []).map((condition) => ({
    ...condition,
    reason: condition.reason ?? null,
    message: condition.message ?? null,
  }));
  return { metadata: { uid }, status: { ...status, conditions } };
}
