/** A cluster for one test file alone: raised before its tests, taken down after them, whatever happened. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { Cluster } from './cluster.ts';
import { launcher } from './paths.ts';
import { mustRun, runCommand } from './run.ts';
import { SHARED_NAME } from './shared-cluster.ts';

/** `flags`: of `portolan up`, beside the name, which ends in `subject`. */
export function ownCluster(subject: string, ...flags: readonly string[]): Cluster {
  const name = `${SHARED_NAME}-${subject}`;
  const folder = mkdtempSync(join(tmpdir(), `portolan-${subject}-`));
  const cluster = new Cluster(name, join(folder, 'kubeconfig'));
  const options = { env: { KUBECONFIG: cluster.kubeconfig }, timeoutMs: 180_000 };
  before(async () => {
    await mustRun([launcher, 'up', '--name', name, ...flags], options);
  });
  after(async () => {
    await runCommand([launcher, 'down', '--name', name], options);
    rmSync(folder, { recursive: true, force: true });
  });
  return cluster;
}
