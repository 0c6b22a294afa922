/**
 * The load balancer's kernel side, in a namespace of its own: how long 1,000 services take to load, what one change costs, and what a
 * restart over them costs.
 *
 *   frontends ── elementsOf ── difference ── one nft transaction
 */
import { execFileSync } from 'node:child_process';
import { enterNetns } from '../src/kernel/index.ts';
import { openLbKernel } from '../src/lb/kernel.ts';
import type { LbFrontend } from '../src/lb/targets.ts';
import { printer, quantile } from './support/report.ts';

const services = 1000;
const nodes = 10;
const netns = 'b-lb';
const rules = { lanInterface: 'lan0', publicInterface: 'wan0', pool: ['198.18.0.0/16'], inside: ['10.10.10.0/24'] };

function frontend(i: number, count: number): LbFrontend {
  const address = `198.18.${1 + Math.floor(i / 250)}.${1 + (i % 250)}`;
  const at = (n: number): { address: string; port: number } => ({ address: `10.10.10.${n + 1}`, port: 30000 + i });
  return {
    frontend: {
      kind: 'LoadBalancerIP',
      service: { namespace: 'default', name: `web-${i}` },
      portName: '',
      family: 'IPv4',
      protocol: 'TCP',
      address,
      port: 80,
      policy: 'Cluster',
      affinitySeconds: undefined,
      sourceRanges: undefined,
    },
    active: Array.from({ length: count }, (_, n) => at(n)),
    lingering: [],
  };
}

function timed<T>(work: () => T): { readonly ms: number; readonly result: T } {
  const start = performance.now();
  const result = work();
  return { ms: performance.now() - start, result };
}

execFileSync('ip', ['netns', 'add', netns]);
try {
  execFileSync('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
  enterNetns(`/run/netns/${netns}`);
  const report = printer();
  const state = Array.from({ length: services }, (_, i) => frontend(i, nodes));
  const vips = state.map(({ frontend: { address } }) => address);

  const first = await openLbKernel({ IPv4: rules });
  const load = timed(() => first.apply(vips, state));
  report.figure({ what: `load ${services} services × ${nodes} nodes`, value: load.ms, unit: 'ms' });
  const changes: number[] = [];
  for (let i = 0; i < 100; i++) {
    const changed = state.with(i, frontend(i, nodes - 1));
    changes.push(timed(() => first.apply(vips, changed)).ms);
    first.apply(vips, state);
  }
  report.figure({ what: 'one service changes, median', value: quantile(changes, 0.5), unit: 'ms' });
  report.figure({ what: 'one service changes, p99', value: quantile(changes, 0.99), unit: 'ms' });
  const dead = state.map((_, i) => frontend(i, nodes - 1));
  report.figure({ what: 'a node of all services dies', value: timed(() => first.apply(vips, dead)).ms, unit: 'ms' });
  first.apply(vips, state);
  first.close();

  const start = performance.now();
  const second = await openLbKernel({ IPv4: rules });
  const changed = second.apply(vips, state);
  report.figure({ what: 'restart: read back and compare', value: performance.now() - start, unit: 'ms' });
  report.figure({ what: 'restart: elements changed', value: changed, unit: '', goal: '0' });
  second.close();
} finally {
  execFileSync('ip', ['netns', 'del', netns]);
}
