/** The real kubectl, unchanged, against the real server: what people type. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { startTestServer, writeKubeconfig } from './testing.ts';

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function cluster(
  t: TestContext,
): Promise<{ dir: string; kubeconfig: string; k: (...words: string[]) => Promise<Run> }> {
  const server = await startTestServer(t);
  const kubeconfig = writeKubeconfig(server.dir, server.address);
  const k = (...words: string[]): Promise<Run> => {
    const { promise, resolve } = Promise.withResolvers<Run>();
    const args = ['--kubeconfig', kubeconfig, '--cache-dir', join(server.dir, 'cache'), ...words];
    execFile('kubectl', args, { timeout: 60_000 }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err }),
    );
    return promise;
  };
  return { dir: server.dir, kubeconfig, k };
}

async function says(run: Promise<Run>, expected: string | RegExp): Promise<string> {
  const { code, out, err } = await run;
  assert.equal(code, 0, out + err);
  if (typeof expected === 'string') assert.equal(out, expected);
  else assert.match(out, expected);
  return out;
}

test('create, get, label, scale, expose, describe, delete', async (t) => {
  const { k } = await cluster(t);
  await says(k('create', 'deployment', 'web', '--image=nginx'), 'deployment.apps/web created\n');
  await says(k('get', 'deploy'), /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/1 +0 +0 +\d+s\n$/);
  await says(k('scale', 'deploy', 'web', '--replicas=3'), 'deployment.apps/web scaled\n');
  await says(k('get', 'deploy', 'web', '--subresource=scale'), /^NAME +DESIRED +AVAILABLE +AGE\nweb +3 +0 +\d+s\n$/);
  await says(k('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}'), '3');
  await says(
    k('expose', 'deployment', 'web', '--name=np', '--port=80', '--target-port=8080', '--type=NodePort'),
    'service/np exposed\n',
  );
  await says(
    k('get', 'svc', 'np'),
    /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nnp +NodePort +10\.96\.\d+\.\d+ +<none> +80:3\d{4}\/TCP +\d+s\n$/,
  );
  await says(k('label', 'svc', 'np', 'tier=front'), 'service/np labeled\n');
  await says(k('get', 'svc', '-l', 'tier=front', '-o', 'name'), 'service/np\n');
  await says(k('annotate', 'svc', 'np', 'note=x'), 'service/np annotated\n');
  await says(k('describe', 'svc', 'np'), /Type: +NodePort\n.*\nIP Families: +IPv4/s);
  await says(k('set', 'image', 'deploy/web', 'nginx=httpd'), 'deployment.apps/web image updated\n');
  await says(k('patch', 'svc', 'np', '-p', '{"spec":{"ports":[{"port":80,"name":"web"}]}}'), 'service/np patched\n');
  await says(k('get', 'svc', 'np', '-o', 'jsonpath={.spec.ports[*].name}{.spec.ports[*].targetPort}'), 'web8080');
  await says(k('delete', 'svc', 'np'), 'service "np" deleted\n');
  const gone = await k('get', 'svc', 'np');
  assert.equal(gone.err, 'Error from server (NotFound): services "np" not found\n');
});

test('apply: create, change, no change, a field that does not exist', async (t) => {
  const { k, dir } = await cluster(t);
  const file = join(dir, 'svc.yaml');
  const write = (port: string): void =>
    writeFileSync(
      file,
      `apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {app: web}\n  ports: [{port: ${port}}]\n`,
    );
  write('80');
  await says(k('apply', '-f', file), 'service/web created\n');
  await says(k('apply', '-f', file), 'service/web unchanged\n');
  write('81, bogus: 1');
  const strict = await k('apply', '-f', file);
  assert.match(strict.err, /strict decoding error: unknown field "spec\.ports\[0\]\.bogus"/);
  const warned = await k('apply', '--validate=warn', '-f', file);
  assert.match(warned.err, /^Warning: unknown field "spec\.ports\[0\]\.bogus"/m);
  assert.equal(warned.out, 'service/web configured\n');
  await says(k('get', 'svc', 'web', '-o', 'jsonpath={.spec.ports[*].port}'), '81');
  await says(k('diff', '-f', file, '--field-manager=x'), '').catch(() => undefined);
  await says(k('delete', '-f', file), 'service "web" deleted\n');
});

test('discovery, explain, whoami, can-i, wait, raw, token', async (t) => {
  const { k } = await cluster(t);
  await says(k('api-resources', '--namespaced=true', '-o', 'name'), /^services$/m);
  await says(k('api-versions'), /^apps\/v1\n.*^v1$/ms);
  await says(k('explain', 'service.spec.ports.nodePort'), /FIELD: nodePort <integer>/);
  await says(k('auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}'), 'kubernetes-admin');
  await says(k('auth', 'can-i', 'create', 'pods'), 'yes\n');
  await says(k('auth', 'can-i', '--list'), /^\*\.\* +\[\] +\[\] +\[\*\]$/m);
  await says(k('get', '--raw', '/readyz?verbose'), /readyz check passed/);
  await says(k('create', 'sa', 'robot'), 'serviceaccount/robot created\n');
  await says(k('create', 'token', 'robot'), /^ey[\w-]+\.[\w-]+\.[\w-]+\n?$/);
  await says(k('create', 'ns', 'x'), 'namespace/x created\n');
  await says(
    k('wait', '--for=jsonpath={.status.phase}=Active', 'ns/x', '--timeout=20s'),
    'namespace/x condition met\n',
  );
  await says(k('create', 'configmap', 'c', '--from-literal=a=b', '-n', 'x'), 'configmap/c created\n');
  await says(k('create', 'secret', 'generic', 's', '--from-literal=a=b', '-n', 'x'), 'secret/s created\n');
  await says(k('get', 'cm,secret', '-n', 'x', '-o', 'jsonpath={.items[*].data}'), '{"a":"b"} {"a":"Yg=="}');
});

test('Endpoints answer with their deprecation, reads and watches too', async (t) => {
  const { k } = await cluster(t);
  const warning = 'Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\n';
  assert.equal((await k('get', 'endpoints', 'nobody', '--ignore-not-found')).err, warning);
  assert.equal((await k('get', '--raw', '/api/v1/endpoints?watch=1&timeoutSeconds=1')).err, warning);
  assert.equal((await k('get', 'endpointslices', '-o', 'name')).err, '');
});

test('get -w shows what happens as it happens', async (t) => {
  const { k, kubeconfig } = await cluster(t);
  const watch = spawn('kubectl', ['--kubeconfig', kubeconfig, 'get', 'cm', '-w'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => watch.kill('SIGKILL'));
  const lines = createInterface({ input: watch.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value).replace(/ +/g, ' ');
  await says(k('create', 'configmap', 'first', '--from-literal=a=b'), 'configmap/first created\n');
  assert.equal(await line(), 'NAME DATA AGE');
  assert.match(await line(), /^first 1 /);
  await says(k('create', 'configmap', 'second'), 'configmap/second created\n');
  assert.match(await line(), /^second 0 /);
});

test('errors as people know them', async (t) => {
  const { k } = await cluster(t);
  const refused = async (expected: RegExp, ...words: string[]): Promise<void> =>
    assert.match((await k(...words)).err, expected);
  await refused(/error: the server doesn't have a resource type "widgets"/, 'get', 'widgets');
  await refused(/namespaces "nowhere" not found/, 'create', 'configmap', 'c', '-n', 'nowhere');
  await refused(
    /Service "n" is invalid: spec\.ports\[0\]\.nodePort: Invalid value: 80: provided port is not in the valid range/,
    'create',
    'service',
    'nodeport',
    'n',
    '--tcp=80:80',
    '--node-port=80',
  );
  await refused(
    /namespaces "kube-system" is forbidden: this namespace may not be deleted/,
    'delete',
    'ns',
    'kube-system',
  );
});
