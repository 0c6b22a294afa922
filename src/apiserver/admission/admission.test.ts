import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import type { Ingress, Pod, Service } from '../../api/gen/types.ts';
import type { KubeObject } from '../../api/object.ts';
import type { Resource } from '../../api/resources.ts';
import type { AdmissionRequest, AdmissionView } from './index.ts';
import { resources } from '../../api/resources.ts';
import { admit, confirm } from './index.ts';

function view(objects: readonly (readonly [Resource, string, object])[]): AdmissionView {
  return {
    get: (resource, key) => {
      const found = objects.find(([of, name]) => of.plural === resource.plural && name === key.name);
      return found?.[2] as never;
    },
    *list(resource) {
      for (const [of, , object] of objects) if (of.plural === resource.plural) yield object as never;
    },
  };
}

function request(resource: Resource, object: KubeObject, more: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return {
    verb: 'create',
    resource,
    subresource: '',
    namespace: 'default',
    name: 'x',
    object,
    old: undefined,
    ...more,
  };
}

const accounts = view([
  [resources.serviceAccounts, 'default', {}],
  [resources.serviceAccounts, 'plain', { automountServiceAccountToken: false, imagePullSecrets: [{ name: 's' }] }],
]);
const pod = (spec: object = {}): Pod => ({ metadata: { name: 'x' }, spec: { containers: [{ name: 'c' }], ...spec } });

describe('ServiceAccount', () => {
  test('claim C20: default account, token volume in every container', () => {
    const object = pod({ initContainers: [{ name: 'i' }] });
    admit(request(resources.pods, object), accounts);
    assert.equal(object.spec?.serviceAccountName, 'default');
    assert.equal(object.spec?.serviceAccount, 'default');
    const volume = object.spec?.volumes?.[0];
    assert.match(volume?.name ?? '', /^kube-api-access-[a-z0-9]{5}$/);
    assert.deepEqual(volume?.projected, {
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    });
    const mount = { name: volume?.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
    assert.deepEqual(object.spec?.containers[0]?.volumeMounts, [mount]);
    assert.deepEqual(object.spec?.initContainers?.[0]?.volumeMounts, [mount]);
  });

  test('who does not want it, by account or by pod; pull secrets come along', () => {
    const object = pod({ serviceAccountName: 'plain' });
    admit(request(resources.pods, object), accounts);
    assert.equal(object.spec?.volumes, undefined);
    assert.deepEqual(object.spec?.imagePullSecrets, [{ name: 's' }]);
    const own = pod({ automountServiceAccountToken: false });
    admit(request(resources.pods, own), accounts);
    assert.equal(own.spec?.volumes, undefined);
  });

  test('an account that is not there', () => {
    assert.throws(
      () => {
        admit(request(resources.pods, pod({ serviceAccountName: 'ghost' })), accounts);
      },
      {
        message:
          'pods "x" is forbidden: error looking up service account default/ghost: serviceaccount "ghost" not found',
      },
    );
    const old = view([[resources.namespaces, 'default', { metadata: { creationTimestamp: '2020-01-01T00:00:00Z' } }]]);
    assert.throws(() => {
      admit(request(resources.pods, pod()), old);
    }, /serviceaccount "default" not found/);
    const young = view([
      [resources.namespaces, 'default', { metadata: { creationTimestamp: new Date().toISOString() } }],
    ]);
    const object = pod();
    admit(request(resources.pods, object), young);
    assert.equal(object.spec?.volumes?.length, 1);
  });
});

test('DefaultTolerationSeconds and Priority', () => {
  const object = pod({
    tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }],
  });
  admit(request(resources.pods, object), accounts);
  assert.deepEqual(object.spec?.tolerations, [
    { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
    { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
  ]);
  assert.deepEqual([object.spec?.priority, object.spec?.preemptionPolicy], [0, 'PreemptLowerPriority']);
  assert.throws(() => {
    admit(request(resources.pods, pod({ priorityClassName: 'big' })), accounts);
  }, /no PriorityClass with name big was found/);
  const status = pod();
  admit(request(resources.pods, status, { verb: 'update', subresource: 'status' }), accounts);
  assert.deepEqual(status, pod());
});

test('DenyServiceExternalIPs: new ones are refused, old ones may stay', () => {
  const service = (externalIPs: string[]): Service => ({ metadata: { name: 'x' }, spec: { externalIPs } });
  const refusal = { message: 'services "x" is forbidden: Use of external IPs is denied by admission control' };
  assert.throws(() => {
    confirm(request(resources.services, service(['1.1.1.1'])), accounts);
  }, refusal);
  const old = service(['1.1.1.1', '2.2.2.2']) as never;
  confirm(request(resources.services, service(['1.1.1.1']), { verb: 'update', old }), accounts);
  assert.throws(() => {
    confirm(request(resources.services, service(['3.3.3.3']), { verb: 'update', old }), accounts);
  }, refusal);
  confirm(request(resources.services, service([])), accounts);
  const by = { server: { options: { disabledAdmission: ['DenyServiceExternalIPs'] } } } as never;
  confirm(request(resources.services, service(['1.1.1.1']), { by }), accounts);
});

test('DefaultIngressClass: the youngest wins, whatever its name', () => {
  const made = (name: string, creationTimestamp: string): readonly [Resource, string, object] => {
    const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' };
    return [resources.ingressClasses, name, { metadata: { name, creationTimestamp, annotations } }];
  };
  const classes = view([made('a', '2026-01-01T00:00:00Z'), made('b', '2026-01-01T00:00:01Z')]);
  const ingress: Ingress = { metadata: { name: 'x' }, spec: {} };
  admit(request(resources.ingresses, ingress), classes);
  assert.equal(ingress.spec?.ingressClassName, 'b');
});

describe('RuntimeClass', () => {
  const toleration = { key: 'sandbox', operator: 'Exists' };
  const classes = view([
    [resources.serviceAccounts, 'default', {}],
    [
      resources.runtimeClasses,
      'box',
      {
        handler: 'box',
        overhead: { podFixed: { cpu: '10m' } },
        scheduling: { nodeSelector: { box: 'yes' }, tolerations: [toleration] },
      },
    ],
  ]);

  test('a pod takes its overhead and where it may run', () => {
    const object = pod({ runtimeClassName: 'box', nodeSelector: { disk: 'ssd' }, tolerations: [toleration] });
    admit(request(resources.pods, object), classes);
    confirm(request(resources.pods, object), classes);
    assert.deepEqual(object.spec?.overhead, { cpu: '10m' });
    assert.deepEqual(object.spec?.nodeSelector, { disk: 'ssd', box: 'yes' });
    assert.equal(object.spec?.tolerations?.filter(({ key }) => key === 'sandbox').length, 1);
  });

  test('refusals', () => {
    const cases: readonly (readonly [spec: object, why: RegExp])[] = [
      [{ runtimeClassName: 'none' }, /pod rejected: RuntimeClass "none" not found/],
      [
        { runtimeClassName: 'box', overhead: { cpu: '1' } },
        /Pod's Overhead doesn't match RuntimeClass's defined Overhead/,
      ],
      [
        { runtimeClassName: 'box', nodeSelector: { box: 'no' } },
        /conflict: runtimeClass\.scheduling\.nodeSelector\[box\] = yes; pod\.spec\.nodeSelector\[box\] = no/,
      ],
      [{ overhead: { cpu: '1' } }, /Pod Overhead set without corresponding RuntimeClass defined Overhead/],
    ];
    for (const [spec, why] of cases) {
      const asked = request(resources.pods, pod(spec));
      assert.throws(() => {
        admit(asked, classes);
        confirm(asked, classes);
      }, why);
    }
  });
});
