/**
 * `kubectl expose` to the first answer through the cluster IP, asked from a node without a pause between tries.
 *
 *   kubectl expose (its own start-up is shown beside) ── API ── endpoint slice ── kernel of the node ── first packet through
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { withCluster } from './support/cluster.ts';
import type { BenchCluster } from './support/cluster.ts';
import { printer, quantile } from './support/report.ts';

const runs = 10;

const report = printer();
await withCluster('bench', async (cluster) => {
  await cluster.portolan('up');
  await cluster.kubectl(
    'create',
    'deployment',
    'web',
    '--image=portolan.local/host',
    '--',
    'perl',
    '-MIO::Socket::INET',
    '-e',
    '$s = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1);' +
      'while ($c = $s->accept) { $_ = <$c>; print $c "HTTP/1.0 200 OK\\r\\n\\r\\nhello\\n"; close $c }',
  );
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
  const afterAnswer: number[] = [];
  const commands: number[] = [];
  for (let i = 0; i < runs; i++) {
    const { command, reached } = await exposeOnce(cluster, `web-${String(i)}`, `10.96.77.${String(i + 1)}`);
    commands.push(command);
    afterAnswer.push(reached - command);
  }
  report.figure({ what: 'kubectl itself, median', value: quantile(commands, 0.5), unit: 'ms' });
  report.figure({
    what: 'its end → first answer, median',
    value: quantile(afterAnswer, 0.5),
    unit: 'ms',
    goal: '≤ 100 (negative: before kubectl had ended)',
  });
  report.figure({ what: 'its end → first answer, slowest', value: Math.max(...afterAnswer), unit: 'ms' });
});

/** Milliseconds from the start of kubectl: until it ended, and until the address first answered. */
async function exposeOnce(
  cluster: BenchCluster,
  name: string,
  address: string,
): Promise<{ readonly command: number; readonly reached: number }> {
  // An address that is not served refuses at once, so the loop has no time-outs in it.
  const loop = `until (exec 3<>/dev/tcp/${address}/80 && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && read -r line <&3) 2>/dev/null; do :; done`;
  const asker = spawn(
    'nsenter',
    [`--net=/run/netns/portolan-${cluster.name}-node-2`, '--', 'timeout', '30', 'bash', '-c', loop],
    {
      stdio: 'ignore',
    },
  );
  const answered = once(asker, 'exit').then(([code]) => {
    if (code !== 0) throw new Error(`${name}: ${address} did not answer within 30 s`);
    return performance.now();
  });
  const start = performance.now();
  const overrides = JSON.stringify({ spec: { clusterIP: address } });
  await cluster.kubectl(
    'expose',
    'deployment',
    'web',
    `--name=${name}`,
    '--port=80',
    '--target-port=8080',
    `--overrides=${overrides}`,
  );
  const command = performance.now() - start;
  return { command, reached: (await answered) - start };
}
