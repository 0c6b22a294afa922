import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { inClusterConfig, loadKubeconfig, parseKubeconfig } from './kubeconfig.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const good = `
apiVersion: v1
kind: Config
current-context: a
clusters:
- {name: one, cluster: {server: "https://10.0.0.1:6443/", certificate-authority-data: ${base64('CA')}, tls-server-name: api}}
- {name: two, cluster: {server: "https://10.0.0.2", certificate-authority: ca.crt, insecure-skip-tls-verify: true}}
- {name: none, cluster: {}}
users:
- {name: cert, user: {client-certificate-data: ${base64('CERT')}, client-key-data: ${base64('KEY')}}}
- {name: token, user: {token: t, tokenFile: tok}}
- {name: plugin, user: {exec: {command: aws}}}
contexts:
- {name: a, context: {cluster: one, user: cert, namespace: shop}}
- {name: b, context: {cluster: two, user: token}}
- {name: c, context: {cluster: three, user: cert}}
- {name: d, context: {cluster: one, user: nobody}}
- {name: e, context: {cluster: one, user: plugin}}
- {name: f, context: {cluster: none, user: cert}}
`;

describe('kubeconfig', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'portolan-kubeconfig-'));
    writeFileSync(join(dir, 'config'), good);
    writeFileSync(join(dir, 'ca.crt'), 'CA FILE');
  });
  after(() => rmSync(dir, { recursive: true }));

  it('reads the current context', async () => {
    assert.deepEqual(await loadKubeconfig(join(dir, 'config')), {
      server: 'https://10.0.0.1:6443',
      ca: 'CA',
      tlsServerName: 'api',
      clientCert: 'CERT',
      clientKey: 'KEY',
      namespace: 'shop',
    });
  });

  it('reads a named context, with files beside the kubeconfig', async () => {
    assert.deepEqual(await loadKubeconfig(join(dir, 'config'), 'b'), {
      server: 'https://10.0.0.2',
      ca: 'CA FILE',
      insecureSkipTlsVerify: true,
      token: 't',
      tokenFile: join(dir, 'tok'),
    });
  });

  it('reads JSON', async () => {
    const json = {
      'current-context': 'x',
      contexts: [{ name: 'x', context: { cluster: 'x' } }],
      clusters: [{ name: 'x', cluster: { server: 'http://localhost' } }],
    };
    assert.deepEqual(await parseKubeconfig(JSON.stringify(json), 'f'), { server: 'http://localhost' });
  });

  const bad: readonly [string, string | undefined, RegExp][] = [
    [good, 'c', /cluster "three" does not exist/],
    [good, 'd', /user "nobody" does not exist/],
    [good, 'e', /user "plugin" signs in through a plugin .* is not supported; use a client certificate/],
    [good, 'f', /cluster "none" has no server/],
    [good, 'zz', /context "zz" does not exist/],
    ['[]', undefined, /not a mapping/],
    ['a: b', undefined, /current-context is not set/],
    ['a: [', undefined, /kubeconfig F: /],
  ];
  for (const [text, context, message] of bad) {
    it(`says ${message.source}`, async () => {
      await assert.rejects(parseKubeconfig(text, 'F', context), message);
    });
  }

  it('names the file that it cannot read', async () => {
    await assert.rejects(loadKubeconfig(join(dir, 'absent')), /cannot read kubeconfig .*absent.*--kubeconfig/);
    const text = good.replace('ca.crt', 'gone.crt');
    await assert.rejects(parseKubeconfig(text, join(dir, 'config'), 'b'), /certificate-authority: ENOENT/);
  });

  it("finds a pod's own ServiceAccount", async () => {
    writeFileSync(join(dir, 'namespace'), 'shop\n');
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
    try {
      process.env['KUBERNETES_SERVICE_HOST'] = 'fd00::1';
      process.env['KUBERNETES_SERVICE_PORT'] = '443';
      assert.deepEqual(await inClusterConfig(dir), {
        server: 'https://[fd00::1]:443',
        ca: 'CA FILE',
        tokenFile: join(dir, 'token'),
        namespace: 'shop',
      });
      delete process.env['KUBERNETES_SERVICE_HOST'];
      await assert.rejects(inClusterConfig(dir), /not in a pod/);
    } finally {
      if (host !== undefined) process.env['KUBERNETES_SERVICE_HOST'] = host;
      if (port === undefined) delete process.env['KUBERNETES_SERVICE_PORT'];
    }
  });
});
