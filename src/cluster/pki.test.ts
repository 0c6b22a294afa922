import assert from 'node:assert/strict';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { once } from 'node:events';
import { identitiesOf } from './identities.ts';
import { ensurePki } from './pki.ts';
import { resolveSettings } from './settings.ts';
import { topologyOf } from './topology.ts';

const dir = mkdtempSync(join(tmpdir(), 'portolan-pki-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const settings = resolveSettings({}, 0);
const identities = identitiesOf(settings, topologyOf(settings));
const read = (file: string): string => readFileSync(join(dir, file), 'utf8');

test('every certificate is the CA’s, of its own key, for its own use', async () => {
  assert.equal(await ensurePki(dir, identities), true);
  for (const identity of identities) {
    const ca = new X509Certificate(read(`${identity.authority ?? 'ca'}.crt`));
    assert.ok(ca.ca && ca.verify(ca.publicKey));
    const certificate = new X509Certificate(read(`${identity.file}.crt`));
    assert.ok(certificate.checkIssued(ca) && certificate.verify(ca.publicKey), identity.file);
    assert.ok(certificate.checkPrivateKey(createPrivateKey(read(`${identity.file}.key`))), identity.file);
    assert.equal(certificate.ca, false);
    const usages = [
      ...(identity.server ? ['1.3.6.1.5.5.7.3.1'] : []),
      ...(identity.client ? ['1.3.6.1.5.5.7.3.2'] : []),
    ];
    assert.deepEqual(certificate.keyUsage, usages);
    assert.equal(statSync(join(dir, `${identity.file}.key`)).mode & 0o777, 0o600);
  }
});

test('names and groups are upstream’s, the API server has all its names', () => {
  const admin = new X509Certificate(read('admin.crt'));
  assert.match(admin.subject, /^O=system:masters$/m);
  const node = new X509Certificate(read('node-2.crt'));
  assert.equal(node.subject, 'O=system:nodes\nCN=system:node:node-2');
  assert.equal(node.checkIP('10.10.10.2'), '10.10.10.2');
  const server = new X509Certificate(read('apiserver.crt'));
  for (const name of ['kubernetes', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'localhost']) {
    assert.equal(server.checkHost(name), name);
  }
  for (const address of ['10.96.0.1', '10.10.10.250', '127.0.0.1', '::1'])
    assert.equal(server.checkIP(address), address);
});

test('what is there is kept; what is missing is made by the same CA', async () => {
  const before = read('ca.crt') + read('admin.crt') + read('sa.key');
  assert.equal(await ensurePki(dir, identities), false);
  rmSync(join(dir, 'node-3.crt'));
  assert.equal(await ensurePki(dir, identities), true);
  assert.equal(read('ca.crt') + read('admin.crt') + read('sa.key'), before);
  assert.ok(new X509Certificate(read('node-3.crt')).checkIssued(new X509Certificate(read('ca.crt'))));
});

test('TLS with a client certificate, both ends verified', async () => {
  const server = tls.createServer({
    cert: read('node-1.crt'),
    key: read('node-1.key'),
    ca: read('ca.crt'),
    requestCert: true,
    rejectUnauthorized: true,
  });
  server.on('secureConnection', (socket) => socket.end(String(socket.getPeerCertificate().subject.CN)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = tls.connect({
    host: '127.0.0.1',
    port,
    servername: 'node-1',
    ca: read('ca.crt'),
    cert: read('admin.crt'),
    key: read('admin.key'),
  });
  try {
    let said = '';
    for await (const chunk of client) said += String(chunk);
    assert.equal(said, 'portolan-admin');
    assert.equal(client.authorized, true);
  } finally {
    client.destroy();
    server.close();
  }
});
