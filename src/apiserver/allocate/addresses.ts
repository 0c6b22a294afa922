/**
 * Cluster IPs: one pool per family. Not given out: the network address, and IPv4's broadcast address.
 * Upstream: pkg/registry/core/service/ipallocator.
 */
import type { Service } from '../../api/gen/types.ts';
import type { Cidr, Family } from '../../util/ip.ts';
import type { Ledger } from './ledger.ts';
import { apiError, invalidError } from '../../api/errors.ts';
import { invalidField } from '../../api/field-errors.ts';
import { resources } from '../../api/resources.ts';
import { addressIndex, cidrContains, cidrSize, formatCidr, formatIp, nthAddress, parseIp } from '../../util/ip.ts';
import { NumberPool } from './number-pool.ts';

interface AddressPool {
  readonly cidr: Cidr;
  readonly pool: NumberPool;
}

export class ClusterAddresses {
  readonly #pools: ReadonlyMap<Family, AddressPool>;

  constructor(ranges: readonly Cidr[], random?: () => number) {
    this.#pools = new Map(ranges.map((cidr) => [cidr.family, { cidr, pool: createPool(cidr, random) }]));
  }

  /** Fills clusterIPs from ipFamilies, keeping what `held` already names. */
  allocate(ledger: Ledger, service: Service, held: ReadonlySet<string>): void {
    const spec = (service.spec ??= {});
    const wanted = spec.clusterIPs ?? [];
    spec.clusterIPs = (spec.ipFamilies ?? []).map((family, index) => {
      const address = wanted[index] ?? '';
      if (address !== '' && held.has(address)) return address;
      return address === '' ? this.#any(ledger, family) : this.#chosen(ledger, service, address);
    });
    spec.clusterIP = spec.clusterIPs[0];
  }

  release(ledger: Ledger, addresses: Iterable<string>): void {
    for (const address of addresses) {
      const found = this.#find(address);
      if (found !== undefined) ledger.release(found.pool, found.number);
    }
  }

  /** For the index at start. What lies outside the ranges (they may have been changed) is left alone. */
  mark(address: string): void {
    const found = this.#find(address);
    found?.pool.take(found.number);
  }

  #any(ledger: Ledger, family: string): string {
    const of = this.#pools.get(family as Family);
    const number = of === undefined ? undefined : ledger.takeAny(of.pool);
    if (of === undefined || number === undefined) throw internalError('failed to allocate a serviceIP: range is full');
    return formatIp(nthAddress(of.cidr, number));
  }

  #chosen(ledger: Ledger, service: Service, address: string): string {
    const found = this.#find(address);
    const taken = found === undefined ? 'out of range' : ledger.take(found.pool, found.number);
    if (taken === 'taken') return address;
    const range = this.#pools.get(parseIp(address)?.family ?? 'IPv4')?.cidr;
    const valid = range === undefined ? '' : ` The range of valid IPs is ${formatCidr(range)}`;
    const why =
      taken === 'out of range' ? `provided IP is not in the valid range.${valid}` : 'provided IP is already allocated';
    throw invalidError(resources.services, service.metadata?.name ?? '', [
      invalidField('spec.clusterIPs', service.spec?.clusterIPs, `failed to allocate IP ${address}: ${why}`),
    ]);
  }

  #find(address: string): { readonly pool: NumberPool; readonly number: number } | undefined {
    const ip = parseIp(address);
    const of = ip === undefined ? undefined : this.#pools.get(ip.family);
    if (ip === undefined || of === undefined || !cidrContains(of.cidr, ip)) return undefined;
    return { pool: of.pool, number: Number(addressIndex(of.cidr, ip)) };
  }
}

export function internalError(why: string): Error {
  return apiError(500, 'InternalError', `Internal error occurred: ${why}`, { causes: [{ message: why }] });
}

/** KEP-3070: the static band is min(max(16, size/16), 256) addresses, none in ranges smaller than 16. */
function createPool(cidr: Cidr, random: (() => number) | undefined): NumberPool {
  const size = Number(cidrSize(cidr));
  if (size > 2 ** 48) {
    throw new Error(`service range ${formatCidr(cidr)} is too large: use a prefix of /80 or longer, /112 is usual`);
  }
  if (size < 4) throw new Error(`service range ${formatCidr(cidr)} is too small: it needs at least 4 addresses`);
  const band = size < 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 16)), 256);
  const last = cidr.family === 'IPv4' ? size - 2 : size - 1;
  // In a range of 16 the band would be all there is: then everything is dynamic in effect, through the fall-back.
  return new NumberPool({ first: 1, last, dynamicFrom: Math.min(Math.max(1, band), last + 1) }, random);
}
