/** Roles for the parts of a cluster, as upstream has them. Upstream: bootstrappolicy/policy.go, 1.36. */
import type { ClusterRole, ClusterRoleBinding } from '../../../api/gen/types.ts';
import { nodeRules } from './node-rules.ts';
import { account, binding, events, on, paths, read, readWrite, role, users } from './rule.ts';

const reviews = [
  on('authentication.k8s.io', 'tokenreviews').may('create'),
  on('authorization.k8s.io', 'subjectaccessreviews').may('create'),
];

const signer = (name: string): ClusterRole =>
  role(
    `system:certificates.k8s.io:${name}-approver`,
    on('certificates.k8s.io', 'signers', `kubernetes.io/${name}`).may('approve'),
  );

export const componentRoles: readonly ClusterRole[] = [
  role('system:heapster', on('', 'events namespaces nodes pods').may(read), on('extensions', 'deployments').may(read)),
  role('system:node', ...nodeRules),
  role('system:node-problem-detector', on('', 'nodes').may('get'), on('', 'nodes/status').may('patch'), events),
  role(
    'system:node-bootstrapper',
    on('certificates.k8s.io', 'certificatesigningrequests').may('create get list watch'),
  ),
  role('system:auth-delegator', ...reviews),
  role('system:kube-aggregator', on('', 'endpoints services').may(read)),
  role(
    'system:kube-controller-manager',
    events,
    on('coordination.k8s.io', 'leases').may('create'),
    on('coordination.k8s.io', 'leases', 'kube-controller-manager').may('get update'),
    on('', 'secrets serviceaccounts').may('create'),
    on('', 'secrets').may('delete'),
    on('', 'configmaps namespaces secrets serviceaccounts').may('get'),
    on('', 'secrets serviceaccounts').may('update'),
    ...reviews,
    on('*', '*').may('list watch'),
    on('', 'serviceaccounts/token').may('create'),
  ),
  role('system:kube-dns', on('', 'endpoints services').may('list watch')),
  role(
    'system:persistent-volume-provisioner',
    on('', 'persistentvolumes').may('create delete get list watch'),
    on('', 'persistentvolumeclaims').may('get list update watch'),
    on('storage.k8s.io', 'storageclasses').may(read),
    on('', 'events').may('watch'),
    events,
  ),
  role(
    'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
    on('certificates.k8s.io', 'certificatesigningrequests/nodeclient').may('create'),
  ),
  role(
    'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
    on('certificates.k8s.io', 'certificatesigningrequests/selfnodeclient').may('create'),
  ),
  role(
    'system:volume-scheduler',
    on('', 'persistentvolumes').may('get list patch update watch'),
    on('storage.k8s.io', 'storageclasses').may(read),
    on('', 'persistentvolumeclaims').may('get list patch update watch'),
  ),
  ...['legacy-unknown', 'kubelet-serving', 'kube-apiserver-client', 'kube-apiserver-client-kubelet'].map(signer),
  role(
    'system:service-account-issuer-discovery',
    paths('/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/'),
  ),
  role(
    'system:kubelet-api-admin',
    on('', 'nodes').may(read),
    on('', 'nodes').may('proxy'),
    on('', 'nodes/log nodes/metrics nodes/proxy nodes/stats').may('*'),
    on('', 'nodes/configz nodes/healthz nodes/pods').may('*'),
  ),
  role(
    'system:node-proxier',
    on('', 'endpoints services').may('list watch'),
    on('', 'nodes').may(read),
    events,
    on('networking.k8s.io', 'servicecidrs').may('list watch'),
    on('discovery.k8s.io', 'endpointslices').may('list watch'),
  ),
  role(
    'system:kube-scheduler',
    events,
    on('coordination.k8s.io', 'leases').may('create'),
    on('coordination.k8s.io', 'leases', 'kube-scheduler').may('get list update watch'),
    on('coordination.k8s.io', 'leasecandidates').may(readWrite),
    on('', 'nodes').may(read),
    on('', 'pods').may('delete get list watch'),
    on('', 'bindings pods/binding').may('create'),
    on('', 'pods/status').may('patch update'),
    on('', 'replicationcontrollers services').may(read),
    on('apps,extensions', 'replicasets').may(read),
    on('apps', 'statefulsets').may(read),
    on('policy', 'poddisruptionbudgets').may(read),
    on('', 'persistentvolumeclaims persistentvolumes').may(read),
    ...reviews,
    on('storage.k8s.io', 'csinodes').may(read),
    on('storage.k8s.io', 'volumeattachments').may(read),
    on('', 'namespaces').may(read),
    on('storage.k8s.io', 'csidrivers').may(read),
    on('storage.k8s.io', 'csistoragecapacities').may(read),
    on('resource.k8s.io', 'deviceclasses').may(read),
    on('resource.k8s.io', 'resourceclaims').may('get list patch update watch'),
    on('resource.k8s.io', 'resourceclaims/status').may('get list patch update watch'),
    on('resource.k8s.io', 'resourceclaims').may('create delete'),
    on('resource.k8s.io', 'resourceclaims/binding').may('patch update'),
    on('', 'pods/finalizers').may('update'),
    on('resource.k8s.io', 'resourceslices').may(read),
  ),
];

const controllerManager = 'system:kube-controller-manager';
const scheduler = 'system:kube-scheduler';

export const componentBindings: readonly ClusterRoleBinding[] = [
  binding('system:node-proxier', users('system:kube-proxy')),
  binding(controllerManager, users(controllerManager)),
  binding('system:kube-dns', [account('kube-system', 'kube-dns')]),
  binding(scheduler, users(scheduler)),
  binding('system:volume-scheduler', users(scheduler)),
  // Nobody: the node authorizer grants it to each node for what is its own.
  binding('system:node', []),
];
