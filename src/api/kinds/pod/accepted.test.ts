import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import type { Pod } from '../../gen/types.ts';
import { resources } from '../../resources.ts';
import { Pipeline } from '../test-kit.ts';

const pipeline = new Pipeline();
const web = { name: 'web', image: 'nginx' };
const c = (container: object, spec: object = {}): object => ({ containers: [{ ...web, ...container }], ...spec });

function create(spec: object, metadata: object = {}): Pod {
  const { object, errors } = pipeline.create(resources.pods, { metadata: { name: 'p', ...metadata }, spec });
  assert.deepEqual(errors, []);
  return object;
}

describe('what the writer of a pod is told', () => {
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const item = (key: string, path: string): object => ({ key, path });
  const table: readonly (readonly [string, object, object, readonly string[]])[] = [
    [
      'host name',
      c({}),
      { name: 'a.b' },
      [
        "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
      ],
    ],
    [
      'old labels',
      c(
        {},
        {
          nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
          topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'a', whenUnsatisfiable: 'DoNotSchedule' }],
        },
      ),
      {},
      [
        'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
        'spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod',
      ],
    ],
    [
      'dead annotations',
      c({}),
      { annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' } },
      [
        'metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: non-functional in v1.27+; use the "seccompProfile" field instead',
      ],
    ],
    [
      'dead volumes, and files in each other',
      c(
        {},
        {
          volumes: [
            { name: 'a', gitRepo: { repository: 'x' } },
            { name: 'b', configMap: { name: 'x', items: [item('k', 'p'), item('l', 'p/q')] } },
          ],
        },
      ),
      {},
      [
        'spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+',
        'volume "b" (ConfigMap "x"): overlapping paths: "p/q" with "p"',
      ],
    ],
    [
      'half a byte, and a secret without a name',
      c({ resources: { requests: { memory: '100m' } } }, { imagePullSecrets: [{}] }),
      {},
      [
        'spec.imagePullSecrets[0].name: invalid empty name ""',
        'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer',
      ],
    ],
    [
      'variables and ports twice',
      c({
        env: [
          { name: 'X', value: 'a' },
          { name: 'X', value: '$(X)b' },
          { name: 'X', value: 'c' },
        ],
        ports: [{ containerPort: 80 }, { containerPort: 80, hostPort: 81 }],
      }),
      {},
      [
        'spec.containers[0].env[2]: hides previous definition of "X", which may be dropped when using apply',
        'spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]',
      ],
    ],
    [
      'affinity to nothing',
      c({}, { affinity: { podAffinity: { [required]: [{ topologyKey: 'a' }] } } }),
      {},
      [`spec.affinity.podAffinity.${required}[0].labelSelector: a null labelSelector results in matching no pod`],
    ],
  ];
  for (const [what, spec, metadata, warnings] of table) {
    test(what, () => {
      const pod = create(spec, metadata);
      assert.deepEqual(pipeline.kind(resources.pods).warnings?.(pod, undefined), warnings);
    });
  }
});

test('a template is told the same, of its own place', () => {
  const template = { spec: c({}, { imagePullSecrets: [{}] }) };
  const { object, errors } = pipeline.create(resources.podTemplates, { metadata: { name: 't' }, template });
  assert.deepEqual(errors, []);
  assert.deepEqual(pipeline.kind(resources.podTemplates).warnings?.(object, undefined), [
    'template.spec.imagePullSecrets[0].name: invalid empty name ""',
  ]);
  const none = pipeline.create(resources.podTemplates, { metadata: { name: 't' } });
  assert.deepEqual(none.errors, ['template.spec.containers: Required value']);
});

test('what a pod asks for as a whole has defaults, and is its quality of service', () => {
  const pod = create(c({ resources: { requests: { memory: '1Mi' } } }, { resources: { limits: { cpu: '1' } } }));
  assert.deepEqual(pod.spec?.resources, { limits: { cpu: '1' }, requests: { cpu: '1', memory: '1Mi' } });
  assert.equal(pod.status?.qosClass, 'Burstable');
});

test('label keys become part of the selector, with the values of the pod', () => {
  const spread = {
    maxSkew: 1,
    topologyKey: 'zone',
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app: 'a' } },
    matchLabelKeys: ['hash', 'none'],
  };
  const { spec } = create(c({}, { topologySpreadConstraints: [spread] }), { labels: { hash: '1' } });
  assert.deepEqual(spec?.topologySpreadConstraints?.[0]?.labelSelector, {
    matchLabels: { app: 'a' },
    matchExpressions: [{ key: 'hash', operator: 'In', values: ['1'] }],
  });
});

test('images that are pulled always', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const images = ['a', 'a:latest', 'h:5000/a', `a:latest@${digest}`, 'a:1', `a@${digest}`, 'A/b:', 'a b', 'x.y/A'];
  const { spec } = create({ containers: images.map((image, index) => ({ name: `c${index}`, image })) });
  const always = (spec?.containers ?? []).filter((container) => container.imagePullPolicy === 'Always');
  assert.deepEqual(
    always.map(({ image }) => image),
    images.slice(0, 4),
  );
});

test('ports of the host network are only a pod’s to fill in', () => {
  const spec = c({ ports: [{ containerPort: 80 }] }, { hostNetwork: true });
  assert.equal(create(spec).spec?.containers[0]?.ports?.[0]?.hostPort, 80);
  const { object } = pipeline.create(resources.podTemplates, { metadata: { name: 't' }, template: { spec } });
  assert.equal(object.template?.spec?.containers[0]?.ports?.[0]?.hostPort, undefined);
});

describe('a pod that waits to be scheduled', () => {
  const gates = { schedulingGates: [{ name: 'a' }, { name: 'b' }] };
  const gated = (): Pod => create(c({}, { ...gates, nodeSelector: { x: '1' } }));
  const change = (spec: object): readonly string[] => {
    const old = gated();
    return pipeline.update(resources.pods, old, { ...old, spec: { ...old.spec, ...spec } }).errors;
  };

  test('says so', () => {
    const [condition] = gated().status?.conditions ?? [];
    assert.equal(condition?.reason, 'SchedulingGated');
    assert.equal(condition.status, 'False');
  });
  test('loses its gates, and gets no new ones', () => {
    assert.deepEqual(change({ schedulingGates: [{ name: 'b' }] }), []);
    assert.deepEqual(change({ schedulingGates: [{ name: 'c' }] }), [
      "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'c'",
    ]);
  });
  test('may be narrowed to fewer nodes', () => {
    const terms = [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }];
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } };
    assert.deepEqual(change({ nodeSelector: { x: '1', y: '2' }, affinity: { nodeAffinity } }), []);
    assert.deepEqual(change({ nodeSelector: { y: '2' } }), [
      'spec.nodeSelector: Invalid value: {"y":"2"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
    ]);
  });
});
