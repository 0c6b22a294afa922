/**
 * How soon a change is answered, counted from the API server's acknowledgement of the write: `portolan apiserver`, durable on this
 * machine's disk, and `portolan dns` on core 0, each a process of its own.
 *
 *   create a Service ─> 201 ──────────── time ───────────> the first answer that has it (its name was denied just before)
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { resources } from '../../src/api/resources.ts';
import { makePki, writeKubeconfig } from '../../src/apiserver/testing.ts';
import { createClient, loadKubeconfig } from '../../src/client/index.ts';
import { clusterService } from '../../src/dns/testing/objects.ts';
import { startPortolan } from './dns-rivals.ts';

const launcher = join(import.meta.dirname, '..', '..', 'portolan');

/** Milliseconds. `until` asks for a service of `default` until the answer has the address. */
export async function timesThroughApi(
  directory: string,
  changes: number,
  dnsPort: number,
  until: (name: string, address: string) => Promise<void>,
): Promise<readonly number[]> {
  const pki = await makePki(join(directory, 'pki'));
  const port = await freePort();
  const args = ['--data-dir', directory, '--cert-dir', pki.dir, '--bind-address', '127.0.0.1', '--secure-port'];
  const server = spawn(launcher, ['apiserver', ...args, String(port)], { stdio: 'ignore' });
  const kubeconfig = writeKubeconfig(directory, `127.0.0.1:${port}`);
  const client = createClient(await loadKubeconfig(kubeconfig), { userAgent: 'bench' });
  try {
    for (;;) {
      if (
        await client.get(resources.services, { namespace: 'default', name: 'kubernetes' }).then(
          () => true,
          () => false,
        )
      )
        break;
      await sleep(50);
    }
    const dns = await startPortolan(kubeconfig, dnsPort, 1);
    try {
      await until('kubernetes', '10.96.0.1');
      const times: number[] = [];
      for (let i = 1; i <= changes; i += 1) {
        const address = `10.96.201.${i}`;
        await client.create(resources.services, clusterService(`default/new-${i}`, address, 'http:80'));
        const acknowledged = performance.now();
        await until(`new-${i}`, address);
        times.push(performance.now() - acknowledged);
      }
      return times;
    } finally {
      await dns.stop();
    }
  } finally {
    client.close();
    await ended(server);
  }
}

async function ended(server: ChildProcess): Promise<void> {
  const exited = once(server, 'exit');
  server.kill('SIGTERM');
  await exited;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const bound = probe.address();
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}
