/**
 * The ranges of cluster IPs as they are now: those that the caller was started with, and those of the ServiceCIDR objects.
 *
 *   ServiceCIDR (networking.k8s.io/v1) ─> union with the start options ─> onChange
 *   a server without that kind, or that doesn't let us see it: the start options alone, until that changes
 *
 * A ServiceCIDR that is being deleted still counts: its Services serve until the last of them is gone.
 */
import type { ServiceCIDR } from '../api/gen/types.ts';
import { resources } from '../api/resources.ts';
import { formatCidr, mustParseCidr, parseCidr } from '../util/ip.ts';
import { createInformer } from './informer.ts';
import type { Client, Informer } from './types.ts';

export interface ServiceRanges {
  /** The server was asked. Stays pending when the signal aborts before. */
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
  /** Canonical, each once; those of the options first. */
  readonly current: () => readonly string[];
  /** Called after current() has become something else. */
  readonly onChange: (handler: () => void) => void;
}

export function watchServiceRanges(client: Client, fixed: readonly string[], signal: AbortSignal): ServiceRanges {
  return serviceRangesOf(createInformer(client, resources.serviceCIDRs, { optional: true }, signal), fixed);
}

/** For parts that share what they watch. */
export function serviceRangesOf(cidrs: Informer<ServiceCIDR>, fixed: readonly string[]): ServiceRanges {
  let current = serviceRanges(fixed, []);
  const handlers: (() => void)[] = [];
  cidrs.onChange(() => {
    const now = serviceRanges(fixed, cidrs.list());
    if (now.join() === current.join()) return;
    current = now;
    for (const handler of handlers) handler();
  });
  return {
    synced: cidrs.synced,
    hasSynced: () => cidrs.hasSynced,
    current: () => current,
    onChange: (handler) => void handlers.push(handler),
  };
}

export function serviceRanges(fixed: readonly string[], objects: Iterable<ServiceCIDR>): readonly string[] {
  const named = [...objects].flatMap(({ spec }) => spec?.cidrs ?? []).sort();
  const all = [...fixed.map(mustParseCidr), ...named.flatMap((text) => parseCidr(text) ?? [])];
  return [...new Set(all.map(formatCidr))];
}
