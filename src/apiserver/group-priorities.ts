/**
 * How groups and their versions rank: in discovery, and in the APIService objects that stand for them. Higher first.
 * Upstream: pkg/controlplane/apiserver/aggregator.go and cmd/kube-apiserver/app/aggregator.go (APIVersionPriorities).
 */
interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

export interface Priority {
  readonly group: number;
  readonly version: number;
}

const groups: Readonly<Record<string, number>> = {
  '': 18_000,
  'apiregistration.k8s.io': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'resource.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
};

const ofVersion: Readonly<Record<string, number>> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'flowcontrol.apiserver.k8s.io/v1': 21,
  'resource.k8s.io/v1': 21,
};

/** Of a definition's group. Upstream: crdregistration_controller.go. */
const customPriority: Priority = { group: 1000, version: 100 };

export function priorityOf({ group, version }: GroupVersion): Priority {
  const known = groups[group];
  if (known === undefined) return customPriority;
  return { group: known, version: ofVersion[`${group}/${version}`] ?? 15 };
}

/** The order of discovery; what ranks the same goes by name. */
export function byPriority(a: GroupVersion, b: GroupVersion): number {
  const [left, right] = [priorityOf(a), priorityOf(b)];
  return right.group - left.group || compare(a.group, b.group) || right.version - left.version;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
