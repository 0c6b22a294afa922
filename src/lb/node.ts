/**
 * What a Node object says about getting connections, before any probe: pure.
 *
 *   ready      gets connections
 *   doubtful   not Ready, or unreachable for the node controller: only when nobody is ready, and it answers probes
 *   excluded   labelled out, or about to be deleted: gets none, keeps the old ones
 *
 * Upstream: k8s.io/cloud-provider/controllers/service/controller.go (getNodeConditionPredicate), which knows ready and not.
 */
import type { Node } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';

export interface LbNode {
  readonly name: string;
  /** InternalIPs, both families: node ports answer there. */
  readonly addresses: readonly string[];
  readonly standing: 'ready' | 'doubtful' | 'excluded';
}

const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';
const leavingTaint = 'ToBeDeletedByClusterAutoscaler';
const doubtfulTaints: ReadonlySet<string> = new Set([
  'node.kubernetes.io/unreachable',
  'node.kubernetes.io/out-of-service',
]);

export function lbNode(node: Live<Node>): LbNode {
  const addresses = (node.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
  return {
    name: node.metadata.name,
    addresses: addresses.map(({ address }) => address),
    standing: standingOf(node),
  };
}

function standingOf(node: Live<Node>): LbNode['standing'] {
  const taints = node.spec?.taints ?? [];
  const leaving = node.metadata.deletionTimestamp !== undefined || taints.some(({ key }) => key === leavingTaint);
  if (leaving || node.metadata.labels?.[excludeLabel] !== undefined) return 'excluded';
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  return ready?.status === 'True' && !taints.some(({ key }) => doubtfulTaints.has(key)) ? 'ready' : 'doubtful';
}
