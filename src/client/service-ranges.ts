/**
 * The ranges of cluster IPs as they are now: those that the caller was started with, and those of the ServiceCIDR objects.
 *
 *   ServiceCIDR (networking.k8s.io/v1) ─> union with the start options ─> onChange
 *   a server without that kind, or that doesn't let us see it: the start options alone
 *
 * A ServiceCIDR that is being deleted still counts: its Services serve until the last of them is gone.
 */
import type { ServiceCIDR } from '../api/gen/types.ts';
import { resources } from '../api/resources.ts';
import { formatCidr, parseCidr } from '../util/ip.ts';
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

/** `cidrs`: an informer that the process has anyway, with the option `optional`. */
export function watchServiceRanges(
  client: Client,
  fixed: readonly string[],
  signal: AbortSignal,
  cidrs: Informer<ServiceCIDR> = createInformer(client, resources.serviceCIDRs, { optional: true }, signal),
): ServiceRanges {
  let current = union(fixed, []);
  let hasSynced = false;
  const handlers: (() => void)[] = [];
  cidrs.onChange(() => {
    const now = union(
      fixed,
      [...cidrs.list()].flatMap(({ spec }) => spec?.cidrs ?? []),
    );
    if (now.join() === current.join()) return;
    current = now;
    if (hasSynced) for (const handler of handlers) handler();
  });
  const synced = cidrs.synced.then(() => {
    hasSynced = true;
  });
  return {
    synced,
    hasSynced: () => hasSynced,
    current: () => current,
    onChange: (handler) => void handlers.push(handler),
  };
}

function union(fixed: readonly string[], found: readonly string[]): readonly string[] {
  const all = [...fixed, ...[...found].sort()].flatMap((text) => parseCidr(text) ?? []);
  return [...new Set(all.map(formatCidr))];
}
