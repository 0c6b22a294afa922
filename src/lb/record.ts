/**
 * The ledger on the API server: one ConfigMap, so that what we gave away survives a restart and nobody who can merely write a
 * Service's status or annotations can forge it (CVE-2020-8554).
 *
 *   ConfigMap kube-system/portolan-load-balancer
 *     data: { <uid of the service>: "default/web 198.51.100.129" }
 *
 * Writes are conditional on resourceVersion: whoever else wrote meanwhile wins, and the caller reads again. Many saves at the same
 * time become one. About 10,000 services fit (1 MiB is upstream's limit for a ConfigMap).
 */
import { isReason } from '../api/errors.ts';
import type { ConfigMap } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import type { Client } from '../client/index.ts';
import type { LedgerData } from './ledger.ts';

export interface LedgerRecord {
  /** undefined: there is no record yet. */
  load(): Promise<LedgerData | undefined>;
  /** Resolves when a state at least as new as at the call is stored. Rejects with RecordConflict: load again. */
  save(): Promise<void>;
}

export class RecordConflict extends Error {
  constructor(where: string) {
    super(`the record ${where} was changed by someone else`);
    this.name = 'RecordConflict';
  }
}

export function createRecord(
  client: Client,
  where: { readonly namespace: string; readonly name: string },
  state: () => LedgerData,
): LedgerRecord {
  let stored: Live<ConfigMap> | undefined;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const write = async (): Promise<void> => {
    const data = state();
    if (stored !== undefined && sameData(stored.data ?? {}, data)) return;
    const body: ConfigMap = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        ...where,
        ...(stored === undefined ? {} : { resourceVersion: stored.metadata.resourceVersion }),
        annotations: { 'portolan.io/description': 'addresses that the load balancer gave to services, by uid' },
      },
      data: { ...data },
    };
    try {
      stored =
        stored === undefined
          ? await client.create(resources.configMaps, body)
          : await client.update(resources.configMaps, body);
    } catch (error) {
      const lost = isReason(error, 'NotFound') && stored !== undefined;
      if (lost || isReason(error, 'Conflict') || isReason(error, 'AlreadyExists')) {
        throw new RecordConflict(`${where.namespace}/${where.name}`);
      }
      throw error;
    }
  };

  const save = (): Promise<void> => {
    if (running === undefined) {
      running = write().finally(() => (running = undefined));
      return running;
    }
    // The running write may have read the state before this caller's change: one more serves everybody who waits now.
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return save();
      });
    return next;
  };

  return {
    async load() {
      try {
        stored = await client.get(resources.configMaps, where);
        return stored.data ?? {};
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
        stored = undefined;
        return undefined;
      }
    },
    save,
  };
}

function sameData(a: LedgerData, b: LedgerData): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
