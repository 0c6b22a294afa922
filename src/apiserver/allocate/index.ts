/**
 * Cluster IPs and node ports, taken and given back inside the store's write transaction: in memory, synchronous, atomic
 * with the write (no repair loop as upstream has one). The kinds call in last before the write.
 *
 *   onWrite(view, service, old)
 *     families ─ initIpFamilies        what the cluster has, what was asked for
 *     addresses ─ ClusterAddresses     per family; released when the type becomes ExternalName
 *     objects ─ IPAddress              one for each address held, written and removed along
 *     ports ─ NodePorts                node ports and the health check port
 *     anything wrong: 422 or 500, and the ledger gives everything back
 *   onServiceCidrWrite                 ranges that come, open, close and go
 *   onIpAddressWrite                   addresses that somebody else takes
 */
import type { IPAddress, Service, ServiceCIDR } from '../../api/gen/types.ts';
import type { ServiceAllocator } from '../../api/kinds/index.ts';
import type { WriteView } from '../../api/kind.ts';
import type { Live } from '../../api/object.ts';
import type { Cidr, Family } from '../../util/ip.ts';
import { invalidError } from '../../api/errors.ts';
import { initIpFamilies, isUnchangedPreferDualStack } from '../../api/kinds/service/ip-families.ts';
import { isHeadless, needsClusterIP, specOf } from '../../api/kinds/service/spec.ts';
import { resources } from '../../api/resources.ts';
import { cidrSize, formatCidr, mustParseCidr, parseCidr } from '../../util/ip.ts';
import { ClusterAddresses } from './addresses.ts';
import { addressObject } from './address-objects.ts';
import { Ledger, withLedger } from './ledger.ts';
import { NodePorts } from './ports.ts';

export interface AllocatorOptions {
  /** One or two ranges of different family, e.g. ['10.96.0.0/16']; the first is the primary family. */
  readonly serviceClusterIPRanges: readonly string[];
  /** e.g. '30000-32767' */
  readonly nodePortRange: string;
}

export interface StoredServiceAllocator extends ServiceAllocator {
  onServiceCidrWrite(view: WriteView, cidr: ServiceCIDR | undefined, old: Live<ServiceCIDR> | undefined): void;
  onIpAddressWrite(view: WriteView, address: IPAddress | undefined, old: Live<IPAddress> | undefined): void;
  /** At start, before the first write: the stored ranges, and what the stored objects hold of them. */
  rebuild(stored: StoredHolders): void;
}

export interface StoredHolders {
  readonly services: Iterable<Live<Service>>;
  readonly serviceCIDRs?: Iterable<Live<ServiceCIDR>>;
  readonly ipAddresses?: Iterable<Live<IPAddress>>;
}

/** The ServiceCIDR that the settings stand for. */
export const defaultServiceCidr = 'kubernetes';

/** Throws on ranges that make no sense. */
export function createServiceAllocator(options: AllocatorOptions): StoredServiceAllocator {
  const ranges = parseRanges(options.serviceClusterIPRanges);
  const families = ranges.map((range) => range.family);
  const addresses = new ClusterAddresses();
  const ports = new NodePorts(options.nodePortRange);
  addresses.setRanges(new Ledger(), defaultServiceCidr, ranges, true, () => []);
  return {
    onWrite(view, service, old) {
      withLedger(view, (ledger) => {
        if (service !== undefined) write(ledger, service, old);
        else if (old !== undefined) {
          addresses.release(ledger, heldAddresses(old));
          ports.release(ledger, old);
        }
        writeObjects(view, service, old);
      });
    },
    onServiceCidrWrite(view, cidr, old) {
      withLedger(view, (ledger) => {
        const owner = cidr?.metadata?.name ?? old?.metadata.name ?? '';
        addresses.setRanges(ledger, owner, rangesOf(cidr), cidr !== undefined && isOpen(cidr), function* () {
          for (const { metadata } of view.list(resources.ipAddresses)) yield metadata.name;
        });
      });
    },
    onIpAddressWrite(view, address, old) {
      const name = address?.metadata?.name ?? old?.metadata.name ?? '';
      withLedger(view, (ledger) => {
        if (address !== undefined && old === undefined) addresses.reserve(ledger, name);
        // The Service that has it goes on having it, with or without the object.
        if (address === undefined && !isHeld(view, name, old)) addresses.release(ledger, [name]);
      });
    },
    rebuild({ services, serviceCIDRs = [], ipAddresses = [] }) {
      for (const cidr of serviceCIDRs) {
        addresses.setRanges(new Ledger(), cidr.metadata.name, rangesOf(cidr), isOpen(cidr), () => []);
      }
      for (const service of services) {
        for (const address of heldAddresses(service)) addresses.mark(address);
        ports.mark(service);
      }
      for (const { metadata } of ipAddresses) addresses.mark(metadata.name);
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

/** The IPAddress of each address that came; those of the ones that went are removed. */
function writeObjects(view: WriteView, service: Service | undefined, old: Live<Service> | undefined): void {
  const before = old === undefined ? [] : heldAddresses(old);
  const now = service === undefined ? [] : heldAddresses(service);
  for (const address of now) {
    if (service !== undefined && !before.includes(address)) {
      view.put(resources.ipAddresses, addressObject(service, address));
    }
  }
  for (const address of before) {
    if (!now.includes(address)) view.remove(resources.ipAddresses, { namespace: '', name: address });
  }
}

function isHeld(view: WriteView, address: string, object: Live<IPAddress> | undefined): boolean {
  const { resource, namespace = '', name = '' } = object?.spec?.parentRef ?? {};
  if (resource !== 'services') return false;
  const service = view.get(resources.services, { namespace, name });
  return service !== undefined && heldAddresses(service).includes(address);
}

function rangesOf(cidr: ServiceCIDR | undefined): readonly Cidr[] {
  return (cidr?.spec?.cidrs ?? []).map(parseCidr).filter((range) => range !== undefined);
}

function isOpen({ metadata, status }: ServiceCIDR): boolean {
  const ready = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return ready === true && metadata?.deletionTimestamp === undefined;
}

function parseRanges(texts: readonly string[]): readonly Cidr[] {
  const ranges = texts.map(mustParseCidr);
  const families = new Set(ranges.map((range) => range.family));
  if (ranges.length < 1 || ranges.length > 2 || families.size !== ranges.length) {
    throw new Error(`service ranges must be one range, or one IPv4 and one IPv6 range: ${texts.join(',')}`);
  }
  for (const range of ranges) {
    const size = Number(cidrSize(range));
    if (size > 2 ** 48) {
      throw new Error(`service range ${formatCidr(range)} is too large: use a prefix of /80 or longer, /112 is usual`);
    }
    if (size < 4) throw new Error(`service range ${formatCidr(range)} is too small: it needs at least 4 addresses`);
  }
  return ranges;
}

function checkFamilies(service: Service, old: Live<Service> | undefined, families: readonly Family[]): void {
  const errors = initIpFamilies(service, old, families);
  if (errors.length > 0) throw invalidError(resources.services, service.metadata?.name ?? '', errors);
}

export function heldAddresses(service: Service): readonly string[] {
  if (!needsClusterIP(service) || isHeadless(service)) return [];
  return specOf(service).clusterIPs ?? [];
}
