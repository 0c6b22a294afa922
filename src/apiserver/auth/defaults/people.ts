/**
 * Roles for people: cluster-admin, and admin ⊃ edit ⊃ view within a namespace. Who may edit a namespace cannot write its endpoints:
 * with them he could send the traffic of others anywhere (CVE-2021-25740); nor any status.
 * Upstream: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go, 1.36.
 */
import type { ClusterRole, ClusterRoleBinding } from '../../../api/gen/types.ts';
import { aggregated, binding, groups, on, paths, pieceOf, read, readWrite, role, write } from './rule.ts';

const scaled = 'deployments deployments/scale replicasets replicasets/scale';

export const peoplesRoles: readonly ClusterRole[] = [
  role('cluster-admin', on('*', '*').may('*'), paths('*', '*')),
  role(
    'system:discovery',
    paths('/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/'),
  ),
  role(
    'system:monitoring',
    paths('/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/* /flagz /statusz'),
    on('', 'nodes/metrics').may('get'),
  ),
  role(
    'system:basic-user',
    on('authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews').may('create'),
    on('authentication.k8s.io', 'selfsubjectreviews').may('create'),
  ),
  role('system:public-info-viewer', paths('/healthz /livez /readyz /version /version/')),
  aggregated('admin'),
  aggregated('edit', 'admin'),
  aggregated('view', 'edit'),
  pieceOf(
    'admin',
    on('authorization.k8s.io', 'localsubjectaccessreviews').may('create'),
    on('rbac.authorization.k8s.io', 'rolebindings roles').may(readWrite),
  ),
  pieceOf(
    'edit',
    on('', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy').may(read),
    on('', 'serviceaccounts').may('impersonate'),
    on('', 'pods pods/attach pods/exec pods/portforward pods/proxy').may(write),
    on('', 'pods/eviction').may('create'),
    on(
      '',
      'configmaps persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
    ).may(write),
    on('', 'serviceaccounts/token').may('create'),
    on(',events.k8s.io', 'events').may(write),
    on('apps', `daemonsets ${scaled} deployments/rollback statefulsets statefulsets/scale`).may(write),
    on('autoscaling', 'horizontalpodautoscalers').may(write),
    on('batch', 'cronjobs jobs').may(write),
    on(
      'extensions',
      `daemonsets ${scaled} deployments/rollback ingresses networkpolicies replicationcontrollers/scale`,
    ).may(write),
    on('policy', 'poddisruptionbudgets').may(write),
    on('networking.k8s.io', 'ingresses networkpolicies').may(write),
    on('coordination.k8s.io', 'leases').may(readWrite),
    on('resource.k8s.io', 'resourceclaims resourceclaimtemplates').may(write),
  ),
  pieceOf(
    'view',
    on(
      '',
      'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
    ).may(read),
    on(
      '',
      'bindings limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
    ).may(read),
    on('', 'namespaces').may(read),
    on(',events.k8s.io', 'events').may(read),
    on('discovery.k8s.io', 'endpointslices').may(read),
    on(
      'apps',
      `controllerrevisions daemonsets daemonsets/status ${scaled} deployments/status replicasets/status statefulsets statefulsets/scale statefulsets/status`,
    ).may(read),
    on('autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status').may(read),
    on('batch', 'cronjobs cronjobs/status jobs jobs/status').may(read),
    on(
      'extensions',
      `daemonsets daemonsets/status ${scaled} deployments/status ingresses ingresses/status networkpolicies replicasets/status replicationcontrollers/scale`,
    ).may(read),
    on('policy', 'poddisruptionbudgets poddisruptionbudgets/status').may(read),
    on('networking.k8s.io', 'ingresses ingresses/status networkpolicies').may(read),
    on('resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates').may(read),
  ),
];

const everybody = groups('system:authenticated', 'system:unauthenticated');

export const peoplesBindings: readonly ClusterRoleBinding[] = [
  binding('cluster-admin', groups('system:masters')),
  binding('system:monitoring', groups('system:monitoring')),
  binding('system:discovery', groups('system:authenticated')),
  binding('system:basic-user', groups('system:authenticated')),
  binding('system:public-info-viewer', everybody),
  binding('system:service-account-issuer-discovery', groups('system:serviceaccounts')),
];
