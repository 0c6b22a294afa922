/** Making and deleting pods for an owner, with the events that upstream's RealPodControl writes. */
import type { Pod } from '../../api/gen/types.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import type { LivePod } from '../pods.ts';
import { applyWrite, remove } from '../writes.ts';
import type { Writer } from '../writes.ts';

export async function createPod(writer: Writer, owner: Live<KubeObject>, object: Pod): Promise<void> {
  try {
    const pod = await applyWrite(writer, { verb: 'create', resource: resources.pods, object });
    if (pod === undefined) return;
    writer.recorder.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
  } catch (error) {
    writer.recorder.event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
    throw error;
  }
}

export async function deletePod(writer: Writer, owner: Live<KubeObject>, pod: LivePod): Promise<void> {
  try {
    await applyWrite(writer, remove<Pod>(resources.pods, pod));
    writer.recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  } catch (error) {
    writer.recorder.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
    throw error;
  }
}

/** 1, 2, 4, … at a time, so that a refusal is met once and not five hundred times. */
export async function slowStart(count: number, make: (index: number) => Promise<void>): Promise<void> {
  for (let made = 0, batch = 1; made < count; batch *= 2) {
    const from = made;
    const size = Math.min(batch, count - from);
    await settled(Array.from({ length: size }, (_, index) => make(from + index)));
    made += size;
  }
}

/** All of them end; then the first error, if there was one. */
export async function settled(calls: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(calls);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason as Error;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
