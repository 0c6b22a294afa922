/**
 * What becomes of each field of a Service when its type changes and the client sends everything else back as it was.
 *
 *   k kept   - not there   + made (default, or allocated)   ! the whole change is refused with this field's error
 *
 * Source: pkg/registry/core/service/strategy.go dropTypeDependentFields, storage/alloc.go, pkg/apis/core/v1/defaults.go
 * SetDefaults_Service, pkg/apis/core/validation/validation.go ValidateService.
 */
export const fields = [
  'spec.clusterIP',
  'spec.clusterIPs',
  'spec.ipFamilies',
  'spec.ipFamilyPolicy',
  'spec.ports.0.nodePort',
  'spec.healthCheckNodePort',
  'spec.externalTrafficPolicy',
  'spec.internalTrafficPolicy',
  'spec.allocateLoadBalancerNodePorts',
  'spec.loadBalancerClass',
  'spec.loadBalancerSourceRanges',
  'spec.externalName',
  'spec.sessionAffinity',
  'spec.selector',
  'status.loadBalancer.ingress',
] as const;

export const newTypes = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] as const;

const common = { ports: [{ port: 80 }], selector: { app: 'web' }, sessionAffinity: 'ClientIP' };
const dual = { ...common, ipFamilyPolicy: 'PreferDualStack' };

/** Each has all that its type may have. */
export const oldSpecs = {
  'a cluster IP': { ...dual, type: 'ClusterIP' },
  headless: { ...dual, type: 'ClusterIP', clusterIP: 'None' },
  'a node port, Local': { ...dual, type: 'NodePort', externalTrafficPolicy: 'Local' },
  'a load balancer with a class': { ...dual, type: 'LoadBalancer', loadBalancerClass: 'example.com/lb' },
  'a load balancer, Local': { ...dual, type: 'LoadBalancer', externalTrafficPolicy: 'Local' },
  'a load balancer with ranges': { ...dual, type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/8'] },
  'a load balancer without node ports': { ...dual, type: 'LoadBalancer', allocateLoadBalancerNodePorts: false },
  'an external name': { ...common, type: 'ExternalName', externalName: 'a.example' },
} as const;

const noneForNodePort = `spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for NodePort services`;
const noneForLoadBalancer = `spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for LoadBalancer services`;
const rangesForbidden = "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'";

/** Columns: the fields, in order. */
export const matrix: Readonly<Record<keyof typeof oldSpecs, Readonly<Record<(typeof newTypes)[number], string>>>> = {
  'a cluster IP': {
    ClusterIP: '    k k k k - - - k - - - - k k -',
    NodePort: '     k k k k + - + k - - - - k k -',
    LoadBalancer: ' k k k k + - + k + - - - k k -',
    ExternalName: ' - - - - - - - k - - - + k k -',
  },
  headless: {
    ClusterIP: '    k k k k - - - k - - - - k k -',
    NodePort: `! ${noneForNodePort}`,
    LoadBalancer: `! ${noneForLoadBalancer}`,
    ExternalName: ' - - - - - - - k - - - + k k -',
  },
  'a node port, Local': {
    ClusterIP: '    k k k k - - - k - - - - k k -',
    NodePort: '     k k k k k - k k - - - - k k -',
    LoadBalancer: ' k k k k k + k k + - - - k k -',
    ExternalName: ' - - - - - - - k - - - + k k -',
  },
  'a load balancer with a class': {
    ClusterIP: '    k k k k - - - k - - - - k k -',
    NodePort: '     k k k k k - k k - - - - k k -',
    LoadBalancer: ' k k k k k - k k k k - - k k k',
    ExternalName: ' - - - - - - - k - - - + k k -',
  },
  'a load balancer, Local': {
    ClusterIP: '    k k k k - - - k - - - - k k -',
    NodePort: '     k k k k k - k k - - - - k k -',
    LoadBalancer: ' k k k k k k k k k - - - k k k',
    ExternalName: ' - - - - - - - k - - - + k k -',
  },
  'a load balancer with ranges': {
    ClusterIP: `! ${rangesForbidden}`,
    NodePort: `! ${rangesForbidden}`,
    LoadBalancer: ' k k k k k - k k k - k - k k k',
    ExternalName: `! ${rangesForbidden}`,
  },
  'a load balancer without node ports': {
    ClusterIP: '    k k k k - - - k - - - - k k -',
    NodePort: '     k k k k + - k k - - - - k k -',
    LoadBalancer: ' k k k k - - k k k - - - k k k',
    ExternalName: ' - - - - - - - k - - - + k k -',
  },
  'an external name': {
    ClusterIP: '    + + + + - - - + - - - k k k -',
    NodePort: '     + + + + + - + + - - - k k k -',
    LoadBalancer: ' + + + + + - + + + - - k k k -',
    ExternalName: ' - - - - - - - - - - - k k k -',
  },
};
