/** rbac.authorization.k8s.io/v1: who may do what, as objects. What they mean is the authorizer's (src/apiserver/auth). */
export { aggregatedRules, sameRules } from './aggregation.ts';
export { clusterRoleBindingKind, roleBindingKind } from './bindings.ts';
export { clusterRoleKind, roleKind } from './roles.ts';
