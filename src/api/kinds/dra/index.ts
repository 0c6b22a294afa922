/**
 * resource.k8s.io/v1: devices that pods claim, stored for a scheduler and drivers of others (kube-scheduler lists all four kinds before
 * it places anything). We allocate none. Not checked as upstream does: CEL selectors, and attributes, capacities and counters of devices.
 */
export { deviceClassKind } from './deviceclass.ts';
export { resourceClaimKind } from './resourceclaim.ts';
export { resourceClaimTemplateKind } from './resourceclaimtemplate.ts';
export { resourceSliceKind } from './resourceslice.ts';
