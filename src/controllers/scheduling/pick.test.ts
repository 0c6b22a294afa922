import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Node, Pod } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { node, pod } from '../fixtures.ts';
import { createSnapshot } from './node-info.ts';
import { pickNode } from './pick.ts';
import { requestsOf } from './requests.ts';

type Spec = Partial<NonNullable<Pod['spec']>>;

const three = [node('node-1'), node('node-2'), node('node-3')];
const container = (more: object): Spec => ({ containers: [{ name: 'c', ...more }] });
const affinity = (matchExpressions: object[], matchFields: object[] = []): Spec => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions, matchFields }] as never,
      },
    },
  },
});
const apart: Spec = {
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } },
      ],
    },
  },
};
const near: Spec = {
  affinity: {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'db' } } },
      ],
    },
  },
};
const spread: Spec = {
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'web' } },
    },
  ],
};
const hostPort = (port: number, hostIP = '', protocol = 'TCP'): Spec =>
  container({ ports: [{ containerPort: port, hostPort: port, hostIP, protocol }] });
const cpu = (amount: string): Spec => container({ resources: { requests: { cpu: amount } } });

function pick(spec: Spec, nodes: readonly Live<Node>[], placed: readonly Live<Pod>[] = []): string {
  const snapshot = createSnapshot();
  for (const one of nodes) snapshot.setNode(one);
  for (const one of placed) snapshot.place(one, one.spec?.nodeName);
  const choice = pickNode(pod('new', { node: '', spec }), snapshot, 0, () => undefined);
  return choice.kind === 'node' ? choice.name : choice.message;
}

const tainted = (name: string, key: string, effect = 'NoSchedule'): Live<Node> =>
  node(name, { spec: { taints: [{ key, effect, value: 'v' }] } });
const sized = (name: string, allocatable: Record<string, string>): Live<Node> =>
  node(name, { status: { allocatable, conditions: [{ type: 'Ready', status: 'True' }] } });
const helpless = (total: number): string =>
  `no new claims to deallocate, preemption: 0/${total} nodes are available: ${total} Preemption is not helpful for scheduling.`;
const noVictims = (total: number): string =>
  `no new claims to deallocate, preemption: 0/${total} nodes are available: ${total} No preemption victims found for incoming pod.`;

describe('scheduler', () => {
  const cases: readonly [string, Spec, readonly Live<Node>[], readonly Live<Pod>[], string][] = [
    ['the emptiest', {}, three, [pod('a'), pod('b', { node: 'node-2' })], 'node-3'],
    ['nodeSelector', { nodeSelector: { 'kubernetes.io/hostname': 'node-2' } }, three, [], 'node-2'],
    [
      'affinity In',
      affinity([{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-3'] }]),
      three,
      [],
      'node-3',
    ],
    [
      'affinity by name',
      affinity([], [{ key: 'metadata.name', operator: 'In', values: ['node-2'] }]),
      three,
      [],
      'node-2',
    ],
    [
      'affinity by name, NotIn',
      affinity([], [{ key: 'metadata.name', operator: 'NotIn', values: ['node-1', 'node-2'] }]),
      three,
      [],
      'node-3',
    ],
    [
      'Gt',
      affinity([{ key: 'n', operator: 'Gt', values: ['4'] }]),
      [node('a', { metadata: { name: 'a', labels: { n: '5' } } })],
      [],
      'a',
    ],
    [
      'no match',
      { nodeSelector: { disk: 'ssd' } },
      three,
      [],
      `0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. ${helpless(3)}`,
    ],
    ['a taint keeps away', {}, [tainted('node-1', 'k'), node('node-2')], [], 'node-2'],
    [
      'a toleration lets in',
      { tolerations: [{ key: 'k', operator: 'Exists' }] },
      [tainted('node-1', 'k')],
      [],
      'node-1',
    ],
    [
      'another value does not',
      { tolerations: [{ key: 'k', value: 'w' }] },
      [tainted('node-1', 'k')],
      [],
      `0/1 nodes are available: 1 node(s) had untolerated taint(s). ${helpless(1)}`,
    ],
    [
      'PreferNoSchedule is the last choice',
      {},
      [tainted('node-1', 'k', 'PreferNoSchedule'), node('node-2')],
      [pod('a', { node: 'node-2' })],
      'node-2',
    ],
    [
      'never Ready, cordoned, tainted: each is said',
      {},
      [node('node-1', { status: {} }), node('node-2', { spec: { unschedulable: true } }), tainted('node-3', 'k')],
      [],
      `0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) had untolerated taint(s). ${helpless(3)}`,
    ],
    [
      'too much for any node',
      cpu('3'),
      [sized('node-1', { cpu: '2' })],
      [],
      `0/1 nodes are available: 1 Insufficient cpu. ${helpless(1)}`,
    ],
    [
      'too much for what is left',
      cpu('1500m'),
      [sized('node-1', { cpu: '2' })],
      [pod('a', { spec: cpu('600m') })],
      `0/1 nodes are available: 1 Insufficient cpu. ${noVictims(1)}`,
    ],
    [
      'too many pods',
      {},
      [sized('node-1', { pods: '1' })],
      [pod('a')],
      `0/1 nodes are available: 1 Too many pods. ${noVictims(1)}`,
    ],
    ['a node that says nothing takes all', cpu('64'), [node('node-1')], [], 'node-1'],
    [
      'pods that ended use nothing',
      cpu('2'),
      [sized('node-1', { cpu: '2' })],
      [pod('a', { phase: 'Failed', spec: cpu('2') })],
      'node-1',
    ],
    ['host port free', hostPort(80), [node('node-1')], [pod('a', { spec: hostPort(81) })], 'node-1'],
    ['other protocol', hostPort(80), [node('node-1')], [pod('a', { spec: hostPort(80, '', 'UDP') })], 'node-1'],
    [
      'other host IP',
      hostPort(80, '127.0.0.1'),
      [node('node-1')],
      [pod('a', { spec: hostPort(80, '10.0.0.1') })],
      'node-1',
    ],
    [
      'host port taken, by any address',
      hostPort(80, '127.0.0.1'),
      [node('node-1')],
      [pod('a', { spec: hostPort(80) })],
      `0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. ${noVictims(1)}`,
    ],
    ['anti-affinity', apart, three, [pod('a'), pod('b', { node: 'node-3' })], 'node-2'],
    [
      'anti-affinity everywhere',
      apart,
      [node('node-1')],
      [pod('a')],
      `0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules. ${noVictims(1)}`,
    ],
    [
      'those that want to be alone',
      {},
      [node('node-1')],
      [pod('a', { spec: apart })],
      `0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules. ${noVictims(1)}`,
    ],
    ['affinity to pods', near, three, [pod('db', { node: 'node-2', labels: { app: 'db' } })], 'node-2'],
    [
      'affinity to nobody',
      near,
      [node('node-1')],
      [],
      `0/1 nodes are available: 1 node(s) didn't match pod affinity rules. ${helpless(1)}`,
    ],
    [
      'spread',
      spread,
      three.slice(0, 2),
      [pod('a'), pod('x', { node: 'node-2', labels: {} }), pod('y', { node: 'node-2', labels: {} })],
      'node-2',
    ],
    ['no nodes', {}, [], [], 'no nodes available to schedule pods'],
  ];
  for (const [name, spec, nodes, placed, expected] of cases) {
    it(name, () => assert.equal(pick({ containers: [{ name: 'c' }], ...spec }, nodes, placed), expected));
  }

  it('spreads the pods of one controller before all else', () => {
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'r', controller: true }];
    const snapshot = createSnapshot();
    for (const one of three) snapshot.setNode(one);
    snapshot.place(pod('other-1', { node: 'node-2' }), 'node-2');
    snapshot.place(pod('other-2', { node: 'node-2' }), 'node-2');
    const placed = ['a', 'b', 'c'].map((name) => {
      const next = pod(name, { node: '', metadata: { ownerReferences } });
      const choice = pickNode(next, snapshot, 0, () => undefined);
      const chosen = choice.kind === 'node' ? choice.name : '';
      snapshot.place(next, chosen);
      return chosen;
    });
    assert.deepEqual(placed.sort(), ['node-1', 'node-2', 'node-3']);
  });

  it('looks at enough nodes only, and still finds the one that fits', () => {
    const many = Array.from({ length: 1000 }, (_, i) => node(`n${i}`));
    assert.match(pick({ containers: [{ name: 'c' }] }, many), /^n\d+$/);
    assert.equal(
      pick({ containers: [{ name: 'c' }], nodeSelector: { 'kubernetes.io/hostname': 'n987' } }, many),
      'n987',
    );
  });

  it('adds up requests: init containers run before, sidecars beside', () => {
    const requests = (amount: string) => ({ resources: { requests: { cpu: amount } } });
    const spec = {
      initContainers: [
        { name: 'side', restartPolicy: 'Always', ...requests('100m') },
        { name: 'init', ...requests('2') },
      ],
      containers: [
        { name: 'a', ...requests('500m') },
        { name: 'b', resources: { limits: { cpu: '250m' } } },
      ],
      overhead: { cpu: '10m' },
    };
    assert.equal(requestsOf(pod('p', { spec })).get('cpu'), 2110);
  });
});
