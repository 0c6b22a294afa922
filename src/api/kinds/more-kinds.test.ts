/**
 * Defaults, refusals and columns of the kinds beyond the core of Services: tables, each row from the source named above it
 * (release 1.36).
 */
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import type { KubeObject } from '../object.ts';
import type { Resource } from '../resources.ts';
import { resources } from '../resources.ts';
import { assertRefusals, Pipeline } from './test-kit.ts';
import type { Refusal } from './test-kit.ts';

const pipeline = new Pipeline();
const meta = { name: 'x', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' };
const now = Date.parse('2026-01-01T00:01:30Z');
const labels = { app: 'x' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const jobTemplate = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } };
const selector = { matchLabels: labels };
const backend = { service: { name: 's', port: { number: 80 } } };

function create(
  resource: Resource,
  body: object,
): { readonly object: Record<string, unknown>; readonly errors: readonly string[] } {
  const { object, errors } = pipeline.create<KubeObject>(resource, { metadata: meta, ...body });
  return { object: object as unknown as Record<string, unknown>, errors };
}

function at(object: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);
}

const workload = { spec: { selector, template } };

/** pkg/apis/apps/v1/defaults.go, batch/v1, core/v1, networking/v1, storage/v1, scheduling/v1, autoscaling/v2. */
const defaults: readonly (readonly [resource: Resource, body: object, path: string, value: unknown])[] = [
  [
    resources.daemonSets,
    workload,
    'spec.updateStrategy',
    { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
  ],
  [resources.daemonSets, workload, 'spec.revisionHistoryLimit', 10],
  [resources.daemonSets, workload, 'metadata.generation', 1],
  [resources.statefulSets, workload, 'spec.podManagementPolicy', 'OrderedReady'],
  [resources.statefulSets, workload, 'spec.updateStrategy', { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }],
  [
    resources.statefulSets,
    workload,
    'spec.persistentVolumeClaimRetentionPolicy',
    { whenDeleted: 'Retain', whenScaled: 'Retain' },
  ],
  [resources.statefulSets, workload, 'spec.replicas', 1],
  [resources.replicationControllers, { spec: { template } }, 'spec.selector', labels],
  [resources.replicationControllers, { spec: { template } }, 'metadata.labels', labels],
  [resources.jobs, { spec: { template: jobTemplate } }, 'spec.completions', 1],
  [resources.jobs, { spec: { template: jobTemplate } }, 'spec.backoffLimit', 6],
  [resources.jobs, { spec: { template: jobTemplate, parallelism: 2 } }, 'spec.completions', undefined],
  [resources.jobs, { spec: { template: jobTemplate } }, 'spec.podReplacementPolicy', 'TerminatingOrFailed'],
  [
    resources.jobs,
    { spec: { template: jobTemplate } },
    'spec.selector',
    { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } },
  ],
  [resources.networkPolicies, { spec: { podSelector: {}, egress: [{}] } }, 'spec.policyTypes', ['Ingress', 'Egress']],
  [
    resources.networkPolicies,
    { spec: { podSelector: {}, ingress: [{ ports: [{ port: 1 }] }] } },
    'spec.ingress',
    [{ ports: [{ port: 1, protocol: 'TCP' }] }],
  ],
  [
    resources.ingressClasses,
    { spec: { controller: 'a.b/c', parameters: { kind: 'K', name: 'n' } } },
    'spec.parameters.scope',
    'Cluster',
  ],
  [
    resources.limitRanges,
    { spec: { limits: [{ type: 'Container', max: { cpu: '1' }, min: { memory: '1Mi' } }] } },
    'spec.limits',
    [
      {
        type: 'Container',
        max: { cpu: '1' },
        min: { memory: '1Mi' },
        default: { cpu: '1' },
        defaultRequest: { cpu: '1', memory: '1Mi' },
      },
    ],
  ],
  [resources.persistentVolumeClaims, { spec: {} }, 'spec.volumeMode', 'Filesystem'],
  [resources.persistentVolumeClaims, { spec: { dataSource: { kind: 'K', name: 'n' } } }, 'spec.dataSource', undefined],
  [
    resources.persistentVolumeClaims,
    { spec: { dataSource: { kind: 'PersistentVolumeClaim', name: 'n' } } },
    'spec.dataSourceRef',
    { kind: 'PersistentVolumeClaim', name: 'n' },
  ],
  [resources.storageClasses, { provisioner: 'p' }, 'volumeBindingMode', 'Immediate'],
  [resources.storageClasses, { provisioner: 'p' }, 'reclaimPolicy', 'Delete'],
  [resources.priorityClasses, { value: 1 }, 'preemptionPolicy', 'PreemptLowerPriority'],
  [
    resources.horizontalPodAutoscalers,
    { spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } } },
    'spec.metrics',
    [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }],
  ],
];

/** pkg/apis/{apps,batch,core,networking,policy,scheduling,node,storage,autoscaling}/validation. */
const refusals: readonly Refusal[] = [
  [
    resources.daemonSets,
    { spec: { template } },
    'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
  ],
  [
    resources.daemonSets,
    { spec: { selector, template, updateStrategy: { type: 'Blue' } } },
    'spec.updateStrategy: Unsupported value: {"Type":"Blue","RollingUpdate":null}: supported values: "RollingUpdate", "OnDelete"',
  ],
  [
    resources.statefulSets,
    { spec: { selector, template, updateStrategy: { type: 'Blue', rollingUpdate: {} } } },
    'spec.updateStrategy: Invalid value: {"Type":"Blue","RollingUpdate":{"Partition":0,"MaxUnavailable":null}}: must be \'RollingUpdate\' or \'OnDelete\'',
  ],
  [
    resources.statefulSets,
    { spec: { selector: { matchExpressions: [{ key: 'a', operator: 'Is' }] }, template } },
    'spec.selector: Invalid value: {"matchExpressions":[{"key":"a","operator":"Is"}]}',
  ],
  [
    resources.replicationControllers,
    { spec: { selector: labels, template: {} } },
    'spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`',
  ],
  [
    resources.podDisruptionBudgets,
    { spec: { minAvailable: 1, maxUnavailable: 2, selector } },
    'spec: Invalid value: {"MinAvailable":1,"Selector":{"matchLabels":{"app":"x"}},"MaxUnavailable":2,"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set',
  ],
  [
    resources.priorityClasses,
    { value: 1, preemptionPolicy: 'Maybe' },
    'preemptionPolicy: Unsupported value: "Maybe": supported values: "PreemptLowerPriority", "Never"',
  ],
  [
    resources.daemonSets,
    { spec: { selector: {}, template } },
    'spec.selector: Invalid value: {}: empty selector is invalid for daemonset',
  ],
  [
    resources.daemonSets,
    { spec: { selector, template, updateStrategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } } } },
    'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
  ],
  [
    resources.daemonSets,
    { spec: { selector, template, updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } } },
    'spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0',
  ],
  [
    resources.statefulSets,
    { spec: { selector, template, podManagementPolicy: 'Any' } },
    "spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or 'Parallel'",
  ],
  [
    resources.statefulSets,
    { spec: { selector, template: { ...template, metadata: { labels: { a: 'b' } } } } },
    'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`',
  ],
  [
    resources.statefulSets,
    { spec: { selector, template, updateStrategy: { type: 'OnDelete', rollingUpdate: {} } } },
    'spec.updateStrategy.rollingUpdate: Invalid value: {"Partition":0,"MaxUnavailable":null}: only allowed for updateStrategy \'RollingUpdate\'',
  ],
  [resources.replicationControllers, { spec: { selector: labels } }, 'spec.template: Required value'],
  [
    resources.jobs,
    { spec: { template } },
    'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
  ],
  [
    resources.jobs,
    { spec: { template: jobTemplate, completionMode: 'Indexed', parallelism: 1 } },
    'spec.completions: Required value: when completion mode is Indexed',
  ],
  [
    resources.jobs,
    { spec: { template: jobTemplate, backoffLimit: -1 } },
    'spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0',
  ],
  [
    resources.jobs,
    { spec: { template: jobTemplate, selector } },
    'spec.selector: Invalid value: {"matchLabels":{"app":"x","batch.kubernetes.io/controller-uid":"u"}}: `selector` not auto-generated',
  ],
  [resources.controllerRevisions, { revision: 1 }, 'data: Required value: data is mandatory'],
  [
    resources.ingresses,
    { spec: {} },
    'spec: Invalid value: null: either `defaultBackend` or `rules` must be specified',
  ],
  [
    resources.ingresses,
    { spec: { defaultBackend: {} } },
    'spec.defaultBackend: Invalid value: "": resource or service backend is required',
  ],
  [
    resources.ingresses,
    { spec: { rules: [{ host: '1.2.3.4', http: { paths: [{ pathType: 'Exact', path: '/', backend }] } }] } },
    'spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
  ],
  [
    resources.ingresses,
    { spec: { rules: [{ http: { paths: [{ backend }] } }] } },
    'spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified',
  ],
  [
    resources.ingresses,
    { spec: { rules: [{ http: { paths: [{ pathType: 'Prefix', path: '/a//b', backend }] } }] } },
    'spec.rules[0].http.paths[0].path: Invalid value: "/a//b": must not contain \'//\'',
  ],
  [
    resources.ingressClasses,
    { spec: { controller: 'foo' } },
    'spec.controller: Invalid value: "foo": must be a domain-prefixed path (such as "acme.io/foo")',
  ],
  [
    resources.ingressClasses,
    { spec: { controller: 'a.b/c', parameters: { kind: 'K', name: 'n', scope: 'Namespace' } } },
    "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
  ],
  [
    resources.networkPolicies,
    { spec: { podSelector: {}, ingress: [{ from: [{}] }] } },
    'spec.ingress[0].from[0]: Required value: must specify a peer',
  ],
  [
    resources.networkPolicies,
    { spec: { podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] } }] }] } },
    'spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
  ],
  [
    resources.networkPolicies,
    { spec: { podSelector: {}, ingress: [{ ports: [{ port: 'http', endPort: 9 }] }] } },
    'spec.ingress[0].ports[0].endPort: Invalid value: 9: may not be specified when `port` is non-numeric',
  ],
  [resources.podDisruptionBudgets, { spec: { minAvailable: 1, maxUnavailable: 1, selector } }, 'spec: Invalid value: '],
  [
    resources.podDisruptionBudgets,
    { spec: { minAvailable: '101%', selector } },
    'spec.minAvailable: Invalid value: "101%": must not be greater than 100%',
  ],
  [
    resources.priorityClasses,
    { value: 1_000_000_001 },
    'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
  ],
  [
    resources.priorityClasses,
    { metadata: { ...meta, name: 'system-mine' }, value: 1 },
    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class",
  ],
  [resources.runtimeClasses, {}, 'handler: Required value'],
  [resources.storageClasses, {}, 'provisioner: Required value'],
  [
    resources.storageClasses,
    { provisioner: 'p', volumeBindingMode: '' },
    'volumeBindingMode: Unsupported value: "": supported values: "Immediate", "WaitForFirstConsumer"',
  ],
  [
    resources.storageClasses,
    { provisioner: 'p', allowedTopologies: [{}] },
    'allowedTopologies[0].matchLabelExpressions: Duplicate value: ""',
  ],
  [
    resources.storageClasses,
    { provisioner: 'p', allowedTopologies: [{ matchLabelExpressions: [{ key: 'a', values: ['b', 'b'] }] }] },
    'allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "b"',
  ],
  [
    resources.limitRanges,
    {
      spec: {
        limits: [{ type: 'Container', max: { cpu: '1' }, min: { cpu: '500m' }, maxLimitRequestRatio: { cpu: 3 } }],
      },
    },
    'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000',
  ],
  [
    resources.resourceQuotas,
    { spec: { scopeSelector: { matchExpressions: [{ operator: 'In', scopeName: 'PriorityClass' }] } } },
    "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
  ],
  [
    resources.resourceQuotas,
    {
      spec: {
        hard: { services: '1' },
        scopeSelector: { matchExpressions: [{ operator: 'Exists', scopeName: 'BestEffort' }] },
      },
    },
    'spec.scopeSelector.matchExpressions: Invalid value: {"MatchExpressions":[{"ScopeName":"BestEffort","Operator":"Exists","Values":null}]}: unsupported scope applied to resource',
  ],
  [
    resources.persistentVolumeClaims,
    { spec: { dataSourceRef: { kind: 'Snap', name: 's' } } },
    'spec.dataSource: Invalid value: "Snap": must be \'PersistentVolumeClaim\' when referencing the default apiGroup',
  ],
  [
    resources.persistentVolumeClaims,
    {
      spec: {
        dataSource: { kind: 'PersistentVolumeClaim', name: 'p' },
        dataSourceRef: { kind: 'K', name: 'p', apiGroup: 'g' },
      },
    },
    'spec: Invalid value: "spec.dataSource": must match dataSourceRef',
  ],
  [
    resources.persistentVolumeClaims,
    { spec: {} },
    'spec.accessModes: Required value: at least 1 access mode is required',
  ],
  [
    resources.persistentVolumeClaims,
    { spec: { accessModes: ['ReadWriteOnce'] } },
    'spec.resources[storage]: Required value',
  ],
  [
    resources.persistentVolumes,
    { spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } } },
    'spec: Required value: must specify a volume type',
  ],
  [
    resources.limitRanges,
    { spec: { limits: [{ type: 'Pod', default: { cpu: '1' } }] } },
    "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
  ],
  [
    resources.limitRanges,
    { spec: { limits: [{ type: 'Pod', min: { cpu: '2' }, max: { cpu: '1' } }] } },
    'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
  ],
  [
    resources.resourceQuotas,
    { spec: { hard: { bananas: '1' } } },
    'spec.hard[bananas]: Invalid value: "bananas": must be a standard resource for quota',
  ],
  [
    resources.resourceQuotas,
    { spec: { hard: { pods: '1500m' } } },
    'spec.hard[pods]: Invalid value: "1500m": must be an integer',
  ],
  [
    resources.horizontalPodAutoscalers,
    { spec: { maxReplicas: 1, minReplicas: 2, scaleTargetRef: { kind: 'D', name: 'd' } } },
    'spec.maxReplicas: Invalid value: 1: must be greater than or equal to `minReplicas`',
  ],
];

/** printers.go: header, and a row of what `create` gives. Wide columns after the bar. */
const tables: readonly (readonly [resource: Resource, body: object, header: string, row: string])[] = [
  [
    resources.daemonSets,
    workload,
    'NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE',
    'x 0 0 0 0 0 <none> 90s | c i app=x',
  ],
  [resources.statefulSets, workload, 'NAME READY AGE', 'x 0/1 90s | c i'],
  [
    resources.replicationControllers,
    { spec: { template } },
    'NAME DESIRED CURRENT READY AGE',
    'x 1 0 0 90s | c i app=x',
  ],
  [
    resources.jobs,
    { spec: { template: jobTemplate } },
    'NAME STATUS COMPLETIONS DURATION AGE',
    'x Running 0/1  90s | c i batch.kubernetes.io/controller-uid=u',
  ],
  [
    resources.ingresses,
    { spec: { ingressClassName: 'n', rules: [{ host: 'a.b' }], defaultBackend: backend, tls: [{}] } },
    'NAME CLASS HOSTS ADDRESS PORTS AGE',
    'x n a.b  80, 443 90s',
  ],
  [resources.ingressClasses, { spec: { controller: 'a.b/c' } }, 'NAME CONTROLLER PARAMETERS AGE', 'x a.b/c <none> 90s'],
  [resources.networkPolicies, { spec: { podSelector: {} } }, 'NAME POD-SELECTOR AGE', 'x <none> 90s'],
  [
    resources.podDisruptionBudgets,
    { spec: { minAvailable: '50%', selector } },
    'NAME MIN AVAILABLE MAX UNAVAILABLE ALLOWED DISRUPTIONS AGE',
    'x 50% N/A 0 90s',
  ],
  [
    resources.priorityClasses,
    { value: 5 },
    'NAME VALUE GLOBAL-DEFAULT AGE PREEMPTIONPOLICY',
    'x 5 false 90s PreemptLowerPriority',
  ],
  [resources.runtimeClasses, { handler: 'h' }, 'NAME HANDLER AGE', 'x h 90s'],
  [
    resources.storageClasses,
    { provisioner: 'p' },
    'NAME PROVISIONER RECLAIMPOLICY VOLUMEBINDINGMODE ALLOWVOLUMEEXPANSION AGE',
    'x p Delete Immediate false 90s',
  ],
  [resources.serviceCIDRs, { spec: { cidrs: ['10.0.0.0/24'] } }, 'NAME CIDRS AGE', 'x 10.0.0.0/24 90s'],
  [
    resources.ipAddresses,
    {
      metadata: { ...meta, name: '10.0.0.1' },
      spec: { parentRef: { resource: 'services', namespace: 'd', name: 's' } },
    },
    'NAME PARENTREF',
    '10.0.0.1 services/d/s',
  ],
  [
    resources.horizontalPodAutoscalers,
    { spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } } },
    'NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE',
    'x Deployment/d cpu: <unknown>/80% 1 3 0 90s',
  ],
  [
    resources.persistentVolumeClaims,
    { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    'NAME STATUS VOLUME CAPACITY ACCESS MODES STORAGECLASS VOLUMEATTRIBUTESCLASS AGE',
    'x Pending     <unset> 90s | Filesystem',
  ],
  [
    resources.persistentVolumes,
    { spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/p' } } },
    'NAME CAPACITY ACCESS MODES RECLAIM POLICY STATUS CLAIM STORAGECLASS VOLUMEATTRIBUTESCLASS REASON AGE',
    'x 1Gi RWO Retain Pending   <unset>  90s | Filesystem',
  ],
  [resources.podTemplates, { template }, 'NAME CONTAINERS IMAGES POD LABELS', 'x c i app=x'],
  [resources.resourceQuotas, { spec: { hard: { pods: '1' } } }, 'NAME REQUEST LIMIT AGE', 'x   90s'],
];

/** Update rules: the field that changes, and what is said. */
const updates: readonly (readonly [resource: Resource, body: object, change: object, error: string])[] = [
  [
    resources.daemonSets,
    workload,
    {
      spec: {
        selector: { matchLabels: { ...labels, b: 'c' } },
        template: { ...template, metadata: { labels: { ...labels, b: 'c' } } },
      },
    },
    'spec.selector: Invalid value: {"matchLabels":{"app":"x","b":"c"}}: field is immutable',
  ],
  [
    resources.statefulSets,
    workload,
    { spec: { ...workload.spec, serviceName: 'other' } },
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas'",
  ],
  [resources.priorityClasses, { value: 1 }, { value: 2 }, 'value: Forbidden: may not be changed in an update.'],
  [
    resources.ingressClasses,
    { spec: { controller: 'a.b/c' } },
    { spec: { controller: 'a.b/d' } },
    'spec.controller: Invalid value: "a.b/d": field is immutable',
  ],
  [resources.runtimeClasses, { handler: 'a' }, { handler: 'b' }, 'handler: Invalid value: "b": field is immutable'],
  [
    resources.storageClasses,
    { provisioner: 'a' },
    { provisioner: 'b' },
    'provisioner: Invalid value: "b": field is immutable',
  ],
];

describe('kinds beyond the core', () => {
  test('defaults', () => {
    for (const [resource, body, path, value] of defaults) {
      assert.deepEqual(at(create(resource, body).object, path), value, `${resource.plural} ${path}`);
    }
  });

  test('refusals', () => {
    assertRefusals(create, refusals);
  });

  test('columns', () => {
    for (const [resource, body, header, row] of tables) {
      const { object, errors } = create(resource, body);
      assert.deepEqual(
        errors.filter((text) => !text.includes('tls')),
        [],
        resource.plural,
      );
      assert.equal(pipeline.header(resource), header);
      assert.equal(pipeline.row(resource, object as KubeObject, now), row);
    }
  });

  test('updates', () => {
    for (const [resource, body, change, error] of updates) {
      const { object } = create(resource, body);
      const next = { ...structuredClone(object), ...change };
      const { errors } = pipeline.update<KubeObject>(resource, object, next);
      assert.ok(
        errors.some((text) => text.startsWith(error)),
        `${resource.plural}: ${error}\ngot: ${errors.join('\n')}`,
      );
    }
  });

  test('a change of spec counts, one of status does not', () => {
    for (const resource of [resources.daemonSets, resources.statefulSets]) {
      const { object } = create(resource, workload);
      const other = {
        ...structuredClone(object),
        spec: { ...(object['spec'] as object), minReadySeconds: 3 },
        status: { replicas: 7 },
      };
      const updated = pipeline.update<KubeObject>(resource, object, other).object;
      assert.equal(updated.metadata?.generation, 2);
      assert.deepEqual((updated as { status?: unknown }).status, object['status']);
    }
  });
});
