/**
 * Cluster IPs and node ports, taken and given back inside the store's write transaction: in memory, synchronous, atomic
 * with the write (no repair loop as upstream has one). The Service kind calls `onWrite` last before the write.
 *
 *   onWrite(view, service, old)
 *     families ─ initIpFamilies        what the cluster has, what was asked for
 *     addresses ─ ClusterAddresses     per family; released when the type becomes ExternalName
 *     ports ─ NodePorts                node ports and the health check port
 *     anything wrong: 422 or 500, and the ledger gives everything back
 */
import type { Service } from '../../api/gen/types.ts';
import type { ServiceAllocator } from '../../api/kinds/index.ts';
import type { WriteView } from '../../api/kind.ts';
import type { Live } from '../../api/object.ts';
import type { Family } from '../../util/ip.ts';
import type { Ledger } from './ledger.ts';
import { invalidError } from '../../api/errors.ts';
import { initIpFamilies, isUnchangedPreferDualStack } from '../../api/kinds/service/ip-families.ts';
import { isHeadless, needsClusterIP, specOf } from '../../api/kinds/service/spec.ts';
import { resources } from '../../api/resources.ts';
import { mustParseCidr } from '../../util/ip.ts';
import { ClusterAddresses } from './addresses.ts';
import { withLedger } from './ledger.ts';
import { NodePorts } from './ports.ts';

export interface AllocatorOptions {
  /** One or two ranges of different family, e.g. ['10.96.0.0/16']; the first is the primary family. */
  readonly serviceClusterIPRanges: readonly string[];
  /** e.g. '30000-32767' */
  readonly nodePortRange: string;
  /** For tests: a number in [0, 1). */
  readonly random?: () => number;
}

export interface StoredServiceAllocator extends ServiceAllocator {
  /** At start, before the first write: takes what the stored Services hold. */
  rebuild(services: Iterable<Live<Service>>): void;
}

/** Throws on ranges that make no sense. */
export function createServiceAllocator(options: AllocatorOptions): StoredServiceAllocator {
  const ranges = options.serviceClusterIPRanges.map(mustParseCidr);
  const families = ranges.map((range) => range.family);
  if (ranges.length < 1 || ranges.length > 2 || new Set(families).size !== ranges.length) {
    throw new Error(
      `service ranges must be one range, or one IPv4 and one IPv6 range: ${options.serviceClusterIPRanges.join(',')}`,
    );
  }
  const addresses = new ClusterAddresses(ranges, options.random);
  const ports = new NodePorts(options.nodePortRange, options.random);
  return {
    onWrite(view: WriteView, service: Service | undefined, old: Live<Service> | undefined): void {
      withLedger(view, (ledger) => {
        if (service !== undefined) write(ledger, service, old);
        else if (old !== undefined) {
          addresses.release(ledger, heldAddresses(old));
          ports.release(ledger, old);
        }
      });
    },
    rebuild(services): void {
      for (const service of services) {
        for (const address of heldAddresses(service)) addresses.mark(address);
        ports.mark(service);
      }
    },
  };

  function write(ledger: Ledger, service: Service, old: Live<Service> | undefined): void {
    const untouched = isUnchangedPreferDualStack(service, old);
    checkFamilies(service, old, families);
    const held = new Set(old === undefined ? [] : heldAddresses(old));
    if (!untouched && needsClusterIP(service) && !isHeadless(service)) addresses.allocate(ledger, service, held);
    const kept = new Set(heldAddresses(service));
    addresses.release(
      ledger,
      [...held].filter((address) => !kept.has(address)),
    );
    if (old === undefined) ports.allocateNew(ledger, service);
    else ports.allocateChanged(ledger, service, old);
  }
}

function checkFamilies(service: Service, old: Live<Service> | undefined, families: readonly Family[]): void {
  const errors = initIpFamilies(service, old, families);
  if (errors.length > 0) throw invalidError(resources.services, service.metadata?.name ?? '', errors);
}

function heldAddresses(service: Service): readonly string[] {
  if (!needsClusterIP(service) || isHeadless(service)) return [];
  return specOf(service).clusterIPs ?? [];
}
