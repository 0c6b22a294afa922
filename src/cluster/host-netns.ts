/**
 * A path by which a part in a node's namespace finds back to this machine's own network, where its name servers are: our
 * network namespace, bound to RUN/host.netns. (/proc/1/ns/net would do on most machines, but not for a root that may not
 * look into process 1, nor in a container.)
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mountsBelow } from './leftovers.ts';
import type { ClusterPaths } from './paths.ts';
import { run } from './run.ts';

export async function hostNetns(paths: ClusterPaths): Promise<string> {
  const bound = join(paths.run, 'host.netns');
  if (mountsBelow([bound]).length > 0) return bound;
  mkdirSync(dirname(bound), { recursive: true });
  writeFileSync(bound, '');
  await run('mount', ['--bind', '/proc/self/ns/net', bound]);
  return bound;
}
