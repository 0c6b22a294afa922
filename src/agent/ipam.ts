/**
 * Addresses of pods, from the node's own ranges. A pod has the same position in each family's range.
 *
 *   10.244.1.0/24, fd00:10:244:1::/64     position 1: the gateway (the node's side of every veth)
 *                                         position 2…: pods, the next one after the last given: no early reuse
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cidrSize, formatIp, mustParseCidr, nthAddress } from '../util/ip.ts';
import type { Cidr } from '../util/ip.ts';

export interface Ipam {
  readonly gateways: readonly string[];
  /** One address per family, in the order of the ranges. Throws when the range is used up. */
  allocate(): { readonly position: number; readonly ips: readonly string[] };
  /** For pods that were here before the agent. */
  reserve(position: number): void;
  release(position: number): void;
}

const gatewayPosition = 1;
const firstPosition = 2;
const maxPositions = 65_534;

export function createIpam(podCidrs: readonly string[], cursorFile: string): Ipam {
  const cidrs = podCidrs.map(mustParseCidr);
  const last = Math.min(...cidrs.map(lastPosition));
  const used = new Set<number>();
  let cursor = readCursor(cursorFile);
  const addresses = (position: number): string[] => cidrs.map((cidr) => formatIp(nthAddress(cidr, position)));
  return {
    gateways: addresses(gatewayPosition),
    allocate() {
      for (let step = 0; step <= last - firstPosition; step += 1) {
        cursor = cursor >= last || cursor < firstPosition ? firstPosition : cursor + 1;
        if (used.has(cursor)) continue;
        used.add(cursor);
        writeFileSync(cursorFile, String(cursor));
        return { position: cursor, ips: addresses(cursor) };
      }
      throw new Error(`no IP addresses available in range set: ${podCidrs.join(', ')}`);
    },
    reserve: (position) => void used.add(position),
    release: (position) => void used.delete(position),
  };
}

/** The last address of an IPv4 range is its broadcast address. */
function lastPosition(cidr: Cidr): number {
  const size = cidrSize(cidr) - (cidr.family === 'IPv4' ? 2n : 1n);
  return size > BigInt(maxPositions) ? maxPositions : Number(size);
}

function readCursor(file: string): number {
  try {
    const cursor = Number(readFileSync(file, 'latin1'));
    return Number.isInteger(cursor) ? cursor : gatewayPosition;
  } catch {
    return gatewayPosition;
  }
}
