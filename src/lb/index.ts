/**
 * The door of the load balancer: `runLb` is the whole "VM" that stands between the internet and the nodes.
 *
 *   await runLb({ client, pools: ['198.51.100.128/25'], lanInterface: 'lan0', publicInterface: 'wan0',
 *                 lanCidrs: ['10.10.10.0/24'], podCidrs: ['10.244.0.0/16'] }, signal);
 */
export { runLb } from './run.ts';
export { loadBalancerClass } from './options.ts';
export type { LbOptions, NodeHealthOptions } from './options.ts';
