/** `kubectl apply --server-side` of a custom kind: its schema says how lists merge, what is defaulted and what is no field at all. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { kubectlPath } from '../../../test/support/kubectl.ts';
import type { ManagedFieldsEntry, ObjectMeta } from '../../api/gen/types.ts';
import { startTestServer, writeKubeconfig } from '../testing.ts';
import { crontab, crontabs } from './fixtures.ts';

const path = '/apis/stable.example.com/v1/namespaces/default/crontabs';
const applyPatch = { 'content-type': 'application/apply-patch+yaml' };
const applied = 'crontab.stable.example.com/one serverside-applied\n';

interface CronTab {
  readonly metadata: ObjectMeta & { readonly resourceVersion: string };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

test('server-side apply of a custom kind', async (t) => {
  const { dir, address, client } = await startTestServer(t);
  const options = ['--kubeconfig', writeKubeconfig(dir, address), '--cache-dir', join(dir, 'cache')];
  const k = async (words: string, stdin?: object): Promise<string> => {
    const env = { ...process.env, HOME: dir };
    const child = spawn(kubectlPath(), [...words.split(' '), ...options], { env, timeout: 60_000 });
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin === undefined ? '' : JSON.stringify(stdin));
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return out + err;
  };
  const apply = (spec: object, words = ''): Promise<string> =>
    k(`apply --server-side -f -${words}`, crontab('one', spec as Record<string, unknown>));
  const get = async (name = 'one'): Promise<CronTab> =>
    (await client.call('GET', `${path}/${name}`)).body as unknown as CronTab;
  const ownerOf = ({ metadata }: CronTab, manager: string, subresource?: string): ManagedFieldsEntry | undefined =>
    metadata.managedFields?.find((entry) => entry.manager === manager && entry.subresource === subresource);
  const definition = await client.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crontabs());
  assert.equal(definition.code, 201, definition.text);

  await t.test('creates; what the schema fills in is nobody’s', async () => {
    assert.equal(await apply({ ports: [{ name: 'a' }], tags: ['x'] }), applied);
    const one = await get();
    const ports = [{ name: 'a', number: 80 }];
    assert.deepEqual(one.spec, { schedule: '* * * * *', ports, tags: ['x'], replicas: 1 });
    assert.equal(one.metadata.generation, 1);
    const [entry, ...more] = one.metadata.managedFields ?? [];
    assert.deepEqual(more, []);
    const { time: _time, ...rest } = entry ?? {};
    assert.deepEqual(rest, {
      manager: 'kubectl',
      operation: 'Apply',
      apiVersion: 'stable.example.com/v1',
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:spec': {
          'f:ports': { 'k:{"name":"a"}': { '.': {}, 'f:name': {} } },
          'f:schedule': {},
          'f:tags': { 'v:"x"': {} },
        },
      },
    });
  });

  await t.test('the same again changes nothing', async () => {
    const before = await get();
    assert.equal(await apply({ ports: [{ name: 'a' }], tags: ['x'] }), applied);
    assert.deepEqual(await get(), before);
  });

  await t.test('two managers share lists by key and by value; who leaves out takes away only his own', async () => {
    const other = ' --field-manager=other';
    assert.equal(await apply({ ports: [{ name: 'b', number: 1 }], tags: ['x', 'y'] }, other), applied);
    const both = await get();
    assert.deepEqual(both.spec['ports'], [
      { name: 'a', number: 80 },
      { name: 'b', number: 1 },
    ]);
    assert.deepEqual(both.spec['tags'], ['x', 'y']);
    assert.equal(both.metadata.generation, 2);
    assert.equal(await apply({}), applied);
    const { spec } = await get();
    assert.deepEqual([spec['ports'], spec['tags']], [[{ name: 'b', number: 1 }], ['x', 'y']]);
  });

  await t.test('conflicts with appliers, with scale; force', async () => {
    assert.match(
      await apply({ schedule: '1 * * * *' }),
      /Apply failed with 1 conflict: conflict with "other": \.spec\.schedule\n/,
    );
    assert.equal(await apply({ schedule: '1 * * * *', replicas: 2 }, ' --force-conflicts'), applied);
    assert.equal((await get()).spec['schedule'], '1 * * * *');
    assert.equal(await k('scale ct/one --replicas=3'), 'crontab.stable.example.com/one scaled\n');
    assert.deepEqual(ownerOf(await get(), 'kubectl', 'scale')?.fieldsV1, { 'f:spec': { 'f:replicas': {} } });
    assert.match(
      await apply({ schedule: '1 * * * *', replicas: 2 }),
      /conflict with "kubectl" with subresource "scale" using stable\.example\.com\/v1: \.spec\.replicas\n/,
    );
  });

  await t.test('status by its own endpoint, and nothing else there', async () => {
    const status = { replicas: 3, conditions: [{ type: 'Ready', status: 'True' }] };
    const body = { ...crontab('one', { schedule: '9 * * * *' }), status };
    assert.equal(await k('apply --server-side --subresource=status -f - --field-manager=ctl', body), applied);
    const one = await get();
    assert.deepEqual([one.status, one.spec['schedule']], [status, '1 * * * *']);
    assert.deepEqual(ownerOf(one, 'ctl', 'status')?.fieldsV1, { 'f:status': { 'f:conditions': {}, 'f:replicas': {} } });
    const main = await client.call('PATCH', `${path}/one?fieldManager=main`, { ...crontab('one'), status }, applyPatch);
    assert.equal(main.code, 409, main.text);
    const only = { ...crontab('one'), spec: undefined, status: { replicas: 9 } };
    const ignored = await client.call('PATCH', `${path}/one?fieldManager=main`, only, applyPatch);
    assert.equal(ignored.code, 200, ignored.text);
    assert.deepEqual((await get()).status, status);
    assert.equal(ownerOf(await get(), 'main'), undefined);
  });

  await t.test('another version of the same object', async () => {
    const body = { ...crontab('one'), apiVersion: 'stable.example.com/v1beta1', spec: { policy: 'Allow' } };
    const words = 'apply --server-side -f - --field-manager=beta';
    assert.equal(await k(words, body), applied);
    const one = await get();
    assert.equal(ownerOf(one, 'beta')?.apiVersion, 'stable.example.com/v1beta1');
    assert.equal(one.spec['policy'], 'Allow');
    assert.match(
      await apply({ schedule: '1 * * * *', policy: 'Forbid' }),
      /conflicts? with "beta"(.|\n)*\.spec\.policy/,
    );
    assert.equal(await k(words, { ...body, spec: {} }), applied);
    assert.equal((await get()).spec['policy'], undefined);
  });

  await t.test('what does not fit the schema is refused in upstream’s words', async () => {
    const where = String.raw`failed to create typed patch object \(default/one; stable\.example\.com/v1, Kind=CronTab\): `;
    const cases: readonly (readonly [object, string])[] = [
      [{ odd: 1 }, String.raw`\.spec\.odd: field not declared in schema`],
      [{ replicas: 'two' }, String.raw`\.spec\.replicas: expected numeric \(int or float\), got string`],
      [{ ports: [{ name: 'a' }, { name: 'a' }] }, String.raw`\.spec\.ports: duplicate entries for key \[name="a"\]`],
    ];
    for (const [spec, why] of cases) assert.match(await apply(spec), new RegExp(where + why));
    assert.match(
      await apply({ schedule: '1 * * * *', replicas: 99 }, ' --force-conflicts'),
      /The CronTab "one" is invalid: spec\.replicas: Invalid value: 99/,
    );
    const free = { schedule: '1 * * * *', free: { any: { thing: [1] } } };
    assert.equal(await apply(free), applied);
    assert.deepEqual((await get()).spec['free'], { any: { thing: [1] } });
  });

  await t.test('diff and dry run change nothing', async () => {
    const before = await get();
    const next = crontab('one', { schedule: '2 * * * *' });
    assert.match(
      await k('diff --server-side -f -', next),
      /\n- {2}schedule: 1 \* \* \* \*\n\+ {2}schedule: 2 \* \* \* \*\n/,
    );
    assert.match(await apply({ schedule: '2 * * * *' }, ' --dry-run=server'), /\(server dry run\)\n$/);
    assert.deepEqual(await get(), before);
  });

  await t.test('from the client side to the server side; other writes own what they change', async () => {
    assert.match(await k('apply -f -', crontab('two', { policy: 'Allow', tags: ['t'] })), /two created\n$/);
    const owner = ownerOf(await get('two'), 'kubectl-client-side-apply');
    assert.equal(owner?.operation, 'Update');
    assert.match(await k('apply --server-side -f -', crontab('two', { tags: ['t'] })), /two serverside-applied\n$/);
    const two = await get('two');
    assert.deepEqual([two.spec['policy'], two.spec['tags']], [undefined, ['t']]);
    await k('patch ct two --type=merge -p {"spec":{"policy":"Forbid"}}');
    assert.deepEqual(ownerOf(await get('two'), 'kubectl-patch')?.fieldsV1, { 'f:spec': { 'f:policy': {} } });
    const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
    const refused = await client.call('PATCH', `${path}/two`, {}, strategic);
    assert.equal(refused.code, 415);
    assert.match(refused.text, /application\/apply-patch\+yaml/);
  });
});
