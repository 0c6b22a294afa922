/** The real kubectls that read OpenAPI v2: today's for a kind that is not there, and Debian bookworm's 1.20 for all that it writes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { kubectlPath, oldKubectlPath } from '../../test/support/kubectl.ts';
import { startTestServer, writeKubeconfig } from './testing.ts';

interface Kubectl {
  readonly dir: string;
  /** stdout and stderr of one command, with `stdin`. */
  readonly k: (words: string, stdin?: string) => Promise<string>;
}

async function start(t: TestContext, kubectl: string): Promise<Kubectl> {
  const { dir, address } = await startTestServer(t);
  const options = ['--kubeconfig', writeKubeconfig(dir, address), '--cache-dir', join(dir, 'cache')];
  const env = { ...process.env, HOME: dir, KUBE_EDITOR: join(dir, 'editor') };
  const k = async (words: string, stdin = ''): Promise<string> => {
    const child = spawn(kubectl, [...words.split(' '), ...options], { env, timeout: 60_000 });
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return out + err;
  };
  return { dir, k };
}

const service = (spec: string): string => `apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {${spec}}\n`;
const misspelt = 'apiVersion: v1\nkind: Servce\nmetadata: {name: x}\n';

test('a kind that does not exist, in the words of today’s kubectl and of 1.20', async (t) => {
  const [now, then] = await Promise.all([start(t, kubectlPath()), start(t, oldKubectlPath())]);
  assert.equal(
    await now.k('create -f -', misspelt),
    'error: resource mapping not found for name: "x" namespace: "" from "STDIN": no matches for kind "Servce" in version "v1"\n' +
      'ensure CRDs are installed first\n',
  );
  assert.equal(
    await then.k('create -f -', misspelt),
    'error: unable to recognize "STDIN": no matches for kind "Servce" in version "v1"\n',
  );
});

test('kubectl 1.20: create, apply and change', async (t) => {
  const { k } = await start(t, oldKubectlPath());
  const first = service('ports: [{port: 80, targetPort: 8080}], selector: {app: web}');
  assert.equal(await k('apply -f -', first), 'service/web created\n');
  assert.equal(await k('apply -f -', first), 'service/web unchanged\n');
  assert.equal(await k('apply -f -', first.replace('8080', 'http')), 'service/web configured\n');
  assert.equal(await k('get svc web -o jsonpath={.spec.ports[0].targetPort}'), 'http');
  assert.equal(
    await k('create -f -', first),
    'Error from server (AlreadyExists): error when creating "STDIN": services "web" already exists\n',
  );
  assert.equal(
    await k('create -f - --dry-run=server', first.replace('name: web', 'name: b')),
    'service/b created (server dry run)\n',
  );
});

test('kubectl 1.20: what it refuses before it asks', async (t) => {
  const { k } = await start(t, oldKubectlPath());
  const refused = async (spec: string, why: string): Promise<void> =>
    assert.equal(
      await k('create -f -', service(spec)),
      `error: error validating "STDIN": error validating data: ${why}; if you choose to ignore these errors, turn validation off with --validate=false\n`,
    );
  await Promise.all([
    refused(
      'prots: [{port: 80}]',
      'ValidationError(Service.spec): unknown field "prots" in io.k8s.api.core.v1.ServiceSpec',
    ),
    refused(
      'ports: [{targetPort: 80}]',
      'ValidationError(Service.spec.ports[0]): missing required field "port" in io.k8s.api.core.v1.ServicePort',
    ),
    refused(
      'ports: [{port: x}]',
      'ValidationError(Service.spec.ports[0].port): invalid type for io.k8s.api.core.v1.ServicePort.port: got "string", expected "integer"',
    ),
  ]);
});

test('kubectl 1.20: explain, expose, scale, label, edit, describe, delete', async (t) => {
  const { k, dir } = await start(t, oldKubectlPath());
  assert.match(
    await k('explain service.spec.ports.targetPort'),
    /^KIND: +Service\nVERSION: +v1\n\nFIELD: +targetPort <string>\n\nDESCRIPTION:\n +Number or name of the port/,
  );
  assert.equal(await k('create deployment web --image=nginx'), 'deployment.apps/web created\n');
  assert.equal(await k('scale deploy web --replicas=3'), 'deployment.apps/web scaled\n');
  assert.equal(await k('expose deploy web --port=80 --type=NodePort'), 'service/web exposed\n');
  assert.equal(await k('label svc web tier=front'), 'service/web labeled\n');
  writeFileSync(join(dir, 'editor'), '#!/bin/sh\nsed -i "s/port: 80$/port: 81/" "$1"\n');
  chmodSync(join(dir, 'editor'), 0o755);
  assert.equal(await k('edit svc web'), 'service/web edited\n');
  assert.match(await k('describe svc web'), /^Name: +web\n.*\nPort: +<unset> +81\/TCP\n/s);
  assert.equal(await k('delete svc web'), 'service "web" deleted\n');
});
