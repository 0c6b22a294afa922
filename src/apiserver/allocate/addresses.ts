/**
 * Cluster IPs, taken from the ranges of the ServiceCIDR objects. Ranges may overlap: an address is marked in the pool of
 * each range that has it, so it is given out once. Not given out: the network address, and IPv4's broadcast address.
 * Upstream: pkg/registry/core/service/ipallocator (MetaAllocator, Allocator).
 *
 *   ServiceCIDR kubernetes 10.96.0.0/16 ─> pool ┐
 *   ServiceCIDR extra      10.80.0.0/20 ─> pool ┴─ any free one: the first range, in this order, that is open and not full
 */
import type { Service } from '../../api/gen/types.ts';
import type { Cidr, Family, Ip } from '../../util/ip.ts';
import type { Ledger } from './ledger.ts';
import { apiError, invalidError } from '../../api/errors.ts';
import { invalidField } from '../../api/field-errors.ts';
import { resources } from '../../api/resources.ts';
import { addressIndex, cidrContains, cidrSize, formatCidr, formatIp, nthAddress, parseIp } from '../../util/ip.ts';
import { NumberPool } from './number-pool.ts';
import type { Taken } from './number-pool.ts';

/** The edges of a range too: ErrMismatchedNetwork of ipallocator/interfaces.go. */
const outside = 'the provided network does not match the current range';

interface AddressRange {
  /** Of the ServiceCIDR. */
  readonly owner: string;
  readonly cidr: Cidr;
  readonly pool: NumberPool;
  /** Gives out addresses: its ServiceCIDR is Ready and is not being deleted. */
  open: boolean;
}

export class ClusterAddresses {
  #ranges: readonly AddressRange[] = [];

  /** The ranges of this ServiceCIDR from now on. `inUse`: asked for when there is a new one. */
  setRanges(ledger: Ledger, owner: string, cidrs: readonly Cidr[], open: boolean, inUse: () => Iterable<string>): void {
    const before = this.#ranges;
    const known = before.filter((range) => range.owner === owner);
    const was = known.map((range) => range.open);
    const now = cidrs.map((cidr) => {
      const same = known.find((range) => formatCidr(range.cidr) === formatCidr(cidr));
      return same ?? { owner, cidr, pool: createPool(cidr), open };
    });
    for (const range of now) range.open = open;
    const first = before.findIndex((range) => range.owner === owner);
    const others = before.filter((range) => range.owner !== owner);
    this.#ranges = others.toSpliced(first < 0 ? others.length : first, 0, ...now);
    const added = now.filter((range) => !known.includes(range));
    if (added.length > 0) for (const address of inUse()) markIn(added, address);
    ledger.note(() => {
      this.#ranges = before;
      for (const [index, range] of known.entries()) range.open = was[index] ?? false;
    });
  }

  /** Fills clusterIPs from ipFamilies, keeping what `held` already names. */
  allocate(ledger: Ledger, service: Service, held: ReadonlySet<string>): void {
    const spec = (service.spec ??= {});
    const wanted = spec.clusterIPs ?? [];
    spec.clusterIPs = (spec.ipFamilies ?? []).map((family, index) => {
      const address = wanted[index] ?? '';
      if (address !== '' && held.has(address)) return address;
      return address === '' ? this.#any(ledger, family as Family) : this.#chosen(ledger, service, address);
    });
    spec.clusterIP = spec.clusterIPs[0];
  }

  release(ledger: Ledger, addresses: Iterable<string>): void {
    for (const address of addresses) {
      const ip = parseIp(address);
      if (ip === undefined) continue;
      for (const { cidr, pool } of this.#around(ip)) ledger.release(pool, numberIn(cidr, ip));
    }
  }

  /** An IPAddress that somebody else made. Outside of all ranges it is nobody's business. */
  reserve(ledger: Ledger, address: string): void {
    const ip = parseIp(address);
    if (ip === undefined) return;
    for (const { cidr, pool } of this.#around(ip)) ledger.take(pool, numberIn(cidr, ip));
  }

  /** For the index at start. What lies outside the ranges (they may have been changed) is left alone. */
  mark(address: string): void {
    markIn(this.#ranges, address);
  }

  #any(ledger: Ledger, family: Family): string {
    for (const range of this.#ranges) {
      if (!range.open || range.cidr.family !== family) continue;
      const number = ledger.takeAny(range.pool);
      if (number === undefined) continue;
      const ip = nthAddress(range.cidr, number);
      for (const other of this.#around(ip)) {
        if (other !== range) ledger.take(other.pool, numberIn(other.cidr, ip));
      }
      return formatIp(ip);
    }
    throw internalError('failed to allocate a serviceIP: range is full');
  }

  #chosen(ledger: Ledger, service: Service, address: string): string {
    const taken = this.#take(ledger, address);
    if (taken === 'taken') return address;
    const why = taken === 'already allocated' ? 'provided IP is already allocated' : outside;
    throw invalidError(resources.services, service.metadata?.name ?? '', [
      invalidField('spec.clusterIPs', service.spec?.clusterIPs, `failed to allocate IP ${address}: ${why}`),
    ]);
  }

  #take(ledger: Ledger, address: string): Taken {
    const ip = parseIp(address);
    const around = ip === undefined ? [] : this.#around(ip);
    if (ip === undefined || !around.some(({ open }) => open)) return 'out of range';
    const results = around.map(({ cidr, pool }) => ledger.take(pool, numberIn(cidr, ip)));
    if (results.includes('already allocated')) return 'already allocated';
    return results.includes('taken') ? 'taken' : 'out of range';
  }

  #around(ip: Ip): readonly AddressRange[] {
    return this.#ranges.filter(({ cidr }) => cidrContains(cidr, ip));
  }
}

export function internalError(why: string): Error {
  return apiError(500, 'InternalError', `Internal error occurred: ${why}`, { causes: [{ message: why }] });
}

function markIn(ranges: readonly AddressRange[], address: string): void {
  const ip = parseIp(address);
  if (ip === undefined) return;
  for (const { cidr, pool } of ranges) if (cidrContains(cidr, ip)) pool.take(numberIn(cidr, ip));
}

function numberIn(cidr: Cidr, ip: Ip): number {
  return Number(addressIndex(cidr, ip));
}

/** Of a larger range only the first addresses are used: numbers stay exact, and nobody fills them. */
const mostAddresses = 2 ** 48;

/** KEP-3070: the static band is min(max(16, size/16), 256) addresses, none in ranges smaller than 16. */
function createPool(cidr: Cidr): NumberPool {
  const size = Math.min(Number(cidrSize(cidr)), mostAddresses);
  const band = size < 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 16)), 256);
  const last = cidr.family === 'IPv4' ? size - 2 : size - 1;
  // In a range of 16 the band would be all there is: then everything is dynamic in effect, through the fall-back.
  return new NumberPool({ first: 1, last, dynamicFrom: Math.min(Math.max(1, band), last + 1) });
}
