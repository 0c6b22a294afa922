/**
 * One service after the other: what it wants, against what it has. The service controller of the load balancer.
 *
 *   ensure   EnsuringLoadBalancer ─ address from the ledger ─ recorded ─ finalizer ─ programmed ─ /status ─ EnsuredLoadBalancer
 *   clean up DeletingLoadBalancer ─ unprogrammed ─ /status ─ address released ─ finalizer off ─ DeletedLoadBalancer
 *
 * The order matters: nobody is told an address before the kernel serves it, and no address is free before the kernel forgot it.
 * Reasons and texts are those of upstream's k8s.io/cloud-provider/controllers/service/controller.go.
 */
import { isReason } from '../api/errors.ts';
import { keyOf, keyText } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import type { Client, EventRecorder, Informer } from '../client/index.ts';
import type { Service } from '../api/gen/types.ts';
import type { Family } from '../util/ip.ts';
import { log } from '../util/log.ts';
import { createWorkQueue } from '../util/queue.ts';
import type { Claim, Ledger } from './ledger.ts';
import { cleanupFinalizer } from './options.ts';
import type { LedgerRecord } from './record.ts';
import { RecordConflict } from './record.ts';
import {
  changeOf,
  hasFinalizer,
  hasIngress,
  ingressOf,
  isForeign,
  wantedAddresses,
  wantsLoadBalancer,
} from './service.ts';
import type { LiveService } from './service.ts';

export interface ControllerParts {
  readonly client: Client;
  readonly services: Informer<Service>;
  readonly ledger: Ledger;
  readonly record: LedgerRecord;
  readonly events: EventRecorder;
  /** Resolves when the kernel serves what ledger and informer say now; rejects with the kernel's error. */
  readonly program: () => Promise<void>;
  /** Reads the record again after somebody else wrote it. */
  readonly reload: () => Promise<void>;
  readonly hasNodes: () => boolean;
}

export interface ServiceController {
  /** Begins: everything that is there now, then every change. */
  start(): void;
  /** Services that wait for an address, and why. */
  readonly pending: ReadonlyMap<string, string>;
  idle(): Promise<void>;
}

const logger = log('lb');

export function createController(parts: ControllerParts, signal: AbortSignal): ServiceController {
  const pending = new Map<string, string>();
  /** Keys that people must be told about when they are ensured next. */
  const announce = new Set<string>();
  let started = false;

  const sync = async (key: string): Promise<void> => {
    const service = parts.services.get(splitKey(key));
    await releaseStrangers(parts, key, service?.metadata.uid);
    if (service === undefined || isForeign(service)) {
      pending.delete(key);
      return;
    }
    try {
      if (wantsLoadBalancer(service)) await ensure(parts, service, announce, pending);
      else await cleanUp(parts, service, key, pending);
    } catch (error) {
      if (isReason(error, 'NotFound') && service.metadata.deletionTimestamp !== undefined) return;
      if (error instanceof RecordConflict) await parts.reload();
      throw error;
    }
    retryPending();
  };
  const failed = (key: string, error: unknown): void => {
    // Somebody wrote between our reading and our writing: the next try sees it, nothing is wrong.
    if (isReason(error, 'Conflict') || error instanceof RecordConflict) return;
    logger.warn({ service: key, err: error }, 'load balancer not synced');
    const service = parts.services.get(splitKey(key));
    if (service === undefined) return;
    const text = error instanceof Error ? error.message : String(error);
    parts.events.event(service, 'Warning', 'SyncLoadBalancerFailed', `Error syncing load balancer: ${text}`);
  };
  const queue = createWorkQueue(sync, signal, { concurrency: 8, baseMs: 20, maxMs: 60_000, onError: failed });
  let owned = parts.ledger.size;
  /** An address came back: those who wait for one try at once. */
  const retryPending = (): void => {
    const now = parts.ledger.size;
    if (now < owned) for (const key of pending.keys()) queue.add(key);
    owned = now;
  };

  const onChange = (current: LiveService | undefined, old: LiveService | undefined): void => {
    if (!started) return;
    const key = keyText(keyOf(current ?? old ?? {}));
    if (current !== undefined && old !== undefined && !isForeign(current)) {
      const change = changeOf(old, current);
      if (change.event !== undefined) parts.events.event(current, 'Normal', change.event.reason, change.event.message);
      if (change.needed) announce.add(key);
    }
    queue.add(key);
  };
  parts.services.onChange(onChange);

  return {
    start() {
      started = true;
      owned = parts.ledger.size;
      for (const owner of parts.ledger.owners()) queue.add(owner);
      for (const service of parts.services.list()) queue.add(keyText(keyOf(service)));
    },
    pending,
    idle: () => queue.idle(),
  };
}

async function ensure(
  parts: ControllerParts,
  service: LiveService,
  announce: Set<string>,
  pending: Map<string, string>,
): Promise<void> {
  const key = keyText(keyOf(service));
  const { addresses, changed, problems } = parts.ledger.assign(claimOf(service));
  const tell = changed || announce.delete(key) || !hasFinalizer(service);
  if (problems.length > 0 && pending.get(key) !== problems[0]) say(parts, service, problems);
  if (addresses.length === 0) {
    pending.set(key, problems[0] ?? 'no address');
    // A status that somebody wrote by hand is no allocation.
    await writeStatus(parts.client, service, []);
    return;
  }
  // An address that was asked for and can't be had is tried again when one comes back.
  if (problems.length > 0) pending.set(key, problems[0] ?? '');
  else pending.delete(key);
  if (tell) parts.events.event(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer');
  if (tell && !parts.hasNodes()) {
    parts.events.event(service, 'Warning', 'UnAvailableLoadBalancer', 'There are no available nodes for LoadBalancer');
  }
  try {
    // Also when nothing changed now: an earlier try may have failed after the assignment.
    if (changed || !hasIngress(service, addresses)) await parts.record.save();
    await setFinalizer(parts.client, service, true);
    await parts.program();
    await writeStatus(parts.client, service, addresses);
  } catch (error) {
    if (tell) announce.add(key);
    throw error;
  }
  if (tell) parts.events.event(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer');
  logger.debug({ service: key, addresses }, 'ensured');
}

async function cleanUp(
  parts: ControllerParts,
  service: LiveService,
  key: string,
  pending: Map<string, string>,
): Promise<void> {
  pending.delete(key);
  const owns = parts.ledger.addressesOf(service.metadata.uid).length > 0;
  if (!owns && !hasFinalizer(service)) return;
  if (owns) parts.events.event(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer');
  await parts.program();
  await writeStatus(parts.client, service, []);
  if (parts.ledger.release(service.metadata.uid)) await parts.record.save();
  await setFinalizer(parts.client, service, false);
  parts.events.event(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer');
  logger.debug({ service: key }, 'deleted');
}

/** Owners of this name that are gone: deleted without our finalizer, or deleted and made anew. */
async function releaseStrangers(parts: ControllerParts, key: string, uid: string | undefined): Promise<void> {
  const gone = parts.ledger.uidsOf(key).filter((known) => known !== uid);
  if (gone.length === 0) return;
  for (const stranger of gone) parts.ledger.release(stranger);
  await parts.record.save();
  await parts.program();
}

function claimOf(service: LiveService): Claim {
  const families = service.spec?.ipFamilies?.filter(
    (family): family is Family => family === 'IPv4' || family === 'IPv6',
  );
  return {
    uid: service.metadata.uid,
    owner: keyText(keyOf(service)),
    families: families ?? ['IPv4'],
    wanted: wantedAddresses(service),
  };
}

function say(parts: ControllerParts, service: LiveService, problems: readonly string[]): void {
  for (const problem of problems) {
    const text = `Error syncing load balancer: failed to ensure load balancer: ${problem}`;
    parts.events.event(service, 'Warning', 'SyncLoadBalancerFailed', text);
    logger.warn({ service: keyText(keyOf(service)), problem }, 'no address as asked');
  }
}

async function writeStatus(client: Client, service: LiveService, addresses: readonly string[]): Promise<void> {
  if (hasIngress(service, addresses)) return;
  const ingress = addresses.length === 0 ? null : ingressOf(addresses);
  const patch = { metadata: { uid: service.metadata.uid }, status: { loadBalancer: { ingress } } };
  await client.patch(resources.services, keyOf(service), 'merge', patch, { subresource: 'status' });
}

/** Conditional on resourceVersion, since a merge patch replaces the whole list. */
async function setFinalizer(client: Client, service: LiveService, present: boolean): Promise<void> {
  if (hasFinalizer(service) === present) return;
  const others = (service.metadata.finalizers ?? []).filter((name) => name !== cleanupFinalizer);
  const finalizers = present ? [...others, cleanupFinalizer] : others;
  const patch = { metadata: { resourceVersion: service.metadata.resourceVersion, finalizers } };
  await client.patch(resources.services, keyOf(service), 'merge', patch);
}

function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
