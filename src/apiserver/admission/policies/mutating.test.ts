/**
 * MutatingAdmissionPolicies by requests. Texts and cases: upstream's plugin/policy/mutating (patch/smd_test.go, json_patch_test.go,
 * compilation_test.go, dispatcher_test.go) and pkg/apis/admissionregistration/validation.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { startTestServer } from '../../testing.ts';

const group = '/apis/admissionregistration.k8s.io/v1';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const maps = '/api/v1/namespaces/default/configmaps';

type Client = Awaited<ReturnType<typeof startTestServer>>['client'];
type Answer = Awaited<ReturnType<Client['call']>>;

const rule = { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['*'], resources: ['deployments'] };

function policy(name: string, spec: object): object {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicy',
    metadata: { name },
    spec: { reinvocationPolicy: 'Never', matchConstraints: { resourceRules: [rule] }, ...spec },
  };
}

function binding(name: string, spec: object = {}): object {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name, ...spec },
  };
}

const applies = (expression: string): object => ({
  patchType: 'ApplyConfiguration',
  applyConfiguration: { expression },
});
const patches = (expression: string): object => ({ patchType: 'JSONPatch', jsonPatch: { expression } });

function deployment(name = 'x', more: { spec?: object; containers?: object[]; labels?: object } = {}): object {
  const labels = { app: 'x' };
  return {
    metadata: { name, ...(more.labels === undefined ? {} : { labels: more.labels }) },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: more.containers ?? [{ name: 'a', image: 'i' }] } },
      ...more.spec,
    },
  };
}

interface Made {
  readonly metadata: { readonly labels?: object; readonly annotations?: object };
  readonly spec: {
    readonly replicas: number;
    readonly template: {
      readonly spec: {
        readonly containers: readonly { readonly name: string; readonly image: string; readonly args?: object }[];
      };
    };
  };
}

async function install(client: Client, name: string, spec: object, bound: object = {}): Promise<void> {
  const made = await client.call('POST', `${group}/mutatingadmissionpolicies`, policy(name, spec));
  assert.equal(made.code, 201, made.text);
  const tied = await client.call('POST', `${group}/mutatingadmissionpolicybindings`, binding(name, bound));
  assert.equal(tied.code, 201, tied.text);
}

async function remove(client: Client, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await client.call('DELETE', `${group}/mutatingadmissionpolicybindings/${name}`);
    await client.call('DELETE', `${group}/mutatingadmissionpolicies/${name}`);
  }
}

describe('mutations', () => {
  let client: Client;
  const ends: (() => unknown)[] = [];
  before(async () => {
    const context = { after: (end: () => unknown) => ends.push(end) } as unknown as TestContext;
    ({ client } = await startTestServer(context));
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  async function mutate(spec: object, object: object, bound: object = {}): Promise<Answer> {
    await install(client, 'p', spec, bound);
    try {
      return await client.call('POST', `${deployments}?dryRun=All`, object);
    } finally {
      await remove(client, 'p');
    }
  }

  async function mutated(spec: object, object: object, bound: object = {}): Promise<Made> {
    const answer = await mutate(spec, object, bound);
    assert.equal(answer.code, 201, answer.text);
    return answer.body as unknown as Made;
  }

  const names = (made: Made): readonly string[] => made.spec.template.spec.containers.map(({ name }) => name);

  test('an apply configuration merges by the keys of the kind', async () => {
    const sidecar = `Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{
      containers: [Object.spec.template.spec.containers{name: "y", image: "z"}]}}}}`;
    assert.deepEqual(names(await mutated({ mutations: [applies(sidecar)] }, deployment())), ['a', 'y']);
    const containers = [
      { name: 'y', image: 'old', args: ['-v'] },
      { name: 'a', image: 'i' },
    ];
    const merged = await mutated({ mutations: [applies(sidecar)] }, deployment('x', { containers }));
    const [y] = merged.spec.template.spec.containers;
    assert.deepEqual([names(merged), y?.image, y?.args], [['y', 'a'], 'z', ['-v']]);
    const notes = 'Object{metadata: Object.metadata{annotations: {"by": "policy"}}}';
    assert.deepEqual((await mutated({ mutations: [applies(notes)] }, deployment())).metadata.annotations, {
      by: 'policy',
    });
  });

  test('mutations are run in order, each over what those before it left, with variables and params', async () => {
    const both = [
      applies('Object{spec: Object.spec{replicas: object.spec.replicas + variables.more}}'),
      patches('[JSONPatch{op: "replace", path: "/spec/replicas", value: object.spec.replicas + 10}]'),
    ];
    const spec = { variables: [{ name: 'more', expression: '100' }], mutations: both };
    assert.equal((await mutated(spec, deployment())).spec.replicas, 111);
    assert.equal((await mutated({ ...spec, mutations: both.toReversed() }, deployment())).spec.replicas, 111);
    await client.call('POST', maps, { metadata: { name: 'p' }, data: { n: '7' } });
    const withParams = {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      mutations: [applies('Object{spec: Object.spec{replicas: int(params.data.n)}}')],
    };
    const paramRef = { name: 'p', parameterNotFoundAction: 'Deny' };
    assert.equal((await mutated(withParams, deployment(), { paramRef })).spec.replicas, 7);
  });

  const replicas = (expression: string): string =>
    `[JSONPatch{op: "replace", path: "/spec/replicas", value: ${expression}}]`;

  test('a JSON patch sees types, tests, lists, and keys that are to be escaped', async () => {
    const cases: readonly (readonly [string, (made: Made) => unknown, unknown])[] = [
      [
        '[JSONPatch{op: "test", path: "/spec/replicas", value: 100}, JSONPatch{op: "replace", path: "/spec/replicas", value: 3}]',
        (made) => made.spec.replicas,
        1,
      ],
      [
        '[JSONPatch{op: "test", path: "/spec/replicas", value: 1}, JSONPatch{op: "replace", path: "/spec/replicas", value: 3}]',
        (made) => made.spec.replicas,
        3,
      ],
      ['[JSONPatch{op: "remove", path: "/metadata/labels/y"}]', (made) => made.metadata.labels, { x: '1' }],
      [
        '[JSONPatch{op: "move", from: "/metadata/labels/x", path: "/metadata/labels/z"}]',
        (made) => made.metadata.labels,
        { y: '1', z: '1' },
      ],
      [
        '[JSONPatch{op: "replace", path: "/metadata/labels/new", value: "2"}]',
        (made) => made.metadata.labels,
        { x: '1', y: '1', new: '2' },
      ],
      [
        '[JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("k8s.io/x~y"), value: "t"}].filter(p, false)',
        (made) => made.metadata.labels,
        { x: '1', y: '1' },
      ],
      [
        '[JSONPatch{op: "add", path: "/metadata/annotations", value: {}}, JSONPatch{op: "add", path: "/metadata/annotations/" + jsonpatch.escapeKey("k8s.io/x"), value: "t"}]',
        (made) => made.metadata.annotations,
        { 'k8s.io/x': 't' },
      ],
      [
        '[JSONPatch{op: "add", path: "/spec/template/spec/containers/-", value: Object.spec.template.spec.containers{name: "b", image: "i", ports: [Object.spec.template.spec.containers.ports{containerPort: 80}]}}]',
        names,
        ['a', 'b'],
      ],
      [
        '[JSONPatch{op: "add", path: "/spec/template/spec/containers/0", value: {"name": "b", "image": "i"}}]',
        names,
        ['b', 'a'],
      ],
      [
        '[JSONPatch{op: "add", path: "/metadata/labels", value: {"a": string(has(JSONPatch{op: "o"}.op)), "b": string(has(JSONPatch{}.value)), "c": JSONPatch{}.path, "d": Object{f: "v"}.f, "e": string(has(Object{}.f)), "g": string(Object{f: "x"} == Object{f: "x"})}}]',
        (made) => made.metadata.labels,
        { a: 'true', b: 'false', c: '', d: 'v', e: 'false', g: 'true' },
      ],
      [
        replicas(
          'request.kind.kind == "Deployment" && authorizer.group("").resource("pods").check("get").allowed() ? 5 : 0',
        ),
        (made) => made.spec.replicas,
        5,
      ],
      [replicas('Object{}.?spec.hasValue() ? 1 : 4'), (made) => made.spec.replicas, 4],
    ];
    for (const [expression, of, want] of cases) {
      const made = await mutated({ mutations: [patches(expression)] }, deployment('x', { labels: { x: '1', y: '1' } }));
      assert.deepEqual(of(made), want, expression);
    }
  });

  test('what cannot be applied refuses in its words', async () => {
    const denied = "policy 'p' with binding 'p' denied request: ";
    const cases: readonly (readonly [object, string])[] = [
      [
        applies('Object{spec: Object.spec{selector: Object.spec.selector{}}}'),
        'error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.selector',
      ],
      [
        applies('Object{spec: Object.specx{replicas: 1}}'),
        'type mismatch: unexpected type name "Object.specx", expected "Object.spec", which matches field name path from root Object type',
      ],
      [
        applies('Object{spec: Object.spec{replicasx: 1}}'),
        'error applying patch: failed to convert patch object to typed object: .spec.replicasx: field not declared in schema',
      ],
      [
        patches('[JSONPatch{op: "replace", path: "/spec/template/spec/containers/-", value: {"name": "x"}}]'),
        'JSON Patch: replace operation does not apply: doc is missing key: /spec/template/spec/containers/-: missing value',
      ],
      [
        patches('[JSONPatch{op: "add", path: "/spec/none/x", value: 1}]'),
        'JSON Patch: add operation does not apply: doc is missing path: "/spec/none/x": missing value',
      ],
      [
        patches('[JSONPatch{op: "add", path: "/x", value: object.spec.none}]'),
        `expression '[JSONPatch{op: "add", path: "/x", value: object.spec.none}]' resulted in error: no such key: none`,
      ],
      [
        patches(
          replicas(
            '[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, [0,1,2,3,4,5,6,7,8,9].all(c, [0,1,2,3,4,5,6,7,8,9].all(d, [0,1,2,3,4,5,6,7,8,9].all(e, [0,1,2,3,4,5,6,7,8,9].all(f, a + b + c + d + e + f < 99)))))) ? 1 : 0',
          ),
        ),
        'resulted in error: operation cancelled: actual cost limit exceeded',
      ],
    ];
    for (const [mutation, why] of cases) {
      const answer = await mutate({ mutations: [mutation] }, deployment());
      assert.deepEqual([answer.code, answer.body['reason']], [403, 'Invalid'], answer.text);
      const message = String(answer.body['message']);
      assert.ok(message.startsWith(denied) && message.endsWith(why), message);
      const ignored = await mutated({ failurePolicy: 'Ignore', mutations: [mutation] }, deployment());
      assert.equal(ignored.spec.replicas, 1);
    }
    // What is no object of the kind is refused whatever the failurePolicy says.
    const field = patches('[JSONPatch{op: "add", path: "/spec/template/spec/containers/0", value: {"namez": "x"}}]');
    const unknown = await mutate({ failurePolicy: 'Ignore', mutations: [field] }, deployment());
    assert.equal(unknown.code, 500);
    assert.equal(
      unknown.body['message'],
      'Internal error occurred: strict decoding error: unknown field "spec.template.spec.containers[0].namez"',
    );
  });

  test('params that are not there, kinds that are not known, conditions that fail', async () => {
    const mutations = [applies('Object{spec: Object.spec{replicas: 2}}')];
    const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' };
    const none = { name: 'none', parameterNotFoundAction: 'Deny' };
    const missing = await mutate({ mutations, paramKind }, deployment(), { paramRef: none });
    assert.deepEqual(
      [missing.code, missing.body['reason'], missing.body['message']],
      [
        403,
        'Forbidden',
        "policy 'p' with binding 'p' denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
      ],
    );
    const paramRef = { ...none, parameterNotFoundAction: 'Allow' };
    assert.equal((await mutated({ mutations, paramKind }, deployment(), { paramRef })).spec.replicas, 1);
    const unknown = await mutate(
      { mutations, paramKind: { apiVersion: 'no.example.com/v1', kind: 'Gone' } },
      deployment(),
    );
    assert.equal(
      unknown.body['message'],
      `policy "p" denied request: failed to configure policy: failed to find resource referenced by paramKind: 'no.example.com/v1, Kind=Gone'`,
    );
    assert.deepEqual(unknown.body['details'], {
      name: 'x',
      group: 'apps',
      kind: 'deployments',
      causes: [{ message: unknown.body['message'] }],
    });
    const matchConditions = [{ name: 'c', expression: "object.metadata.labels.a == 'b'" }];
    const failing = await mutate({ mutations, matchConditions }, deployment());
    assert.match(
      String(failing.body['message']),
      /denied request: expression 'object.metadata.labels.a == 'b'' resulted in error: no such key: labels$/,
    );
    const other = deployment('x', { labels: { a: 'c' } });
    assert.equal((await mutated({ mutations, matchConditions }, other)).spec.replicas, 1);
  });

  test('those that ask for it come once more, over what came after them', async () => {
    const plus = (by: number): object => patches(replicas(`object.spec.replicas + ${String(by)}`));
    await install(client, 'a', { mutations: [plus(1)], reinvocationPolicy: 'IfNeeded' });
    await install(client, 'b', { mutations: [plus(10)] });
    try {
      const made = await client.call('POST', `${deployments}?dryRun=All`, deployment('x', { spec: { replicas: 0 } }));
      assert.equal((made.body as unknown as Made).spec.replicas, 12);
    } finally {
      await remove(client, 'a', 'b');
    }
  });

  test('in-tree admission sees what policies made, and defaults fill it', async () => {
    const pods = {
      resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    };
    const sidecar = 'Object{spec: Object.spec{containers: [Object.spec.containers{name: "side", image: "i"}]}}';
    await client.call('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'own' } });
    await install(client, 'p', { matchConstraints: pods, mutations: [applies(sidecar)] });
    try {
      const pod = {
        metadata: { name: 'x' },
        spec: { serviceAccountName: 'own', containers: [{ name: 'a', image: 'i' }] },
      };
      const { body, code, text } = await client.call('POST', '/api/v1/namespaces/default/pods?dryRun=All', pod);
      assert.equal(code, 201, text);
      type Container = {
        readonly name: string;
        readonly imagePullPolicy: string;
        readonly volumeMounts: readonly object[];
      };
      const { containers } = body['spec'] as { readonly containers: readonly Container[] };
      assert.deepEqual(
        containers.map(({ name, imagePullPolicy, volumeMounts }) => [name, imagePullPolicy, volumeMounts.length]),
        [
          ['a', 'Always', 1],
          ['side', 'Always', 1],
        ],
      );
    } finally {
      await remove(client, 'p');
    }
  });

  test('custom kinds merge by their own schema; updates see the old object', async () => {
    const schema = {
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          properties: {
            size: { type: 'integer' },
            parts: {
              type: 'array',
              'x-kubernetes-list-type': 'map',
              'x-kubernetes-list-map-keys': ['name'],
              items: {
                type: 'object',
                required: ['name'],
                properties: { name: { type: 'string' }, n: { type: 'integer' } },
              },
            },
          },
        },
      },
    };
    const made = await client.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: { name: 'toys.example.com' },
      spec: {
        group: 'example.com',
        names: { plural: 'toys', singular: 'toy', kind: 'Toy', listKind: 'ToyList' },
        scope: 'Namespaced',
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      },
    });
    assert.equal(made.code, 201, made.text);
    const expression = `Object{spec: Object.spec{
      size: oldObject == null ? 1 : oldObject.spec.size + 1, parts: [Object.spec.parts{name: "b", n: 2}]}}`;
    const toys = [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['*'], resources: ['toys'] }];
    await install(client, 'p', { matchConstraints: { resourceRules: toys }, mutations: [applies(expression)] });
    const path = '/apis/example.com/v1/namespaces/default/toys';
    const first = await client.call('POST', path, {
      apiVersion: 'example.com/v1',
      kind: 'Toy',
      metadata: { name: 't' },
      spec: { parts: [{ name: 'a', n: 1 }] },
    });
    assert.deepEqual(
      first.body['spec'],
      {
        size: 1,
        parts: [
          { name: 'a', n: 1 },
          { name: 'b', n: 2 },
        ],
      },
      first.text,
    );
    const second = await client.call(
      'PATCH',
      `${path}/t`,
      { metadata: { labels: { x: 'y' } } },
      { 'content-type': 'application/merge-patch+json' },
    );
    assert.equal((second.body['spec'] as { readonly size: number }).size, 2, second.text);
    assert.equal((await client.call('DELETE', `${path}/t`)).code, 200);
    await remove(client, 'p');
  });
});

test('validation, defaults and columns', async (t) => {
  const { client } = await startTestServer(t);
  const path = `${group}/mutatingadmissionpolicies`;
  const fine = [applies('Object{}')];
  const refused = async (spec: object): Promise<string> =>
    String((await client.call('POST', path, policy('p', spec))).body['message']);
  const invalid = 'MutatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: ';
  const cases: readonly (readonly [object, string])[] = [
    [{}, 'spec.mutations: Required value: mutations must contain at least one item'],
    [{ mutations: fine, reinvocationPolicy: '' }, 'spec.reinvocationPolicy: Required value'],
    [
      { mutations: fine, reinvocationPolicy: 'Often' },
      'spec.reinvocationPolicy: Unsupported value: "Often": supported values: "IfNeeded", "Never"',
    ],
    [
      { mutations: fine, matchConstraints: { resourceRules: [{ ...rule, operations: ['DELETE'] }] } },
      'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
    ],
    [
      { mutations: [{ patchType: 'Merge' }] },
      'spec.mutations[0].patchType: Unsupported value: "Merge": supported values: "ApplyConfiguration", "JSONPatch"',
    ],
    [
      { mutations: [{ patchType: 'JSONPatch' }] },
      'spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch',
    ],
    [
      { mutations: [{ ...fine[0], jsonPatch: { expression: '[]' } }] },
      'spec.mutations[0].jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration',
    ],
    [{ mutations: [applies('  ')] }, 'spec.mutations[0].applyConfiguration.expression: Required value'],
    [
      { mutations: [applies('"teapot"')] },
      'spec.mutations[0].applyConfiguration.expression: Invalid value: "\\"teapot\\"": must evaluate to Object but got string',
    ],
    [
      { mutations: [applies('Object.spec{}')] },
      'spec.mutations[0].applyConfiguration.expression: Invalid value: "Object.spec{}": must evaluate to Object but got Object.spec',
    ],
    [
      { mutations: [patches('[1]')] },
      'spec.mutations[0].jsonPatch.expression: Invalid value: "[1]": must evaluate to list(JSONPatch) but got list(int)',
    ],
    [
      { mutations: fine, variables: [{ name: 'in', expression: '1' }] },
      'spec.variables[0].name: Invalid value: "in": must be a valid CEL identifier',
    ],
  ];
  for (const [spec, why] of cases) assert.equal(await refused(spec), invalid + why);
  const compile = await refused({ mutations: [applies('Object{spec: nothing}')] });
  assert.match(compile, /compilation failed: ERROR: <input>:1:14: undeclared reference to 'nothing'/);
  const escape = await refused({ mutations: fine, variables: [{ name: 'v', expression: "jsonpatch.escapeKey('a')" }] });
  assert.match(escape, /undeclared reference to 'escapeKey'/);

  const made = await client.call('POST', path, policy('named.static.k8s.io', { mutations: fine }));
  assert.match(String(made.headers['warning']), /reserved for static manifest-based configurations/);
  const { spec, metadata } = made.body as {
    readonly spec: Record<string, unknown>;
    readonly metadata: Record<string, unknown>;
  };
  assert.equal(metadata['generation'], 1);
  assert.equal(spec['failurePolicy'], 'Fail');
  assert.deepEqual(spec['matchConstraints'], {
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    resourceRules: [{ ...rule, scope: '*' }],
  });
  const bad = binding('b', { matchResources: { resourceRules: [{ ...rule, operations: ['DELETE'] }] } });
  const bound = await client.call('POST', `${group}/mutatingadmissionpolicybindings`, bad);
  assert.match(
    String(bound.body['message']),
    /spec.matchResources.resourceRules.operations: Unsupported value: "DELETE"/,
  );
  const selector = { matchLabels: { a: 'b' } };
  await client.call(
    'POST',
    `${group}/mutatingadmissionpolicybindings`,
    binding('b', { paramRef: { selector, parameterNotFoundAction: 'Deny' } }),
  );
  const table = async (plural: string): Promise<unknown> => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const { body } = await client.call('GET', `${group}/${plural}`, undefined, { accept });
    const { columnDefinitions, rows } = body as unknown as {
      readonly columnDefinitions: readonly { readonly name: string }[];
      readonly rows: readonly { readonly cells: readonly unknown[] }[];
    };
    return [columnDefinitions.map(({ name }) => name), rows.map(({ cells }) => cells.slice(0, 3))];
  };
  assert.deepEqual(await table('mutatingadmissionpolicies'), [
    ['Name', 'Mutations', 'ParamKind', 'Age'],
    [['named.static.k8s.io', 1, '<unset>']],
  ]);
  assert.deepEqual(await table('mutatingadmissionpolicybindings'), [
    ['Name', 'PolicyName', 'ParamRef', 'Age'],
    [['b', 'b', '&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},}']],
  ]);
});

test('who has params looked at may look at them himself', async (t) => {
  const { client } = await startTestServer(t);
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const rules = [{ apiGroups: ['admissionregistration.k8s.io'], resources: ['*'], verbs: ['*'] }];
  await client.call('POST', `${rbac}/clusterroles`, { metadata: { name: 'r' }, rules });
  await client.call('POST', `${rbac}/clusterrolebindings`, {
    metadata: { name: 'r' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'r' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'eve' }],
  });
  const asEve = async (path: string, body: object): Promise<string> => {
    const answer = await client.call('POST', `${group}/${path}`, body, { 'impersonate-user': 'eve' });
    assert.equal(answer.code, 422, answer.text);
    return String(answer.body['message']).replace(/^\S+ "\S+" is invalid: /, '');
  };
  const mutations = [applies('Object{}')];
  const withParams = policy('p', { mutations, paramKind: { apiVersion: 'v1', kind: 'Secret' } });
  const who = '&{eve  [system:authenticated] map[]}';
  assert.equal(
    await asEve('mutatingadmissionpolicies', withParams),
    `spec.paramKind: Forbidden: user ${who} must have "get" permission on all objects of the referenced paramKind (kind=Secret, apiVersion=v1)`,
  );
  await client.call('POST', `${group}/mutatingadmissionpolicies`, withParams);
  const bound = binding('p', { paramRef: { name: 's', parameterNotFoundAction: 'Deny' } });
  assert.equal(
    await asEve('mutatingadmissionpolicybindings', bound),
    `spec.paramRef: Forbidden: user get does not have "${who}" permission on the object referenced by paramRef`,
  );
  assert.equal(
    await asEve('validatingadmissionpolicybindings', {
      metadata: { name: 'v' },
      spec: { ...(bound as { readonly spec: object }).spec, validationActions: ['Deny'] },
    }),
    `spec.paramRef: Forbidden: unable to get policy p to determine minimum required permissions and user ${who} does not have "get" permission for all groups, versions and resources`,
  );
});
