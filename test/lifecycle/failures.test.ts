/**
 * Claim C23, and what is promised about death, on a cluster of its own: a node dies, every process dies, the API
 * server is killed in the middle of writes.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { webApp } from '../support/apps.ts';
import { eventually } from '../../src/util/testing.ts';
import { launcher } from '../support/paths.ts';
import { mustRun } from '../support/run.ts';
import { ownCluster } from '../support/own-cluster.ts';

const cluster = ownCluster('failures', '--nodes', '3');
/** Again: it repairs. */
const up = (): Promise<string> =>
  mustRun([launcher, 'up', '--name', cluster.name, '--nodes', '3'], {
    env: { KUBECONFIG: cluster.kubeconfig },
    timeoutMs: 180_000,
  });

interface PartRecord {
  readonly pid: number;
}

function parts(): Map<string, number> {
  const run = `/run/portolan/${cluster.name}/parts`;
  return new Map(
    readdirSync(run).map((file) => [
      file.replace(/\.json$/, ''),
      (JSON.parse(readFileSync(join(run, file), 'utf8')) as PartRecord).pid,
    ]),
  );
}

async function killed(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await eventually(
    `process ${pid} is gone`,
    async () => !existsSync(`/proc/${pid}`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')),
    { intervalMs: 10 },
  );
}

async function serve(name: string, replicas: number): Promise<string> {
  await cluster.apply('default', webApp(name, { replicas }));
  await cluster.kubectl(['expose', 'deployment', name, '--type=LoadBalancer', '--port=80', '--target-port=8080']);
  await cluster.waitForDeployment('default', name);
  const address = await eventually('an external address', async () => {
    const ip = await cluster.kubectl(['get', 'service', name, '-o', 'jsonpath={.status.loadBalancer.ingress[0].ip}']);
    return ip === '' ? false : ip;
  });
  await eventually('it answers', async () => (await cluster.fetch('internet', `http://${address}/`)).kind === 'answer');
  return address;
}

test('an acknowledged write survives kill -9 of the API server, and the cluster goes on after `up`', async () => {
  for (let round = 0; round < 3; round += 1) {
    const acknowledged: string[] = [];
    const writing = (async () => {
      for (let i = 0; i < 200; i += 1) {
        const name = `kept-${round}-${i}`;
        const outcome = await cluster.tryKubectl(['create', 'configmap', name, `--from-literal=n=${i}`]);
        if (outcome.code !== 0) return;
        acknowledged.push(name);
      }
    })();
    await eventually('some writes are in', async () => acknowledged.length >= 3 + round * 4, { intervalMs: 5 });
    await killed(parts().get('control-plane') ?? assert.fail('no control-plane'));
    await writing;
    await up();
    const names = new Set(
      (await cluster.kubectl(['get', 'configmaps', '-o', 'jsonpath={.items[*].metadata.name}'])).split(' '),
    );
    for (const name of acknowledged) assert.ok(names.has(name), `${name} was acknowledged and is lost`);
  }
});

test('with every process of ours killed, established and new connections go on; `up` repairs', async (t) => {
  t.after(up); // The tests after this one have a cluster also when this one fails.
  const address = await serve('lasting', 2);
  const clusterIP = await cluster.kubectl(['get', 'service', 'lasting', '-o', 'jsonpath={.spec.clusterIP}']);
  const ways = [
    ['internet', address],
    ['node/node-1', clusterIP],
    ['node/node-3', clusterIP],
  ] as const;
  // Each proxy learns of the service on its own: what none of them wrote yet can't outlive it.
  for (const [vantage, host] of ways) {
    await eventually(
      `${vantage} reaches ${host} with everything alive`,
      async () => (await cluster.fetch(vantage, `http://${host}/`)).kind === 'answer',
    );
  }
  for (const pid of parts().values()) await killed(pid);
  for (const [vantage, host] of ways) {
    assert.equal((await cluster.fetch(vantage, `http://${host}/`)).kind, 'answer', `${vantage} with nobody alive`);
  }
  await up();
  await cluster.kubectl(['wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=60s']);
  assert.equal((await cluster.fetch('internet', `http://${address}/`)).kind, 'answer');
  const restarts = await cluster.kubectl([
    'get',
    'pods',
    '-l',
    'app=lasting',
    '-o',
    'jsonpath={.items[*].status.containerStatuses[0].restartCount}',
  ]);
  assert.equal(restarts, '0 0', 'the pods were never touched');
});

test('claim C23: a dead node stops getting connections, and the service goes on', async (t) => {
  const address = await serve('guarded', 3);
  // The node falls off the network with everything on it.
  await killed(parts().get('node-2') ?? assert.fail('no part node-2'));
  await cluster.mustFrom('node/node-2', ['ip', 'link', 'set', 'eth0', 'down']);
  t.after(up);
  const url = `http://${address}/`;
  // Endpoints on the dead node leave too: then every one of many connections is answered.
  await eventually(
    'thirty connections in a row are answered',
    async () => {
      const lines = await cluster.fetchMany('internet', url, 30);
      return lines.length === 30;
    },
    { timeoutMs: 90_000 },
  );
  await eventually(
    'kubectl shows the node as NotReady',
    async () => /^node-2\s+NotReady/m.test(await cluster.kubectl(['get', 'nodes'])),
    { timeoutMs: 90_000 },
  );
});
