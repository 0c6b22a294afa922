/** `kubectl apply --server-side` and its relatives, with the real kubectl: ownership as people see it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { startTestServer, writeKubeconfig } from './testing.ts';

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const web = (replicas: number, image: string, env: readonly string[], labels = '{app: web}'): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default, labels: ${labels}, finalizers: [example.org/hold]}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: c
        image: ${image}
        ports: [{containerPort: 80}]
        env: [${env.map((name) => `{name: ${name}, value: x}`).join(', ')}]
`;

const service = (port: number, labels: string): string => `
apiVersion: v1
kind: Service
metadata: {name: s, namespace: default, labels: ${labels}}
spec: {selector: {app: web}, ports: [{name: http, port: ${port}}]}
`;

test('kubectl and field ownership', async (t) => {
  const server = await startTestServer(t);
  const kubeconfig = writeKubeconfig(server.dir, server.address);
  const k = (words: readonly string[], env: Record<string, string> = {}): Promise<Run> => {
    const { promise, resolve } = Promise.withResolvers<Run>();
    const args = ['--kubeconfig', kubeconfig, '--cache-dir', join(server.dir, 'cache'), ...words];
    execFile('kubectl', args, { timeout: 60_000, env: { ...process.env, ...env } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err }),
    );
    return promise;
  };
  const file = (text: string): string => {
    const path = join(server.dir, 'manifest.yaml');
    writeFileSync(path, text);
    return path;
  };
  const says = async (expected: string | RegExp, ...words: string[]): Promise<void> => {
    const { code, out, err } = await k(words);
    assert.equal(code, 0, out + err);
    if (typeof expected === 'string') assert.equal(out, expected);
    else assert.match(out, expected);
  };
  const fails = async (expected: RegExp, ...words: string[]): Promise<void> => {
    const { code, err } = await k(words);
    assert.notEqual(code, 0);
    assert.match(err, expected);
  };
  const apply = (text: string, ...words: string[]): string[] => ['apply', '--server-side', '-f', file(text), ...words];
  const applied = 'deployment.apps/web serverside-applied\n';
  const field = (path: string): string[] => ['get', 'deploy', 'web', '-o', `jsonpath={${path}}`];
  const version = async (): Promise<string> => (await k(field('.metadata.resourceVersion'))).out;
  const container = '.spec.template.spec.containers[0]';

  await t.test('creates, changes, and takes away what is left out', async () => {
    await says(applied, ...apply(web(2, 'nginx', ['A', 'B'], '{app: web, tier: front}')));
    await says('["example.org/hold"]', ...field('.metadata.finalizers'));
    await says(applied, ...apply(web(3, 'nginx', ['A'])));
    await says('3 {"app":"web"} A', ...field(`.spec.replicas} {.metadata.labels} {${container}.env[*].name`));
  });

  await t.test('owners are hidden, and shown when asked for', async () => {
    assert.doesNotMatch((await k(['get', 'deploy', 'web', '-o', 'yaml'])).out, /managedFields/);
    await says(
      /manager: kubectl\n {4}operation: Apply\n/,
      'get',
      'deploy',
      'web',
      '-o',
      'yaml',
      '--show-managed-fields',
    );
  });

  await t.test('the same again changes nothing', async () => {
    const before = await version();
    await says(applied, ...apply(web(3, 'nginx', ['A'])));
    assert.equal(await version(), before);
  });

  await t.test('conflicts with appliers, with set, with scale; force', async () => {
    await fails(
      /^error: Apply failed with 1 conflict: conflict with "kubectl": \.spec\.replicas\nPlease review the fields above/,
      ...apply(web(5, 'nginx', ['A']), '--field-manager=other'),
    );
    await says(applied, ...apply(web(5, 'nginx', ['A']), '--field-manager=other', '--force-conflicts'));
    await says('5', ...field('.spec.replicas'));
    await says('deployment.apps/web image updated\n', 'set', 'image', 'deploy/web', 'c=httpd');
    await says('deployment.apps/web scaled\n', 'scale', 'deploy/web', '--replicas=7');
    await fails(
      /Apply failed with 2 conflicts: conflicts with "kubectl" with subresource "scale" using apps\/v1:\n- \.spec\.replicas\nconflicts with "kubectl-set" using apps\/v1:\n- \.spec\.template\.spec\.containers\[name="c"\]\.image\n/,
      ...apply(web(5, 'nginx', ['A']), '--field-manager=other'),
    );
    await says(applied, ...apply(web(5, 'nginx', ['A', 'B']), '--force-conflicts'));
    await says('5 nginx', ...field(`.spec.replicas} {${container}.image`));
  });

  await t.test('what label and edit say is theirs', async () => {
    await says('deployment.apps/web labeled\n', 'label', 'deploy/web', 'by=label');
    const edited = await k(['edit', 'deploy', 'web'], { KUBE_EDITOR: 'sed -i s/by:.label/by:\\ edit/' });
    assert.equal(edited.out, 'deployment.apps/web edited\n', edited.err);
    await says(applied, ...apply(web(5, 'nginx', ['A', 'B']), '--force-conflicts'));
    await says('edit', ...field('.metadata.labels.by'));
    await says(/"manager":"kubectl-edit","operation":"Update"/, ...field('.metadata.managedFields'));
  });

  await t.test('diff and dry run change nothing', async () => {
    const before = await version();
    const manifest = file(web(9, 'nginx', ['A', 'B']));
    const diff = await k(['diff', '--server-side', '--force-conflicts', '-f', manifest]);
    assert.equal(diff.code, 1, diff.err);
    assert.match(diff.out, /\n- {2}replicas: 5\n\+ {2}replicas: 9\n/);
    await says(
      /serverside-applied \(server dry run\)/,
      ...apply(web(9, 'nginx', []), '--dry-run=server', '--force-conflicts'),
    );
    assert.equal(await version(), before);
  });

  await t.test('from the client side to the server side and back', async () => {
    await says('service/s created\n', 'apply', '-f', file(service(80, '{a: b, gone: x}')));
    const toServer = await k(apply(service(80, '{a: c}')));
    assert.equal(toServer.out, 'service/s serverside-applied\n', toServer.err);
    await says('{"a":"c"}', 'get', 'svc', 's', '-o', 'jsonpath={.metadata.labels}');
    await says(/labels:\n {4}a: c\n/, 'apply', 'view-last-applied', 'svc', 's');
    await says('service/s configured\n', 'apply', '-f', file(service(80, '{a: d}')));
    await says('{"a":"d"}', 'get', 'svc', 's', '-o', 'jsonpath={.metadata.labels}');
  });

  await t.test('what does not fit is refused in upstream’s words', async () => {
    const bad = service(80, '{a: b}').replace('selector:', 'selektor:');
    await fails(
      /^Error from server: failed to create typed patch object \(default\/s; \/v1, Kind=Service\): \.spec\.selektor: field not declared in schema\n$/,
      ...apply(bad),
    );
  });

  await t.test('who may patch but not create does not create by applying', async () => {
    const role = ['create', 'clusterrole', 'patcher', '--verb=get,patch', '--resource=services'];
    assert.equal((await k(role)).code, 0);
    assert.equal((await k(['create', 'clusterrolebinding', 'p', '--clusterrole=patcher', '--user=pat'])).code, 0);
    const created = service(80, '{a: b}').replace('name: s,', 'name: fresh,');
    await fails(
      /services "fresh" is forbidden: User "pat" cannot create resource "services"/,
      ...apply(created, '--as=pat'),
    );
    await fails(/services "fresh" not found/, 'get', 'service', 'fresh');
  });
});
