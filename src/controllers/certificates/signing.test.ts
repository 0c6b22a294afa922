/** Requests of real keys, through a real server: signed, refused, used to speak to the API, and cleaned away. */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { webcrypto, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { after, before, test } from 'node:test';
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from '@peculiar/x509';
import type { CertificateSigningRequest } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { loadKubeconfig } from '../../client/index.ts';
import { eventually } from '../../util/testing.ts';
import { startBench } from '../testing.ts';
import type { Bench } from '../testing.ts';
import { isOver } from './cleaner.ts';

const csrs = resources.certificateSigningRequests;
let bench: Bench;
before(async () => (bench = await startBench([])));
after(() => bench.close());

interface Asked {
  readonly subject: string;
  readonly signer: string;
  readonly usages: readonly string[];
  readonly names?: readonly { readonly type: 'dns' | 'ip'; readonly value: string }[];
  readonly seconds?: number;
}

/** The private key, in PEM. */
async function ask(name: string, { subject, signer, usages, names = [], seconds }: Asked): Promise<string> {
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const extensions = names.length === 0 ? [] : [new SubjectAlternativeNameExtension([...names])];
  const request = await Pkcs10CertificateRequestGenerator.create({ name: subject, keys, signingAlgorithm, extensions });
  await bench.client.create(csrs, {
    metadata: { name },
    spec: {
      request: Buffer.from(request.toString('pem')).toString('base64'),
      signerName: `kubernetes.io/${signer}`,
      usages: [...usages],
      ...(seconds === undefined ? {} : { expirationSeconds: seconds }),
    },
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${(key.match(/.{1,64}/g) ?? []).join('\n')}\n-----END PRIVATE KEY-----\n`;
}

async function decide(name: string, type: 'Approved' | 'Denied'): Promise<void> {
  const csr = await bench.client.get(csrs, { namespace: '', name });
  csr.status = { conditions: [{ type, status: 'True', reason: 'Test', message: '' }] };
  await bench.client.update(csrs, csr, { subresource: 'approval' });
}

async function settled(name: string): Promise<Live<CertificateSigningRequest>> {
  let csr = await bench.client.get(csrs, { namespace: '', name });
  await eventually(`${name} is answered`, async () => {
    csr = await bench.client.get(csrs, { namespace: '', name });
    const failed = csr.status?.conditions?.some(({ type }) => type === 'Failed') === true;
    return failed || (csr.status?.certificate ?? '') !== '';
  });
  return csr;
}

function certificateOf(csr: Live<CertificateSigningRequest>): X509Certificate {
  return new X509Certificate(Buffer.from(csr.status?.certificate ?? '', 'base64'));
}

async function whoami(cert: string, key: string): Promise<unknown> {
  const { server, ca } = await loadKubeconfig(bench.kubeconfig);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const url = new URL('/apis/authentication.k8s.io/v1/selfsubjectreviews', server);
  const call = httpsRequest(url, { method: 'POST', ca, cert, key, headers: { 'content-type': 'application/json' } });
  call.on('error', reject).on('response', (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    response.on('end', () => resolve(text));
  });
  call.end('{}');
  return (JSON.parse(await promise) as { status?: { userInfo?: unknown } }).status?.userInfo;
}

test('a key, a request, an approval, and its owner speaks to the API', async () => {
  const key = await ask('jane', {
    subject: 'CN=jane, O=developers, O=testers',
    signer: 'kube-apiserver-client',
    usages: ['client auth', 'digital signature'],
    seconds: 3600,
  });
  await decide('jane', 'Approved');
  const csr = await settled('jane');
  const certificate = certificateOf(csr);
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  assert.equal(certificate.ca, false);
  const life = certificate.validToDate.getTime() - certificate.validFromDate.getTime();
  // Dated back by five minutes; short lives keep their end.
  assert.equal(life, (3600 + 300) * 1000);
  assert.deepEqual(await whoami(certificate.toString(), key), {
    username: 'jane',
    groups: ['developers', 'testers', 'system:authenticated'],
  });
});

test('nodes: names of a server, none of a client', async () => {
  const node = 'CN=system:node:node-9, O=system:nodes';
  const names = [
    { type: 'dns', value: 'node-9' },
    { type: 'ip', value: '10.1.2.3' },
  ] as const;
  const serving = { subject: node, signer: 'kubelet-serving', usages: ['digital signature', 'server auth'] };
  const client = {
    subject: node,
    signer: 'kube-apiserver-client-kubelet',
    usages: ['digital signature', 'client auth'],
  };
  const cases: readonly (readonly [name: string, asked: Asked, why: string | undefined])[] = [
    ['serving', { ...serving, names }, undefined],
    ['nameless', serving, 'DNS or IP subjectAltName is required'],
    ['client', client, undefined],
    ['named', { ...client, names }, 'DNS subjectAltNames are not allowed'],
    ['stranger', { ...client, subject: 'CN=system:node:x' }, 'subject organization is not system:nodes'],
    ['person', { ...client, subject: 'CN=x, O=system:nodes' }, 'subject common name does not begin with system:node:'],
    [
      'usages',
      { ...client, usages: ['client auth'] },
      'usages did not match [client auth digital signature key encipherment]',
    ],
    [
      'server',
      { subject: 'CN=x', signer: 'kube-apiserver-client', usages: ['server auth', 'client auth'] },
      'invalid usage for client certificate: server auth',
    ],
  ];
  for (const [name, asked, why] of cases) {
    await ask(name, asked);
    await decide(name, 'Approved');
    const csr = await settled(name);
    const failed = csr.status?.conditions?.find(({ type }) => type === 'Failed');
    assert.equal(failed?.message, why, name);
    assert.equal(failed?.reason, why === undefined ? undefined : 'SignerValidationFailure');
    if (name === 'serving') {
      assert.equal(certificateOf(csr).subjectAltName, 'DNS:node-9, IP Address:10.1.2.3');
      // A year, less what it is dated back.
      const life = certificateOf(csr).validToDate.getTime() - certificateOf(csr).validFromDate.getTime();
      assert.ok(life <= 365 * 86_400_000);
    }
  }
});

test('nobody becomes an administrator by a certificate', async () => {
  const asked = { subject: 'CN=me, O=system:masters', usages: ['client auth'] };
  await assert.rejects(ask('masters', { ...asked, signer: 'kube-apiserver-client' }), {
    code: 403,
    message:
      'certificatesigningrequests.certificates.k8s.io "masters" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
  });
  // Other signers are other people's, who look for themselves.
  await ask('theirs-masters', { ...asked, signer: 'other' });
});

test('denied requests and those of other signers are left alone', async () => {
  const usages = ['client auth'];
  await ask('no', { subject: 'CN=x', signer: 'kube-apiserver-client', usages });
  await ask('theirs', { subject: 'CN=x', signer: 'other', usages });
  await ask('last', { subject: 'CN=x', signer: 'kube-apiserver-client', usages });
  await decide('no', 'Denied');
  await decide('theirs', 'Approved');
  await decide('last', 'Approved');
  await settled('last');
  for (const name of ['no', 'theirs']) {
    assert.equal((await bench.client.get(csrs, { namespace: '', name })).status?.certificate, undefined);
  }
});

test('what is over is cleaned away: decided for an hour, waiting for a day, or run out', () => {
  const now = Date.parse('2026-01-10T00:00:00Z');
  const hours = (count: number): string => new Date(now - count * 3_600_000).toISOString();
  const csr = (born: number, type?: string, decided = 0, certificate?: string): boolean =>
    isOver(
      {
        metadata: { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: hours(born) },
        spec: { request: '', signerName: '' },
        status: {
          ...(type === undefined ? {} : { conditions: [{ type, status: 'True', lastUpdateTime: hours(decided) }] }),
          ...(certificate === undefined ? {} : { certificate }),
        },
      },
      now,
    );
  assert.deepEqual([csr(23), csr(25)], [false, true]);
  assert.deepEqual([csr(30, 'Denied', 0.9), csr(30, 'Denied', 1.1)], [false, true]);
  assert.deepEqual([csr(30, 'Failed', 0.9), csr(30, 'Failed', 1.1)], [false, true]);
  assert.deepEqual([csr(30, 'Approved', 23), csr(30, 'Approved', 25)], [false, true]);
  assert.deepEqual([csr(30, 'Approved', 0.9, 'eA=='), csr(30, 'Approved', 1.1, 'eA==')], [false, true]);
  const ca = readFileSync(bench.kubeconfig.replace(/[^/]*$/, 'pki/ca.crt'));
  assert.equal(csr(1, 'Approved', 0.5, ca.toString('base64')), false);
});
