/**
 * What the agent must know about a pod after it has been killed and started again: one JSON file per pod, written whole.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BackoffState } from './crash-backoff.ts';
import type { HostPort } from './host-ports.ts';
import type { PodNetwork } from './pod-network.ts';
import type { ProcessId } from './process.ts';

export interface ExitRecord {
  readonly id: string;
  readonly code: number;
  readonly reason: string;
  readonly message?: string;
  /** ms; undefined: it never ran. */
  readonly startedAt?: number;
  readonly finishedAt: number;
}

export interface ContainerRecord {
  /** 64 hex digits: the last one started. */
  id?: string;
  restartCount: number;
  image: string;
  imageId: string;
  process?: ProcessId;
  stopSignal?: string;
  startedAt?: number;
  /** How the one named by `id` ended. */
  exit?: ExitRecord;
  /** How the one before it ended. */
  last?: ExitRecord;
  backoff?: BackoffState;
}

export interface PodRecord {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly startTime: string;
  network?: PodNetwork & { readonly position: number };
  /** What the kernel was told of its host ports. */
  hostPorts?: readonly HostPort[];
  /** The network was set up to its end. */
  networkUp?: boolean;
  containers: Record<string, ContainerRecord>;
  /** All init containers have done their work once. */
  initialized: boolean;
  /** When the transition times of conditions last changed. */
  transitions: Record<string, { status: string; time: string }>;
  /** Terminal for a reason of the pod's own (deadline). */
  failure?: { readonly reason: string; readonly message: string };
}

export function newPodRecord(uid: string, namespace: string, name: string): PodRecord {
  const startTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  return { uid, namespace, name, startTime, containers: {}, initialized: false, transitions: {} };
}

export interface PodRecords {
  load(): PodRecord[];
  save(record: PodRecord): void;
  remove(uid: string): void;
  dir(uid: string): string;
}

export function podRecords(podsDir: string): PodRecords {
  const dir = (uid: string): string => join(podsDir, uid);
  return {
    dir,
    load() {
      mkdirSync(podsDir, { recursive: true, mode: 0o711 });
      const records: PodRecord[] = [];
      for (const uid of readdirSync(podsDir)) {
        try {
          records.push(JSON.parse(readFileSync(join(dir(uid), 'record.json'), 'utf8')) as PodRecord);
        } catch {
          // Killed before the first write: nothing of it was started.
          rmSync(dir(uid), { recursive: true, force: true });
        }
      }
      return records;
    },
    save(record) {
      mkdirSync(dir(record.uid), { recursive: true, mode: 0o711 });
      const file = join(dir(record.uid), 'record.json');
      writeFileSync(`${file}.new`, JSON.stringify(record));
      renameSync(`${file}.new`, file);
    },
    remove: (uid) => rmSync(dir(uid), { recursive: true, force: true }),
  };
}
