/**
 * The door of local clusters: what `portolan up`, `down` and `status` do, and where everything of a cluster is.
 *
 *   await up({ flags: { name: 'dev' }, main, say: console.error, signal });
 *   const places = vantages(cluster);      `portolan from`
 *   await down({ name: 'dev' });
 */
export { up } from './up.ts';
export type { UpOptions, UpResult } from './up.ts';
export { down } from './down.ts';
export type { DownOptions, DownResult } from './down.ts';
export { status } from './status.ts';
export type { ClusterStatus, NodeStatus, PartStatus } from './status.ts';
export { accessOf } from './access.ts';
export { findCluster } from './find.ts';
export type { Cluster } from './find.ts';
export { diagnose } from './doctor.ts';
export type { Finding } from './doctor.ts';
export { kubeconfigOf } from './kubeconfig.ts';
export { netnsPath, identify, isAlive } from './processes.ts';
export type { ProcessId } from './processes.ts';
export { partNames } from './parts.ts';
export { ensurePackages } from './packages.ts';
export { defaultName, rangeFlags, rangesOf } from './settings.ts';
export { UsageError } from './usage-error.ts';
export type { ClusterFlags, ClusterSettings } from './settings.ts';
export type { NodePlace, Place, Topology } from './topology.ts';
export { pathsOf } from './paths.ts';
export type { ClusterPaths } from './paths.ts';
