/**
 * `npm run bench proxy`: how fast the proxy programs the kernel, and what a packet pays for it. Run as root; everything happens
 * in network namespaces of its own, bounded in count and time.
 *
 *   plane.ts    the data plane alone: full load, one change, restart, each beside its floor
 *   chains.ts   the same services with a chain per endpoint, as kube-proxy's nftables mode writes them
 *   whole.ts    API server, proxy process, pods: memory, API write to first packet, requests through a cluster IP, restart
 *
 *   npm run bench proxy                     all of it, some three minutes
 *   scripts/with-node bench/proxy.ts PART   one of: plane, chains, whole; traffic, restart: parts of whole, three times
 */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { measureChains } from './proxy/chains.ts';
import type { ChainFigures } from './proxy/chains.ts';
import { sizeText } from './proxy/objects.ts';
import type { Size } from './proxy/objects.ts';
import { measurePlane } from './proxy/plane.ts';
import type { PlaneFigures } from './proxy/plane.ts';
import { benchRestart, benchTraffic, benchWhole } from './proxy/whole.ts';
import { printer } from './support/report.ts';
import type { Report } from './support/report.ts';

const usual: Size = { services: 10_000, endpoints: 10 };
const large: readonly Size[] = [
  { services: 40_000, endpoints: 10 },
  { services: 5_000, endpoints: 50 },
];
const compared: readonly Size[] = [
  { services: 1_000, endpoints: 10 },
  { services: 5_000, endpoints: 10 },
];
/** A chain per endpoint grows with the square: what is not loaded by then is not waited for. */
const chainsLimitMs = 40_000;

type Work = { readonly part: 'plane' | 'chains'; readonly size: Size };

const report = printer();
const parts: Readonly<Record<string, (to: Report) => Promise<void>>> = {
  plane: benchPlane,
  chains: benchChains,
  whole: (to) => benchWhole(usual, to),
};

if (process.argv[2] === 'measure') await measure(JSON.parse(process.argv[3] ?? '') as Work);
else await main(process.argv.slice(2));

async function main(wanted: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('this makes network namespaces and kernel tables: run it as root');
  if (wanted.length === 1 && wanted[0] === 'restart') return benchRestart(usual, report);
  if (wanted.length === 1 && wanted[0] === 'traffic') return benchTraffic(report);
  for (const [name, part] of Object.entries(parts)) {
    if (wanted.length === 0 || wanted.includes(name)) await part(report);
  }
}

async function benchPlane(to: Report): Promise<void> {
  for (const size of [usual, ...large]) {
    const isUsual = size === usual;
    const got = (await measured({ part: 'plane', size })) as PlaneFigures;
    const name = sizeText(size);
    const row = (what: string, value: number, goal: string, floor: number | undefined): void =>
      to.figure({
        what: `${name} ${what}`,
        value,
        unit: 'ms',
        ...(floor === undefined ? {} : { floor }),
        ...(isUsual ? { goal } : {}),
      });
    row(
      `full load (${got.elements.toLocaleString('en')} elements)`,
      got.modelMs + got.loadMs,
      '≤ 1500',
      got.loadFloorMs,
    );
    to.figure({ what: '  of it working out what to write', value: got.modelMs, unit: 'ms' });
    row('one endpoint changes, p50', got.changeMs[0], '≤ 2', got.changeFloorMs[0]);
    row('one endpoint changes, p99', got.changeMs[1], '≤ 2', got.changeFloorMs[1]);
    row('  of it on the processor, p99', got.changeCpuMs[1], '≤ 2', got.changeCpuFloorMs[1]);
    row('restart: read back and compare', got.restartMs, '≤ 2000', got.restartFloorMs);
  }
}

/** Both in one run: the ratio is what counts. */
async function benchChains(to: Report): Promise<void> {
  for (const size of compared) {
    const maps = (await measured({ part: 'plane', size })) as PlaneFigures;
    const chains = (await measured({ part: 'chains', size })) as ChainFigures;
    const whole =
      chains.loaded === size.services ? '' : ` (only ${String(chains.loaded)} of them in the time there was)`;
    const ours = maps.modelMs + maps.loadMs;
    const name = sizeText(size);
    to.figure({ what: `${name} full load, maps`, value: ours, unit: 'ms' });
    to.figure({ what: `${name} full load, a chain per endpoint${whole}`, value: chains.loadMs, unit: 'ms' });
    to.figure({ what: `${name} full load, ratio`, value: chains.loadMs / ours, unit: '×' });
    to.figure({ what: `${name} one endpoint changes, maps`, value: maps.changeMs[0], unit: 'ms' });
    to.figure({ what: `${name} one endpoint changes, chains`, value: chains.changeMs, unit: 'ms' });
    to.figure({ what: `${name} one endpoint changes, ratio`, value: chains.changeMs / maps.changeMs[0], unit: '×' });
  }
}

/** In a process of its own, so that no figure pays for another one's memory. */
async function measured(work: Work): Promise<unknown> {
  const child = fork(import.meta.filename, ['measure', JSON.stringify(work)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const result = once(child, 'message');
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${work.part} ${sizeText(work.size)} gave no figures`);
  });
  ended.catch(() => undefined);
  return ((await Promise.race([result, ended])) as unknown[])[0];
}

async function measure({ part, size }: Work): Promise<void> {
  const name = `t-bench-proxy-${String(process.pid)}`;
  execFileSync('ip', ['netns', 'add', name]);
  const tidy = (): void => void execFileSync('ip', ['netns', 'del', name]);
  process.once('exit', tidy);
  // Interrupted, it leaves nothing either.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  process.once('disconnect', () => process.exit(0));
  const netns = `/run/netns/${name}`;
  const figures = part === 'plane' ? await measurePlane(size, netns) : measureChains(size, netns, chainsLimitMs);
  process.send?.(figures, () => process.exit(0));
}
