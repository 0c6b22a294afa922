/**
 * The cluster that all end-to-end tests share: raised once by scripts/test.ts, found by the test files through the environment.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { launcher } from './paths.ts';
import { mustRun, runCommand } from './run.ts';

/** Two checkouts may test at the same time, each with a cluster of its own. */
export const SHARED_NAME = process.env['PORTOLAN_TEST_CLUSTER'] ?? 'test';
const VARIABLE = 'PORTOLAN_TEST_KUBECONFIG';

export async function raiseSharedCluster(): Promise<void> {
  const kubeconfig = join(mkdtempSync(join(tmpdir(), 'portolan-test-')), 'kubeconfig');
  await runCommand([launcher, 'down', '--name', SHARED_NAME], { env: { KUBECONFIG: kubeconfig }, timeoutMs: 120_000 });
  const output = await mustRun([launcher, 'up', '--name', SHARED_NAME, '--nodes', '3'], {
    env: { KUBECONFIG: kubeconfig },
    timeoutMs: 300_000,
  });
  process.stdout.write(output);
  process.env[VARIABLE] = kubeconfig;
}

export async function lowerSharedCluster(): Promise<void> {
  const kubeconfig = sharedKubeconfig();
  process.stdout.write(
    await mustRun([launcher, 'down', '--name', SHARED_NAME], { env: { KUBECONFIG: kubeconfig }, timeoutMs: 120_000 }),
  );
  rmSync(dirname(kubeconfig), { recursive: true, force: true });
}

export function sharedKubeconfig(): string {
  const path = process.env[VARIABLE];
  if (path === undefined) throw new Error('no shared cluster: run the end-to-end tests by `npm test -- e2e`');
  return path;
}
