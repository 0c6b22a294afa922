/** Proxies on the nodes of a test topology, each a process of its own. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { KubeObject } from '../../api/object.ts';
import { addresses, caller, end } from '../../dataplane/testing/index.ts';
import type { Topology } from '../../dataplane/testing/index.ts';
import type { ProxyOptions } from '../index.ts';
import type { ProxyCommand } from './proxy-process.ts';

export interface ProxyProcess {
  set(plural: string, ...objects: KubeObject[]): Promise<void>;
  remove(plural: string, ...objects: KubeObject[]): Promise<void>;
  /** Lists of a kind are answered with this code. */
  refuse(plural: string, code: number): Promise<void>;
  start(options?: Partial<ProxyOptions>): Promise<void>;
  do(what: 'start' | 'stop' | 'go-away' | 'come-back'): Promise<void>;
  written(): Promise<readonly KubeObject[]>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

export async function openProxy(net: Topology, node: 'node-1' | 'node-2'): Promise<ProxyProcess> {
  const n = node.slice(-1);
  const path = fileURLToPath(new URL('./proxy-process.ts', import.meta.url));
  const args = [node, net.netns(node), addresses[node].join(','), `10.244.${n}.0/24,fd00:10:244:${n}::/64`];
  const child = fork(path, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const call = caller<ProxyCommand>(child);
  await call(undefined);
  const each = async (what: 'set' | 'remove', plural: string, objects: readonly KubeObject[]): Promise<void> => {
    await Promise.all(objects.map((object) => call({ do: what, plural, object })));
  };
  return {
    set: (plural, ...objects) => each('set', plural, objects),
    remove: (plural, ...objects) => each('remove', plural, objects),
    refuse: async (plural, code) => void (await call({ do: 'refuse', plural, code })),
    start: async (options) => void (await call({ do: 'start', ...(options === undefined ? {} : { options }) })),
    do: async (what) => void (await call({ do: what })),
    written: async () => (await call({ do: 'written' })) as readonly KubeObject[],
    kill: () => end(child),
  };
}
