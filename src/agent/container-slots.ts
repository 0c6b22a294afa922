/** The containers of one pod: a slot for each (container-slot.ts draws its life), made when it is first asked for. */
import { ContainerSlot } from './container-slot.ts';
import type { SlotOwner } from './container-slot.ts';
import type { NodeContext } from './node-context.ts';
import type { PodRecord } from './pod-record.ts';
import type { StatusView } from './pod-status.ts';

export interface Slots {
  readonly view: (name: string) => StatusView;
  running(): string[];
  start(name: string): void;
  /** It waits for its back-off: told once per wait. */
  backOff(name: string, text: (name: string, delayMs: number) => { event: string; waiting: string }): void;
  /** Resolves when it has ended; a second call waits for the first. */
  stop(name: string, graceSeconds: number, message: string, hurry: AbortSignal): Promise<void>;
  /** Resolves when nothing is being started. */
  settled(): Promise<void>;
  removeAll(): Promise<void>;
  /** The agent ends, the containers stay. */
  leave(): void;
}

export function createSlots(context: NodeContext, record: PodRecord, owner: SlotOwner): Slots {
  const slots = new Map<string, ContainerSlot>();
  const slotOf = (name: string): ContainerSlot => {
    const slot = slots.get(name) ?? new ContainerSlot(context, record, owner, name);
    slots.set(name, slot);
    return slot;
  };
  // What an earlier agent left running.
  for (const [name, run] of Object.entries(record.containers)) {
    if (run.id !== undefined && run.exit === undefined) slotOf(name).adopt(run);
  }
  return {
    view: (name) => slotOf(name).view,
    running: () => [...slots].filter(([, slot]) => slot.running).map(([name]) => name),
    start: (name) => slotOf(name).start(),
    backOff: (name, text) => slotOf(name).backOff(text),
    stop: (name, graceSeconds, message, hurry) => slotOf(name).stop(graceSeconds, message, hurry),
    async settled() {
      for (const slot of slots.values()) await slot.settled;
    },
    async removeAll() {
      await Promise.all(
        Object.values(record.containers).map(async ({ id, process }) => {
          if (id === undefined) return;
          context.logs.close(id);
          await context.runtime.remove(id, process);
        }),
      );
    },
    leave() {
      for (const slot of slots.values()) slot.leave();
    },
  };
}
