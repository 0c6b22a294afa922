/**
 * The kinds that the API server serves, in the order of discovery.
 *
 *   buildKinds({ services: createServiceAllocator({...}) })   ──> one KindDefinition per kind
 */
import type { KindDefinition } from '../kind.ts';
import type { ServiceAllocator } from './service/index.ts';
import { certificateSigningRequestKind } from './certificate-signing-request.ts';
import { configMapKind } from './configmap.ts';
import { deploymentKind } from './deployment.ts';
import { endpointsKind } from './endpoints.ts';
import { endpointSliceKind } from './endpointslice.ts';
import { eventKind } from './event.ts';
import { leaseKind } from './lease.ts';
import { namespaceKind } from './namespace.ts';
import { nodeKind } from './node.ts';
import { podKind } from './pod/index.ts';
import { clusterRoleBindingKind, clusterRoleKind, roleBindingKind, roleKind } from './rbac/index.ts';
import { replicaSetKind } from './replicaset.ts';
import { secretKind } from './secret.ts';
import { serviceKind } from './service/index.ts';
import { serviceAccountKind } from './serviceaccount.ts';

export type { ServiceAllocator } from './service/index.ts';

export interface KindOptions {
  /** Absent (tests, tools): Services are stored as they come, nothing is allocated. */
  readonly services?: ServiceAllocator;
}

export function buildKinds(options: KindOptions = {}): readonly KindDefinition[] {
  return [
    configMapKind,
    endpointsKind,
    eventKind,
    namespaceKind,
    nodeKind,
    podKind,
    secretKind,
    serviceAccountKind,
    serviceKind(options.services),
    deploymentKind,
    replicaSetKind,
    leaseKind,
    endpointSliceKind,
    clusterRoleBindingKind,
    clusterRoleKind,
    roleBindingKind,
    roleKind,
    certificateSigningRequestKind,
  ];
}
