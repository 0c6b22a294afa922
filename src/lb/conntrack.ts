/**
 * The kernel's table of flows, as flows.ts wants it.
 *
 *   original   client -> VIP:port          what the client called
 *   reply      node:port -> client         who answers; the VIP itself: not translated, none of ours
 */
import { openConntrack } from '../kernel/index.ts';
import type { FlowHandle } from '../kernel/index.ts';
import { protocolNumbers } from './elements.ts';
import type { FlowStore } from './flows.ts';

export interface ClosableFlowStore extends FlowStore {
  close(): void;
}

export function openFlowStore(): ClosableFlowStore {
  const conntrack = openConntrack();
  return {
    cut(addresses, protocols, isStale) {
      const stale: FlowHandle[] = [];
      const families = new Set([...addresses].map((address) => (address.includes(':') ? 'IPv6' : 'IPv4')));
      for (const family of families) {
        for (const protocol of protocols) {
          conntrack.each({ family, protocol: protocolNumbers[protocol] }, ({ original, reply, handle }) => {
            const address = original.destination;
            if (!addresses.has(address) || reply.source === address) return;
            const target = { address: reply.source, port: reply.sourcePort };
            if (isStale({ protocol, address, port: original.destinationPort, target })) stale.push(handle);
          });
        }
      }
      return stale.filter((handle) => conntrack.forget(handle)).length;
    },
    close: () => conntrack.close(),
  };
}
