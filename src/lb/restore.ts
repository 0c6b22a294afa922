/**
 * The ledger at the start, and after somebody else wrote the record: the record is the truth. Where there is none yet (first start, or
 * it was deleted), what the services' status says is taken over once: in the pool, with our finalizer, the oldest service first.
 */
import type { Service } from '../api/gen/types.ts';
import { keyOf, keyText } from '../api/object.ts';
import type { Informer } from '../client/index.ts';
import { createBackoff, sleep } from '../util/backoff.ts';
import { log } from '../util/log.ts';
import type { Ledger, LedgerData } from './ledger.ts';
import type { LedgerRecord } from './record.ts';
import { hasFinalizer, wantsLoadBalancer } from './service.ts';
import type { LiveService } from './service.ts';

const logger = log('lb');

export async function restore(ledger: Ledger, record: LedgerRecord, services: Informer<Service>): Promise<void> {
  const data = await record.load();
  const refused = ledger.load(data ?? dataFromStatus(services.list()));
  if (refused.length > 0) logger.warn({ refused }, 'entries of the record that can not be: left out');
}

/** Until the API server answers. */
export async function restoreUntilDone(
  ledger: Ledger,
  record: LedgerRecord,
  services: Informer<Service>,
  signal: AbortSignal,
): Promise<void> {
  const backoff = createBackoff({ baseMs: 50, maxMs: 5_000 });
  while (!signal.aborted) {
    try {
      return await restore(ledger, record, services);
    } catch (error) {
      const waitMs = backoff.next();
      logger.warn({ err: error, waitMs }, 'can not read the record of addresses');
      await sleep(waitMs, signal);
    }
  }
}

function dataFromStatus(services: Iterable<LiveService>): LedgerData {
  const data: Record<string, string> = {};
  const oldestFirst = [...services]
    .filter((service) => wantsLoadBalancer(service) && hasFinalizer(service))
    .sort((a, b) => order(a).localeCompare(order(b), 'en'));
  for (const service of oldestFirst) {
    const addresses = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [ip]));
    if (addresses.length > 0) data[service.metadata.uid] = `${keyText(keyOf(service))} ${addresses.join(',')}`;
  }
  return data;
}

function order(service: LiveService): string {
  return `${service.metadata.creationTimestamp} ${keyText(keyOf(service))}`;
}
