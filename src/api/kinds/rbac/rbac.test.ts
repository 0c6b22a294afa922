/** Roles, bindings and certificate requests: what is refused, in upstream's words; columns; aggregation. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { ClusterRole } from '../../gen/types.ts';
import { resources } from '../../resources.ts';
import { Pipeline } from '../test-kit.ts';
import { aggregatedRules } from './index.ts';

const kit = new Pipeline();
const subject = (kind: string, more: object = {}): object => ({ kind, name: 'x', ...more });

test('bad rules', () => {
  const one = (rule: object, cluster = false): readonly string[] => {
    const body = { metadata: { name: 'r' }, rules: [rule] };
    return (cluster ? kit.create(resources.clusterRoles, body) : kit.create(resources.roles, body)).errors;
  };
  const cases: readonly [rule: object, cluster: boolean, errors: readonly string[]][] = [
    [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }, false, []],
    [{ verbs: ['get'], nonResourceURLs: ['/x'] }, true, []],
    [
      { verbs: [] },
      false,
      [
        'rules[0].verbs: Required value: verbs must contain at least one value',
        'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
        'rules[0].resources: Required value: resource rules must supply at least one resource',
      ],
    ],
    [
      { verbs: ['get'], nonResourceURLs: ['/x'] },
      false,
      ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'],
    ],
    [
      { verbs: ['get'], nonResourceURLs: ['/x'], resources: ['pods'] },
      true,
      [
        'rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs',
      ],
    ],
  ];
  for (const [rule, cluster, errors] of cases) assert.deepEqual(one(rule, cluster), errors);
  const aggregate = { metadata: { name: 'system:x' }, aggregationRule: { clusterRoleSelectors: [] } };
  assert.deepEqual(kit.create(resources.clusterRoles, aggregate).errors, [
    'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
  ]);
  assert.deepEqual(kit.create(resources.roles, { metadata: { name: 'a/b' }, rules: [] }).errors, [
    `metadata.name: Invalid value: "a/b": may not contain '/'`,
  ]);
});

test('bad bindings, defaults, the role is for ever, columns', () => {
  const roleRef = { kind: 'Role', name: 'r' };
  const body = { metadata: { name: 'b' }, roleRef, subjects: [subject('User'), subject('ServiceAccount')] };
  const fine = kit.create(resources.roleBindings, body);
  assert.deepEqual(fine.errors, []);
  assert.equal(fine.object.roleRef.apiGroup, 'rbac.authorization.k8s.io');
  assert.deepEqual(
    fine.object.subjects?.map(({ apiGroup }) => apiGroup),
    ['rbac.authorization.k8s.io', undefined],
  );
  assert.match(kit.row(resources.roleBindings, fine.object), /^b Role\/r .*\| x {2}\/x$/);
  const errors = (more: object): readonly string[] =>
    kit.create(resources.clusterRoleBindings, { metadata: { name: 'b' }, roleRef, ...more }).errors;
  assert.deepEqual(errors({}), ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"']);
  assert.deepEqual(errors({ roleRef: { kind: 'ClusterRole', name: '' } }), ['roleRef.name: Required value']);
  assert.deepEqual(errors({ roleRef: undefined }), [
    'roleRef.kind: Unsupported value: "": supported values: "ClusterRole"',
    'roleRef.name: Required value',
  ]);
  const cluster = { kind: 'ClusterRole', name: 'c' };
  assert.deepEqual(
    errors({
      roleRef: cluster,
      subjects: [
        subject('ServiceAccount'),
        subject('Group', { name: '' }),
        subject('Robot'),
        subject('User', { apiGroup: 'apps' }),
      ],
    }),
    [
      'subjects[0].namespace: Required value',
      'subjects[1].name: Required value',
      'subjects[2].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
      'subjects[3].apiGroup: Unsupported value: "apps": supported values: "rbac.authorization.k8s.io"',
    ],
  );
  const other = kit.update(resources.roleBindings, fine.object, {
    ...body,
    metadata: fine.object.metadata,
    roleRef: { kind: 'Role', name: 'other' },
  });
  assert.deepEqual(other.errors, [
    'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"other"}: cannot change roleRef',
  ]);
});

test('aggregation: by selector, in the order of names, each rule once', () => {
  const rule = (verb: string): object => ({ verbs: [verb], apiGroups: [''], resources: ['pods'] });
  const piece = (name: string, label: string, ...verbs: string[]): ClusterRole =>
    ({ metadata: { name, labels: { [label]: 'true' } }, rules: verbs.map(rule) }) as ClusterRole;
  const whole: ClusterRole = {
    metadata: { name: 'whole', labels: { part: 'true' } },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: 'true' } }] },
    rules: [],
  };
  const all = [whole, piece('z', 'part', 'get', 'list'), piece('a', 'part', 'list'), piece('n', 'none', 'delete')];
  assert.deepEqual(aggregatedRules(whole, all), [rule('list'), rule('get')]);
  assert.equal(aggregatedRules(piece('z', 'part'), all), undefined);
});

test('bad certificate requests', () => {
  const request = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\n').toString('base64');
  const errors = (spec: object): readonly string[] =>
    kit.create(resources.certificateSigningRequests, {
      metadata: { name: 'c' },
      spec: { request, signerName: 'example.com/s', usages: ['client auth'], ...spec },
    }).errors;
  assert.deepEqual(errors({}), []);
  assert.deepEqual(errors({ usages: [] }), ['spec.usages: Required value']);
  assert.match(
    errors({ usages: ['fly'] })[0] ?? '',
    /^spec\.usages\[0\]: Unsupported value: "fly": supported values: "any"/,
  );
  assert.deepEqual(errors({ usages: ['client auth', 'client auth'] }), [
    'spec.usages[1]: Duplicate value: "client auth"',
  ]);
  assert.deepEqual(errors({ signerName: 'kubernetes.io/legacy-unknown' }), [
    'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
  ]);
  assert.deepEqual(errors({ signerName: 'nobody' }), [
    `spec.signerName: Invalid value: "nobody": must be a fully qualified domain and path of the form 'example.com/signer-name'`,
  ]);
  assert.deepEqual(errors({ expirationSeconds: 60 }), [
    'spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 600 seconds (10 minutes)',
  ]);
  assert.deepEqual(kit.create(resources.certificateSigningRequests, { metadata: { name: 'c' } }).errors, [
    'spec.request: Invalid value: null: PEM block type must be CERTIFICATE REQUEST',
    'spec.usages: Required value',
    'spec.signerName: Required value',
  ]);
  assert.deepEqual(errors({ request: undefined }), [
    'spec.request: Invalid value: null: PEM block type must be CERTIFICATE REQUEST',
  ]);
  assert.deepEqual(errors({ request: 'bm8=' }), [
    'spec.request: Invalid value: "bm8=": PEM block type must be CERTIFICATE REQUEST',
  ]);
});
