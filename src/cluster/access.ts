/** What a person or part needs to speak to a local cluster's API server, read from its certificates. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Access } from './kubeconfig.ts';
import type { ClusterPaths } from './paths.ts';
import type { Topology } from './topology.ts';

/** `who`: admin, controllers, lb, network, node-N. */
export function accessOf(topology: Topology, paths: ClusterPaths, who: string): Access {
  const read = (file: string): string => readFileSync(join(paths.pki, file), 'utf8');
  return {
    name: topology.context,
    server: topology.server,
    ca: read('ca.crt'),
    certificate: read(`${who}.crt`),
    key: read(`${who}.key`),
  };
}
