/**
 * What our own parts need beyond upstream's roles; each part has the user name that upstream gives to its counterpart.
 *
 *   system:kube-controller-manager    all controllers in one process, the scheduler among them: system:kube-controller-manager and
 *                                     system:kube-scheduler, and here what upstream's controllers have together as system:controller:*
 *   system:cloud-controller-manager   the load balancer
 *   system:kube-proxy, group system:portolan:node-network     proxy, DNS and pod routes of every node: one credential for the
 *                                     three, since they share one process and what they watch; the agent has its node's own
 */
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../../api/gen/types.ts';
import { binding, events, groups, localBinding, localRole, on, read, role, users } from './rule.ts';

const nodeNetworkGroup = 'system:portolan:node-network';
const controllers = 'system:portolan:controllers';
const loadBalancer = 'system:portolan:load-balancer';
const controllerManager = 'system:kube-controller-manager';
const cloudController = 'system:cloud-controller-manager';

export const partsRoles: readonly ClusterRole[] = [
  role(
    controllers,
    // Garbage collector and namespace controller: any kind. Scheduler and the others have what is left.
    on('*', '*').may('delete deletecollection get list patch update watch'),
    on(
      '',
      'bindings configmaps endpoints persistentvolumeclaims persistentvolumes pods pods/binding pods/eviction',
    ).may('create'),
    on('', 'endpoints/restricted serviceaccounts serviceaccounts/token services').may('create'),
    on('discovery.k8s.io', 'endpointslices endpointslices/restricted').may('create'),
    on('apps', 'controllerrevisions replicasets').may('create'),
    on('batch', 'jobs').may('create'),
    on('coordination.k8s.io', 'leases').may('create'),
    on('networking.k8s.io', 'ipaddresses servicecidrs').may('create'),
    on('certificates.k8s.io', 'signers').may('approve sign'),
    on('rbac.authorization.k8s.io', 'clusterroles').may('escalate'),
  ),
  role(
    loadBalancer,
    on('', 'nodes services').may(read),
    on('', 'services services/status').may('patch update'),
    on('discovery.k8s.io', 'endpointslices').may(read),
    events,
  ),
  role(
    nodeNetworkGroup,
    on('', 'namespaces nodes services').may(read),
    on('discovery.k8s.io', 'endpointslices').may(read),
    on('networking.k8s.io', 'servicecidrs').may(read),
  ),
];

export const partsBindings: readonly ClusterRoleBinding[] = [
  binding(controllers, users(controllerManager)),
  binding(`${controllers}:scheduler`, users(controllerManager), 'system:kube-scheduler'),
  binding(loadBalancer, users(cloudController)),
  binding(nodeNetworkGroup, groups(nodeNetworkGroup)),
  binding(`${nodeNetworkGroup}:dns`, groups(nodeNetworkGroup), 'system:kube-dns'),
];

const namespace = 'kube-system';

/** In kube-system alone: the DNS servers announce themselves, the load balancer keeps its ledger. */
export const partsLocalRoles: readonly Role[] = [
  localRole(
    namespace,
    `${nodeNetworkGroup}:dns-announcement`,
    on('discovery.k8s.io', 'endpointslices').may('create delete get update'),
  ),
  localRole(
    namespace,
    loadBalancer,
    on('', 'configmaps').may('create'),
    on('', 'configmaps', 'portolan-load-balancer').may('get update'),
  ),
];

export const partsLocalBindings: readonly RoleBinding[] = [
  localBinding(namespace, `${nodeNetworkGroup}:dns-announcement`, groups(nodeNetworkGroup)),
  localBinding(namespace, loadBalancer, users(cloudController)),
];
