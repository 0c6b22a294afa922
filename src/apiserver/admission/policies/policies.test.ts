/** ValidatingAdmissionPolicies and match conditions, by requests. Texts: upstream's validating/dispatcher.go and validator.go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { startTestServer } from '../../testing.ts';

const group = '/apis/admissionregistration.k8s.io/v1';
const maps = '/api/v1/namespaces/default/configmaps';

type Server = Awaited<ReturnType<typeof startTestServer>>;

function policy(name: string, spec: object): object {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE', 'DELETE'],
            resources: ['configmaps'],
          },
        ],
      },
      ...spec,
    },
  };
}

function binding(name: string, spec: object = {}): object {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name, validationActions: ['Deny'], ...spec },
  };
}

async function install(t: TestContext, spec: object, bound: object = {}): Promise<Server['client']> {
  const { client } = await startTestServer(t);
  const made = await client.call('POST', `${group}/validatingadmissionpolicies`, policy('p', spec));
  assert.equal(made.code, 201, made.text);
  const tied = await client.call('POST', `${group}/validatingadmissionpolicybindings`, binding('p', bound));
  assert.equal(tied.code, 201, tied.text);
  return client;
}

function map(name: string, data: object = {}, labels: object = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data };
}

test('a policy is asked before the store refuses a version of what is new, or a name that is taken', async (t) => {
  const client = await install(t, { validations: [{ expression: "!has(object.data) || !('no' in object.data)" }] });
  const make = (data: object, resourceVersion?: string): ReturnType<typeof client.call> =>
    client.call('POST', maps, { metadata: { name: 'x', resourceVersion }, data });
  assert.equal((await make({ no: '' }, '1')).code, 422);
  const versioned = await make({}, '1');
  assert.equal(versioned.code, 500);
  assert.equal(versioned.body['message'], 'resourceVersion should not be set on objects to be created');
  assert.equal((await make({})).code, 201);
  assert.equal((await make({ no: '' })).code, 422);
  assert.equal((await make({})).code, 409);
});

test('a policy denies with its message, reason and code; deletions too', async (t) => {
  const client = await install(t, {
    variables: [{ name: 'mine', expression: "object == null || object.metadata.name.startsWith('a')" }],
    validations: [
      { expression: 'variables.mine', messageExpression: "'not ' + object.metadata.name", reason: 'Forbidden' },
      { expression: "request.operation != 'DELETE' || oldObject.metadata.name != 'akept'", message: 'kept' },
    ],
  });
  const bad = await client.call('POST', maps, map('b'));
  assert.equal(bad.code, 403, bad.text);
  const by = "ValidatingAdmissionPolicy 'p' with binding 'p' denied request:";
  assert.equal(bad.body['message'], `configmaps "b" is forbidden: ${by} not b`);
  assert.equal((await client.call('POST', maps, map('a'))).code, 201);
  assert.equal((await client.call('DELETE', `${maps}/a`)).code, 200);
  assert.equal((await client.call('POST', maps, map('akept'))).code, 201);
  const kept = await client.call('DELETE', `${maps}/akept`);
  assert.equal(kept.code, 422, kept.text);
  assert.equal(kept.body['reason'], 'Invalid');
  assert.equal(kept.body['message'], `configmaps "akept" is forbidden: ${by} kept`);
  const all = await client.call('DELETE', maps);
  assert.equal(all.code, 422, all.text);
});

test('match conditions, exclusions and selectors narrow it', async (t) => {
  const client = await install(
    t,
    {
      matchConditions: [{ name: 'not-me', expression: "!object.metadata.name.startsWith('free')" }],
      validations: [{ expression: 'false' }],
    },
    { matchResources: { objectSelector: { matchLabels: { watched: 'yes' } } } },
  );
  assert.equal((await client.call('POST', maps, map('unlabelled'))).code, 201);
  assert.equal((await client.call('POST', maps, map('free', {}, { watched: 'yes' }))).code, 201);
  const denied = await client.call('POST', maps, map('other', {}, { watched: 'yes' }));
  assert.match(String(denied.body['message']), /denied request: failed expression: false$/);
});

test('params come by name or selector; without any the binding says what happens', async (t) => {
  const client = await install(
    t,
    {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      validations: [
        { expression: "!has(object.data) || !('n' in object.data) || int(object.data.n) <= int(params.data.most)" },
      ],
    },
    {
      paramRef: {
        selector: { matchLabels: { limits: 'yes' } },
        namespace: 'kube-system',
        parameterNotFoundAction: 'Deny',
      },
      matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } },
    },
  );
  const none = await client.call('POST', maps, map('x', { n: '1' }));
  assert.match(
    String(none.body['message']),
    /failed to configure binding: no params found for policy binding with `Deny`/,
  );
  const limit = map('limit', { most: '5' }, { limits: 'yes' });
  const made = await client.call('POST', '/api/v1/namespaces/kube-system/configmaps', limit);
  assert.equal(made.code, 201, made.text);
  assert.equal((await client.call('POST', maps, map('x', { n: '5' }))).code, 201);
  assert.equal((await client.call('POST', maps, map('y', { n: '6' }))).code, 422);
});

test("Warn warns; what fails is the failure policy's", async (t) => {
  const warned = await install(
    t,
    { validations: [{ expression: 'false', message: 'mind' }] },
    { validationActions: ['Warn', 'Audit'] },
  );
  const answer = await warned.call('POST', maps, map('w'));
  assert.equal(answer.code, 201, answer.text);
  assert.match(
    String(answer.headers['warning']),
    /Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p': mind/,
  );
  const failing = { validations: [{ expression: "object.data.nothing == 'x'" }] };
  const closed = await install(t, failing);
  const refused = await closed.call('POST', maps, map('f', { a: 'b' }));
  assert.match(
    String(refused.body['message']),
    /denied request: expression 'object.data.nothing == 'x'' resulted in error: no such key: nothing$/,
  );
  const open = await install(t, { ...failing, failurePolicy: 'Ignore' });
  assert.equal((await open.call('POST', maps, map('f', { a: 'b' }))).code, 201);
});

test('the authorizer is asked as who asks', async (t) => {
  const client = await install(t, {
    validations: [
      { expression: "authorizer.group('').resource('pods').namespace('default').check('create').allowed()" },
      { expression: "!authorizer.serviceAccount('default', 'x').group('').resource('pods').check('create').allowed()" },
      { expression: "authorizer.requestResource.check('update').allowed()" },
    ],
  });
  assert.equal((await client.call('POST', maps, map('m'))).code, 201);
});

test('a policy is refused for what does not compile, and told what does not fit the schema', async (t) => {
  const { client } = await startTestServer(t);
  const post = (spec: object): ReturnType<typeof client.call> =>
    client.call('POST', `${group}/validatingadmissionpolicies`, policy('q', spec));
  const syntax = await post({ validations: [{ expression: 'object.' }] });
  assert.equal(syntax.code, 422, syntax.text);
  assert.match(
    String(syntax.body['message']),
    /spec.validations\[0\].expression: Invalid value: "object.": compilation failed: ERROR: <input>:1:8: Syntax error/,
  );
  const kind = await post({ validations: [{ expression: '1' }] });
  assert.match(String(kind.body['message']), /must evaluate to bool but got int$/);
  const none = await post({});
  assert.match(String(none.body['message']), /validations or auditAnnotations must contain at least one item/);
  const typo = await post({ validations: [{ expression: 'object.dota == {}' }] });
  assert.equal(typo.code, 201, typo.text);
  const { status } = typo.body as {
    status: { observedGeneration: number; typeChecking: { expressionWarnings: { warning: string }[] } };
  };
  assert.equal(status.observedGeneration, 1);
  assert.match(
    status.typeChecking.expressionWarnings[0]?.warning ?? '',
    /^v1, Kind=ConfigMap: compilation failed: ERROR: <input>:1:7: undefined field 'dota'/,
  );
});
