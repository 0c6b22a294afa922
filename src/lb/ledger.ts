/**
 * Who owns which address: the one place that gives and takes. No I/O; record.ts keeps it on the API server.
 *
 *   assign(claim) ── the asked-for address, if free ── else what it has ── else the lowest free one
 *        └─> { addresses, changed, problems }          problems: sentences for the service's events
 *   release(uid)  ── free at once
 *
 * Invariants: an address has one owner; every owned address is in the pool and of a family that its service has; a service owns
 * at most one address per family.
 */
import { canonicalIp, familyOf, mustParseIp, parseIp } from '../util/ip.ts';
import type { Family } from '../util/ip.ts';
import type { AddressPool } from './pool.ts';

/** What a service asks for. */
export interface Claim {
  readonly uid: string;
  /** `namespace/name`, for messages. */
  readonly owner: string;
  readonly families: readonly Family[];
  /** Asked for by name; at most one per family counts. */
  readonly wanted: readonly string[];
}

export interface Assignment {
  readonly addresses: readonly string[];
  /** The ledger is not what it was: record it before anybody is told. */
  readonly changed: boolean;
  /** Why it has less than it asked for. */
  readonly problems: readonly string[];
}

/** uid → `namespace/name address[,address]`: the form in which the ledger is recorded. */
export type LedgerData = Readonly<Record<string, string>>;

export interface Ledger {
  assign(claim: Claim): Assignment;
  /** True when it owned something. */
  release(uid: string): boolean;
  addressesOf(uid: string): readonly string[];
  /** uids whose entry says this owner. */
  uidsOf(owner: string): readonly string[];
  ownerOf(address: string): string | undefined;
  /** Every `namespace/name` that owns something. */
  owners(): ReadonlySet<string>;
  readonly size: number;
  readonly toData: () => LedgerData;
  /** Replaces everything; entries that break an invariant are left out and named in the answer. */
  load(data: LedgerData): readonly string[];
}

interface Entry {
  readonly owner: string;
  readonly addresses: readonly string[];
}

export function createLedger(pool: AddressPool): Ledger {
  const entries = new Map<string, Entry>();
  const uidByAddress = new Map<string, string>();

  const put = (uid: string, owner: string, addresses: readonly string[]): void => {
    drop(uid);
    if (addresses.length === 0) return;
    entries.set(uid, { owner, addresses });
    for (const address of addresses) uidByAddress.set(address, uid);
  };
  const drop = (uid: string): boolean => {
    for (const address of entries.get(uid)?.addresses ?? []) uidByAddress.delete(address);
    return entries.delete(uid);
  };
  const takenFrom = (uid: string, address: string): string | undefined => {
    const holder = uidByAddress.get(address);
    return holder === undefined || holder === uid ? undefined : entries.get(holder)?.owner;
  };

  return {
    assign(claim) {
      const had = entries.get(claim.uid)?.addresses ?? [];
      const problems: string[] = [];
      const addresses = claim.families.flatMap((family) => {
        const held = had.find((address) => familyOf(address) === family);
        const wish = wishOf(claim, family, pool, (address) => takenFrom(claim.uid, address));
        if (wish.problem !== undefined) problems.push(wish.problem);
        if (wish.address !== undefined) return [wish.address];
        if (held !== undefined) return [held];
        // A wish that can't be granted waits: another address would be a surprise that stays.
        if (wish.problem !== undefined) return [];
        const free = pool.lowestFree(family, (address) => uidByAddress.has(address));
        if (free === undefined) problems.push(whyNone(family, pool));
        return free === undefined ? [] : [free];
      });
      const changed = addresses.join() !== had.join();
      if (changed) put(claim.uid, claim.owner, addresses);
      return {
        addresses,
        changed,
        problems: addresses.length > 0 ? problems.filter((text) => !isNoPool(text)) : problems,
      };
    },
    release: drop,
    addressesOf: (uid) => entries.get(uid)?.addresses ?? [],
    uidsOf: (owner) => [...entries].filter(([, entry]) => entry.owner === owner).map(([uid]) => uid),
    ownerOf(address) {
      const uid = uidByAddress.get(address);
      return uid === undefined ? undefined : entries.get(uid)?.owner;
    },
    owners: () => new Set([...entries.values()].map((entry) => entry.owner)),
    get size() {
      return uidByAddress.size;
    },
    toData() {
      const data: Record<string, string> = {};
      for (const [uid, entry] of entries) data[uid] = `${entry.owner} ${entry.addresses.join(',')}`;
      return data;
    },
    load(data) {
      const refused: string[] = [];
      entries.clear();
      uidByAddress.clear();
      for (const [uid, line] of Object.entries(data)) {
        const [owner = '', list = ''] = line.split(' ');
        const addresses = list.split(',').filter((address) => address !== '');
        if (addresses.length > 0 && isSound(addresses, pool) && addresses.every((a) => !uidByAddress.has(a))) {
          put(uid, owner, addresses);
        } else refused.push(`${uid}: ${line}`);
      }
      return refused;
    },
  };
}

interface Wish {
  readonly address?: string;
  readonly problem?: string;
}

function wishOf(
  claim: Claim,
  family: Family,
  pool: AddressPool,
  takenBy: (address: string) => string | undefined,
): Wish {
  for (const text of claim.wanted) {
    const ip = parseIp(text);
    // Said once, with the first family.
    if (ip === undefined && family === claim.families[0]) return { problem: `"${text}" is not an IP address` };
    if (ip?.family !== family) continue;
    const address = canonicalIp(text) ?? text;
    if (!pool.contains(ip)) return { problem: `address ${address} is not in the address pool (${pool.text})` };
    const owner = takenBy(address);
    return owner === undefined ? { address } : { problem: `address ${address} is in use by service ${owner}` };
  }
  return {};
}

const noPool = 'the load balancer has no address pool for ';

function whyNone(family: Family, pool: AddressPool): string {
  if (!pool.families.includes(family)) return `${noPool}${family}`;
  return `no free ${family} address: all addresses of the pool (${pool.text}) are in use`;
}

/** One family of a dual-stack service is enough. */
function isNoPool(problem: string): boolean {
  return problem.startsWith(noPool);
}

function isSound(addresses: readonly string[], pool: AddressPool): boolean {
  const families = addresses.map(familyOf);
  return (
    addresses.every((address) => canonicalIp(address) === address && pool.contains(mustParseIp(address))) &&
    new Set(families).size === families.length
  );
}
