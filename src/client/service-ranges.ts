/**
 * The ranges of cluster IPs as they are now: those that the caller was started with, and those of the ServiceCIDR objects.
 *
 *   ServiceCIDR (networking.k8s.io/v1) ─> union with the start options ─> onChange
 *   a server without that kind, or that doesn't let us see it: the start options alone
 *
 * A ServiceCIDR that is being deleted still counts: its Services serve until the last of them is gone.
 */
import { ApiError } from '../api/errors.ts';
import type { ServiceCIDR } from '../api/gen/types.ts';
import { resources } from '../api/resources.ts';
import { createBackoff, sleep } from '../util/backoff.ts';
import { formatCidr, parseCidr } from '../util/ip.ts';
import { log } from '../util/log.ts';
import { createInformer } from './informer.ts';
import type { Client, Informer } from './types.ts';

export interface ServiceRanges {
  /** The server was asked. Stays pending when the signal aborts before. */
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
  /** Canonical, each once; those of the options first. */
  readonly current: () => readonly string[];
  readonly onChange: (handler: () => void) => void;
}

const logger = log('client');

export function watchServiceRanges(client: Client, fixed: readonly string[], signal: AbortSignal): ServiceRanges {
  let current = union(fixed, []);
  let hasSynced = false;
  const handlers: (() => void)[] = [];
  const follow = async (): Promise<void> => {
    if (!(await isServed(client, signal))) return;
    const cidrs: Informer<ServiceCIDR> = createInformer(client, resources.serviceCIDRs, {}, signal);
    const look = (): void => {
      const now = union(
        fixed,
        [...cidrs.list()].flatMap(({ spec }) => spec?.cidrs ?? []),
      );
      if (now.join() === current.join()) return;
      current = now;
      if (hasSynced) for (const handler of handlers) handler();
    };
    cidrs.onChange(look);
    await cidrs.synced;
  };
  const synced = follow().then(() => {
    hasSynced = true;
  });
  return {
    synced,
    hasSynced: () => hasSynced,
    current: () => current,
    onChange: (handler) => void handlers.push(handler),
  };
}

/** Before there is an informer, which would ask for ever. */
async function isServed(client: Client, signal: AbortSignal): Promise<boolean> {
  const backoff = createBackoff({ baseMs: 50, maxMs: 5_000 });
  while (!signal.aborted) {
    try {
      await client.list(resources.serviceCIDRs, { limit: 1 });
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return false;
      if (error instanceof ApiError && error.code === 403) {
        logger.warn({ err: error.message }, 'ServiceCIDRs are not looked at: the ranges of the options stand');
        return false;
      }
      await sleep(backoff.next(), signal);
    }
  }
  return new Promise<never>(() => undefined);
}

function union(fixed: readonly string[], found: readonly string[]): readonly string[] {
  const all = [...fixed, ...[...found].sort()].flatMap((text) => parseCidr(text) ?? []);
  return [...new Set(all.map(formatCidr))];
}
