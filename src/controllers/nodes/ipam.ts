/**
 * spec.podCIDR for nodes that have none: the first free share of each cluster range. One at a time, so that no two get the same.
 * Upstream: pkg/controller/nodeipam/ipam/range_allocator.go.
 */
import type { Node } from '../../api/gen/types.ts';
import { keyOf } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { cidrsOverlap, formatIp, mustParseCidr, parseCidr } from '../../util/ip.ts';
import type { Cidr } from '../../util/ip.ts';
import { startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { applyWrites, mergePatch } from '../writes.ts';

export interface NodeRange {
  readonly cidr: Cidr;
  /** Prefix length of one node's share. */
  readonly bits: number;
}

export function runNodeIpam(context: ControllerContext): void {
  const { clusterCidr = [], nodeCidrMaskSizeIPv4 = 24, nodeCidrMaskSizeIPv6 = 64 } = context.options;
  if (clusterCidr.length === 0) return;
  const ranges = clusterCidr.map((text): NodeRange => {
    const cidr = mustParseCidr(text);
    const bits = Math.max(cidr.bits, cidr.family === 'IPv4' ? nodeCidrMaskSizeIPv4 : nodeCidrMaskSizeIPv6);
    return { cidr, bits };
  });
  const nodes = context.views.of(resources.nodes);
  const writer = context.writer('cidrAllocator');

  const work = async (name: string): Promise<void> => {
    const node = nodes.get({ namespace: '', name });
    if (node === undefined || hasPodCidr(node)) return;
    const used = [...nodes.list()].flatMap(podCidrsOf);
    const podCIDRs = ranges.map((range) => firstFree(range, used));
    if (podCIDRs.includes(undefined)) {
      writer.recorder.event(node, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`);
      return;
    }
    const patch = { spec: { podCIDR: podCIDRs[0], podCIDRs } };
    await applyWrites(writer, [mergePatch(resources.nodes, keyOf(node as Node), patch)]);
  };
  const queue = startLoop(context, 'node-ipam', { views: [nodes], work, concurrency: 1 });

  nodes.onChange((current) => {
    if (current !== undefined) {
      if (!hasPodCidr(current)) queue.add(current.metadata.name);
      return;
    }
    // A share was given back: somebody may have waited for it.
    for (const node of nodes.list()) if (!hasPodCidr(node)) queue.add(node.metadata.name);
  });
}

/** undefined: the range is full. */
export function firstFree({ cidr, bits }: NodeRange, used: readonly Cidr[]): string | undefined {
  const width = cidr.family === 'IPv4' ? 32 : 128;
  const size = 1n << BigInt(width - bits);
  const count = 1n << BigInt(bits - cidr.bits);
  for (let i = 0n; i < count; i++) {
    const share: Cidr = { ...cidr, base: cidr.base + i * size, bits };
    if (!used.some((other) => cidrsOverlap(other, share))) {
      return `${formatIp({ family: cidr.family, value: share.base })}/${bits}`;
    }
  }
  return undefined;
}

function podCidrsOf({ spec }: Node): Cidr[] {
  const texts = spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
  return texts.flatMap((text) => parseCidr(text) ?? []);
}

function hasPodCidr({ spec }: Node): boolean {
  return (spec?.podCIDR ?? '') !== '' || (spec?.podCIDRs ?? []).length > 0;
}
