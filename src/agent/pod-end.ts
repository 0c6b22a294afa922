/** The end of a pod: containers stopped, status told, everything of it on this node removed, the object deleted. */
import { rmSync } from 'node:fs';
import { ApiError } from '../api/errors.ts';
import type { Pod } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import type { Slots } from './container-slots.ts';
import type { NodeContext } from './node-context.ts';
import { isSidecar } from './pod-plan.ts';
import { podLogDir } from './pod-logs.ts';
import type { PodRecord } from './pod-record.ts';
import { removeNetwork, removeVolumes } from './pod-sandbox.ts';

export interface EndInput {
  readonly context: NodeContext;
  readonly pod: () => Live<Pod>;
  readonly record: PodRecord;
  readonly slots: Slots;
  /** Aborted: the object is gone already, no grace. */
  readonly hurry: AbortSignal;
  /** Resolves when the API server has the final status. */
  readonly publish: () => Promise<void>;
}

export async function endPod(input: EndInput): Promise<void> {
  const { context, record, slots, hurry } = input;
  await slots.settled();
  const deadline = Date.now() + finalGrace(input.pod()) * 1000;
  const left = (): number => Math.max(0, (deadline - Date.now()) / 1000);
  const sidecars = (input.pod().spec?.initContainers ?? []).filter(isSidecar).map((container) => container.name);
  const main = slots.running().filter((name) => !sidecars.includes(name));
  const stop = (name: string): Promise<void> => slots.stop(name, left(), `Stopping container ${name}`, hurry);
  await Promise.all(main.map(stop));
  for (const name of sidecars.reverse()) if (slots.running().includes(name)) await stop(name);
  if (slots.running().length > 0) throw new Error(`containers do not end: ${slots.running().join(', ')}`);
  if (!hurry.aborted) await input.publish();
  await slots.removeAll();
  await removeNetwork(context, record);
  await removeVolumes(context, record);
  if (!hurry.aborted) await deleteObject(context, record);
  rmSync(podLogDir(context.paths.logs, record), { recursive: true, force: true });
  context.records.remove(record.uid);
}

/** Seconds. A force-deleted pod has none. */
export function finalGrace(pod: Live<Pod>): number {
  return pod.metadata.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
}

async function deleteObject(context: NodeContext, record: PodRecord): Promise<void> {
  try {
    await context.client.delete(resources.pods, record, {
      gracePeriodSeconds: 0,
      preconditions: { uid: record.uid },
    });
  } catch (error) {
    // Gone, or another pod of the same name.
    if (!(error instanceof ApiError) || ![404, 409].includes(error.code)) throw error;
  }
}
