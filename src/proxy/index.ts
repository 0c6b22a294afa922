/**
 * The door: a node's proxy.
 *
 *   const proxy = runProxy({ client, nodeName, nodeIPs, clusterCidrs, serviceCidrs, lanCidrs }, signal);
 *   await proxy.synced;
 */
export type { ConntrackWishes } from './sysctls.ts';
export type { Bind, Proxy, ProxyInformers, ProxyOptions } from './options.ts';
export { showProxy } from './inspect.ts';
export type { Shown, ShownKey, ShowOptions } from './inspect.ts';
export { runProxy } from './run.ts';
