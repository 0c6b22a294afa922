/** Where a local cluster keeps what: DATA lasts as long as the cluster, RUN as long as this boot. ARCHITECTURE.md "Files". Pure. */
import { join } from 'node:path';

export interface ClusterPaths {
  readonly data: string;
  readonly run: string;
  readonly pki: string;
  readonly logs: string;
  readonly parts: string;
  readonly settings: string;
  /** The settings again, for `down` to find a DATA that `--data` put elsewhere. */
  readonly record: string;
  kubeconfig(who: string): string;
  log(part: string): string;
  pidFile(part: string): string;
  nodeData(node: string): string;
  nodeRun(node: string): string;
}

export const runRoot = '/run/portolan';

export function runDirOf(name: string): string {
  return join(runRoot, name);
}

export function pathsOf(cluster: { readonly name: string; readonly dataDir: string }): ClusterPaths {
  const data = cluster.dataDir;
  const run = runDirOf(cluster.name);
  return {
    data,
    run,
    pki: join(data, 'pki'),
    logs: join(data, 'logs'),
    parts: join(run, 'parts'),
    settings: join(data, 'cluster.json'),
    record: join(run, 'cluster.json'),
    kubeconfig: (who) => join(data, 'kubeconfig', `${who}.kubeconfig`),
    log: (part) => join(data, 'logs', `${part}.log`),
    pidFile: (part) => join(run, 'parts', `${part}.json`),
    nodeData: (node) => join(data, 'nodes', node),
    nodeRun: (node) => join(run, 'nodes', node),
  };
}
