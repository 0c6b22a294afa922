/**
 * NodeRestriction: what a node writes is its own. Upstream: plugin/pkg/admission/noderestriction.
 *
 *   Node                own name, no taints, no labels that could draw workloads to it
 *   Lease               own name, in kube-node-lease
 *   Pod                 delete and evict those bound to it, their status; create none but mirror pods
 *   TokenRequest        for a pod on it
 */
import type { Lease, NodeSpec, Pod, TokenRequest } from '../../api/gen/types.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import { forbiddenError } from '../../api/errors.ts';
import { sameValue } from '../../api/kinds/equal.ts';
import { groupResourceOf, resources } from '../../api/resources.ts';
import { nodeNameOf } from '../auth/node-user.ts';
import { refersTo } from '../auth/pod-references.ts';
import { notFound } from '../errors.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from './request.ts';

export const nodeRestriction: AdmissionPlugin = (request, view) => {
  if (request.by === undefined) return;
  const node = nodeNameOf(request.by.user);
  if (node === undefined) return;
  if (node === '') refuse(request, `could not determine node from user ${JSON.stringify(request.by.user.name)}`);
  switch (groupResourceOf(request.resource)) {
    case 'pods':
      return admitPod(request, node, view);
    case 'nodes':
      return admitNode(request, node);
    case 'leases.coordination.k8s.io':
      return admitLease(request, node);
    case 'persistentvolumeclaims':
      if (request.subresource !== 'status') refuse(request, 'may only update PVC status');
  }
};

function refuse(request: AdmissionRequest, why: string): never {
  throw forbiddenError(request.resource, request.name, why);
}

function admitPod(request: AdmissionRequest, node: string, view: AdmissionView): void {
  const { verb, subresource } = request;
  const quoted = JSON.stringify(node);
  if (subresource === 'status') return admitPodStatus(request, quoted, node);
  if (subresource !== '') {
    const name = JSON.stringify(subresource);
    refuse(request, `unexpected pod subresource ${name}, only 'status' and 'eviction' are allowed`);
  }
  if (verb === 'create') return admitMirrorPod(request, quoted, node, view);
  if (verb === 'update') {
    refuse(request, `unexpected operation "UPDATE", node ${quoted} can only create and delete mirror pods`);
  }
  if ((request.old as Pod | undefined)?.spec?.nodeName !== node) {
    refuse(request, `node ${quoted} can only delete pods with spec.nodeName set to itself`);
  }
}

function admitPodStatus(request: AdmissionRequest, quoted: string, node: string): void {
  const old = request.old as Pod | undefined;
  if (old?.spec?.nodeName !== node) {
    refuse(request, `node ${quoted} can only update pod status for pods with spec.nodeName set to itself`);
  }
  if (!sameValue(old.metadata?.labels ?? {}, request.object?.metadata?.labels ?? {})) {
    refuse(request, `node ${quoted} cannot update labels through pod status`);
  }
}

function admitMirrorPod(request: AdmissionRequest, quoted: string, node: string, view: AdmissionView): void {
  const pod = request.object as Pod;
  const mirror = 'kubernetes.io/config.mirror';
  if (pod.metadata?.annotations?.[mirror] === undefined) {
    refuse(
      request,
      `pod does not have ${JSON.stringify(mirror)} annotation, node ${quoted} can only create mirror pods`,
    );
  }
  if (pod.spec?.nodeName !== node) {
    refuse(request, `node ${quoted} can only create pods with spec.nodeName set to itself`);
  }
  const [owner, ...more] = pod.metadata.ownerReferences ?? [];
  if (more.length > 0)
    refuse(request, `node ${quoted} can only create pods with a single owner reference set to itself`);
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    refuse(request, `node ${quoted} can only create pods with an owner reference set to itself`);
  }
  if (owner.controller !== true) {
    refuse(request, `node ${quoted} can only create pods with a controller owner reference set to itself`);
  }
  if (owner.blockOwnerDeletion === true) {
    refuse(request, `node ${quoted} must not set blockOwnerDeletion on an owner reference`);
  }
  const own = view.get(resources.nodes, { namespace: '', name: node });
  if (own === undefined) throw notFound(resources.nodes, node);
  if (owner.uid !== own.metadata.uid) {
    refuse(request, `node ${node} UID mismatch: expected ${owner.uid} got ${own.metadata.uid}`);
  }
  refuseReferences(request, quoted, pod);
}

function refuseReferences(request: AdmissionRequest, quoted: string, pod: Pod): void {
  if ((pod.spec?.serviceAccountName ?? '') !== '') {
    refuse(request, `node ${quoted} can not create pods that reference a service account`);
  }
  const text = JSON.stringify(pod.spec);
  for (const [kind, plural] of [
    ['secret', 'secrets'],
    ['configMap', 'configmaps'],
    ['claim', 'persistentvolumeclaims'],
  ] as const) {
    // Every name that the pod says anywhere is tried: whatever it means, it is no reference of this kind.
    const names = new Set(
      [...text.matchAll(/"(?:name|secretName|claimName)":"([^"]+)"/g)].map(([, name = '']) => name),
    );
    if ([...names].some((name) => refersTo(pod, kind, name))) {
      refuse(request, `node ${quoted} can not create pods that reference ${plural}`);
    }
  }
}

function admitNode(request: AdmissionRequest, node: string): void {
  const quoted = JSON.stringify(node);
  if (request.name !== node) {
    refuse(request, `node ${quoted} is not allowed to modify node ${JSON.stringify(request.name)}`);
  }
  const { object: body, old } = request;
  if (body === undefined) return;
  if (old !== undefined && !sameValue(taintsOf(body), taintsOf(old))) {
    refuse(request, `node ${quoted} is not allowed to modify taints`);
  }
  const wrong = forbiddenLabels(body.metadata?.labels ?? {}, old?.metadata.labels ?? {});
  if (wrong.length === 0) return;
  const list = wrong.join(', ');
  if (old === undefined) refuse(request, `node ${quoted} is not allowed to set the following labels: ${list}`);
  refuse(request, `is not allowed to modify labels: ${list}`);
}

function taintsOf(node: KubeObject): NodeSpec['taints'] {
  return (node as { readonly spec?: NodeSpec }).spec?.taints ?? [];
}

/** Upstream: k8s.io/kubelet/pkg/apis/well_known_labels.go. */
const kubeletLabels: ReadonlySet<string> = new Set([
  ...['kubernetes.io/hostname', 'kubernetes.io/os', 'kubernetes.io/arch', 'beta.kubernetes.io/os'],
  ...['beta.kubernetes.io/arch', 'node.kubernetes.io/instance-type', 'beta.kubernetes.io/instance-type'],
  ...['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'],
  ...['failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region'],
]);
const kubeletDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io'];

function forbiddenLabels(now: Record<string, string>, was: Record<string, string>): string[] {
  const changed = [...new Set([...Object.keys(now), ...Object.keys(was)])].filter((key) => now[key] !== was[key]);
  return changed.filter(isForbidden).sort();
}

function isForbidden(label: string): boolean {
  const slash = label.indexOf('/');
  const domain = slash < 0 ? '' : label.slice(0, slash);
  const within = (parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);
  if (within('node-restriction.kubernetes.io')) return true;
  if (!within('kubernetes.io') && !within('k8s.io')) return false;
  return !kubeletLabels.has(label) && !kubeletDomains.some(within);
}

function admitLease(request: AdmissionRequest, node: string): void {
  if (request.namespace !== 'kube-node-lease') {
    refuse(request, 'can only access leases in the "kube-node-lease" system namespace');
  }
  const name = request.verb === 'create' ? ((request.object as Lease).metadata?.name ?? '') : request.name;
  if (name !== node) refuse(request, 'can only access node lease with the same name as the requesting node');
}

/** POST serviceaccounts/NAME/token by a node. */
export function admitNodeToken(node: string, account: string, asked: TokenRequest, pod: Live<Pod> | undefined): void {
  const no = (why: string): never => {
    throw forbiddenError(resources.serviceAccounts, account, why);
  };
  const bound = asked.spec?.boundObjectRef;
  if (bound?.apiVersion !== 'v1' || bound.kind !== 'Pod' || (bound.name ?? '') === '') {
    no('node requested token not bound to a pod');
  }
  if ((bound?.uid ?? '') === '') no('node requested token with a pod binding without a uid');
  if (pod === undefined) throw notFound(resources.pods, bound?.name ?? '');
  if (bound?.uid !== pod.metadata.uid) {
    no(
      `the UID in the bound object reference (${bound?.uid ?? ''}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  if (pod.spec?.nodeName !== node) no('node requested token bound to a pod scheduled on a different node');
}

/** POST pods/NAME/eviction by a node. */
export function admitNodeEviction(node: string, pod: Live<Pod>): void {
  if (pod.spec?.nodeName === node) return;
  const why = `node ${node} can only evict pods with spec.nodeName set to itself`;
  throw forbiddenError(resources.pods, pod.metadata.name, why);
}
