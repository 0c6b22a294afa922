/**
 * What a node's credential may do: its own Node, Lease and pods, and of secrets, config maps, claims and service accounts those
 * that its pods refer to. Writes are narrowed further by admission (admission/node-restriction.ts).
 * Upstream: plugin/pkg/auth/authorizer/node, NodeRules of the bootstrap policy.
 */
import type { Pod } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { groupResourceOf, resources } from '../../api/resources.ts';
import type { Store } from '../../store/index.ts';
import { bucketOf } from '../registry.ts';
import type { Attributes, ResourceAttributes } from './attributes.ts';
import type { Decision } from './authorize.ts';
import { nodeRules } from './defaults/node-rules.ts';
import { nodeNameOf } from './node-user.ts';
import { refersTo } from './pod-references.ts';
import type { ReferredKind } from './pod-references.ts';
import { ruleAllows } from './rules.ts';
import type { User } from './user.ts';

const yes: Decision = { allowed: true, reason: '' };
const no = (reason: string): Decision => ({ allowed: false, reason });

/** undefined: the user is no node. */
export function nodeVerdict(store: Store, user: User, asked: Attributes): Decision | undefined {
  const node = nodeNameOf(user);
  if (node === undefined) return undefined;
  if (node === '') return no(`unknown node for user ${JSON.stringify(user.name)}`);
  const special = asked.kind === 'path' ? undefined : narrowed(store, node, asked);
  return special ?? (nodeRules.some((rule) => ruleAllows(rule, asked)) ? yes : no(''));
}

function narrowed(store: Store, node: string, asked: ResourceAttributes): Decision | undefined {
  switch (groupResourceOf({ group: asked.group, plural: asked.resource })) {
    case 'secrets':
      return readReferred(store, node, asked, 'secret');
    case 'configmaps':
      return readReferred(store, node, asked, 'configMap');
    case 'persistentvolumeclaims':
      return readClaim(store, node, asked);
    case 'serviceaccounts':
      return createToken(store, node, asked);
    case 'leases.coordination.k8s.io':
      return ownLease(node, asked);
    case 'nodes':
      return ownNode(node, asked);
    case 'pods':
      return ownPods(store, node, asked);
    default:
      return undefined;
  }
}

function readReferred(store: Store, node: string, asked: ResourceAttributes, kind: ReferredKind): Decision {
  if (!['get', 'list', 'watch'].includes(asked.verb)) return no('can only read resources of this type');
  if (asked.subresource !== '') return no('cannot read subresource');
  if (asked.namespace === '') return no('can only read namespaced object of this type');
  return related(store, node, asked, kind);
}

function readClaim(store: Store, node: string, asked: ResourceAttributes): Decision {
  if (asked.subresource === 'status') {
    if (!['update', 'patch'].includes(asked.verb)) return no('can only get/update/patch this type');
  } else if (asked.verb !== 'get') return no('can only get individual resources of this type');
  else if (asked.subresource !== '') return no('cannot get subresource');
  return related(store, node, asked, 'claim');
}

function createToken(store: Store, node: string, asked: ResourceAttributes): Decision {
  if (asked.verb === 'get' && asked.subresource === '') return related(store, node, asked, 'serviceAccount');
  if (asked.verb !== 'create' || asked.name === '') {
    return no('can only create tokens for individual service accounts');
  }
  if (asked.subresource !== 'token') return no('can only create token subresource of serviceaccount');
  return related(store, node, asked, 'serviceAccount');
}

function ownLease(node: string, { verb, namespace, name }: ResourceAttributes): Decision {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(verb)) {
    return no('can only get, create, update, patch, or delete a node lease');
  }
  if (namespace !== 'kube-node-lease') {
    return no('can only access leases in the "kube-node-lease" system namespace');
  }
  // Of a lease to be made the name is not known yet: admission looks at it.
  if (verb !== 'create' && name !== node) {
    return no('can only access node lease with the same name as the requesting node');
  }
  return yes;
}

function ownNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  if (subresource === 'status') return ['update', 'patch'].includes(verb) ? yes : no('');
  if (subresource !== '') return no('');
  if (['create', 'update', 'patch'].includes(verb)) return yes;
  if (!['get', 'list', 'watch'].includes(verb)) return no('');
  if (name === node) return yes;
  if (name === '') return no(`node '${node}' cannot read all nodes, only its own Node object`);
  return no(`node '${node}' cannot read '${name}', only its own Node object`);
}

function ownPods(store: Store, node: string, asked: ResourceAttributes): Decision {
  const { verb, subresource, fields } = asked;
  if (subresource === 'status') return ['update', 'patch'].includes(verb) ? yes : no('');
  if (subresource === 'eviction') return verb === 'create' ? yes : no('');
  if (subresource !== '') return no('');
  switch (verb) {
    case 'create':
    case 'delete':
      return yes;
    case 'get':
      return related(store, node, asked, 'pod');
    case 'list':
    case 'watch':
      if (fields.some(({ field, value }) => field === 'spec.nodeName' && value === node)) return yes;
      if (asked.name !== '') return related(store, node, asked, 'pod');
      return no('can only list/watch pods with spec.nodeName field selector');
    default:
      return no('');
  }
}

/** Only nodes ask this, and seldom: a walk over the pods of one namespace needs no index to be kept. */
function related(store: Store, node: string, asked: ResourceAttributes, kind: ReferredKind): Decision {
  if (asked.name === '') return no('No Object name found');
  const pods = store.list(bucketOf(resources.pods), asked.namespace);
  // Most pods are of other nodes, which their JSON tells sooner than their value.
  const mark = `"nodeName":${JSON.stringify(node)}`;
  for (const item of pods) {
    if (!item.json.includes(mark)) continue;
    const pod = item.value as Live<Pod>;
    if (pod.spec?.nodeName === node && refersTo(pod, kind, asked.name)) return yes;
  }
  return no(`no relationship found between node '${node}' and this object`);
}
