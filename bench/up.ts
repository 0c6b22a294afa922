/**
 * From the command to three Ready nodes with DNS and the `kubernetes` service answering, and what all processes of it weigh.
 * The figure is what a person waits: the whole command, its own start included.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterStatus } from '../src/cluster/index.ts';
import { memoryOf, withCluster } from './support/cluster.ts';
import { printer, quantile } from './support/report.ts';

const runs = 5;

const report = printer();
const ups: number[] = [];
const again: number[] = [];
const downs: number[] = [];
for (let i = 0; i < runs; i++) {
  await withCluster('bench', async (cluster) => {
    ups.push(await timed(() => cluster.portolan('up')));
    again.push(await timed(() => cluster.portolan('up')));
    if (i === runs - 1) {
      const { parts } = JSON.parse(await cluster.portolan('status', '-o', 'json')) as ClusterStatus;
      // What start-up allocated and nobody needs any more is given back in the first seconds.
      await sleep(5000);
      let rss = 0;
      let pss = 0;
      for (const part of parts) {
        const memory = memoryOf(part.pid ?? 0);
        rss += memory.rss;
        pss += memory.pss;
        report.note(
          `${part.name.padEnd(14)} rss ${memory.rss.toFixed(0)} MB, pss ${memory.pss.toFixed(0)} MB, private ${memory.private.toFixed(0)} MB`,
        );
      }
      report.figure({
        what: 'memory of all processes, shared pages counted once',
        value: pss,
        unit: 'MB',
        goal: '≤ 350, wanted 200',
      });
      report.figure({ what: 'memory, sum of resident sets', value: rss, unit: 'MB' });
    }
    downs.push(await timed(() => cluster.portolan('down')));
  });
}
report.figure({ what: 'up, median', value: quantile(ups, 0.5), unit: 'ms', goal: '≤ 2000, wanted 1000' });
report.figure({ what: 'up, slowest', value: Math.max(...ups), unit: 'ms' });
report.figure({ what: 'up again on a running cluster, median', value: quantile(again, 0.5), unit: 'ms' });
report.figure({ what: 'down, median', value: quantile(downs, 0.5), unit: 'ms' });

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}
