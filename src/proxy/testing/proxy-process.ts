/** A proxy alone in a node's namespace: proxy-process.ts NODE NETNS NODE-IPS POD-CIDRS. Its API server is in memory, fed by the parent. */
import type { KubeObject } from '../../api/object.ts';
import { answer } from '../../dataplane/testing/index.ts';
import { enterNetns } from '../../kernel/index.ts';
import { runProxy } from '../index.ts';
import type { ProxyOptions } from '../index.ts';
import { memoryServer } from './memory-client.ts';

export type ProxyCommand =
  | { readonly do: 'set' | 'remove'; readonly plural: string; readonly object: KubeObject }
  | { readonly do: 'refuse'; readonly plural: string; readonly code: number }
  | { readonly do: 'start'; readonly options?: Partial<ProxyOptions> }
  | { readonly do: 'stop' | 'go-away' | 'come-back' | 'written' };

const [nodeName = '', netns = '', nodeIPs = '', podCidrs = ''] = process.argv.slice(2);
enterNetns(netns);
const server = memoryServer();
const stop = new AbortController();

let stopped: Promise<void> | undefined;
answer<ProxyCommand>(perform);
process.send?.({ id: 0, value: 'up' });

async function perform(command: ProxyCommand): Promise<unknown> {
  switch (command.do) {
    case 'set':
      return server.set(command.plural, command.object);
    case 'remove':
      return server.remove(command.plural, command.object);
    case 'refuse':
      return server.refuse(command.plural, command.code);
    case 'start': {
      const proxy = runProxy(
        {
          client: server.client,
          nodeName,
          nodeIPs: nodeIPs.split(','),
          clusterCidrs: ['10.244.0.0/16', 'fd00:10:244::/48'],
          podCidrs: podCidrs.split(','),
          serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'],
          lanCidrs: ['10.10.10.0/24', 'fd00:10:10::/64'],
          ...command.options,
        },
        stop.signal,
      );
      stopped = proxy.stopped;
      return proxy.synced;
    }
    case 'stop':
      stop.abort();
      return stopped;
    case 'go-away':
      return server.goAway();
    case 'come-back':
      return server.comeBack();
    case 'written':
      return server.written;
  }
}
