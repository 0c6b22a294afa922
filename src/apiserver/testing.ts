/**
 * For tests: a CA with every certificate that a server needs in a temporary directory, a running server on loopback, a client that
 * speaks plain HTTPS to it, and a kubeconfig for the real kubectl.
 */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';

import { join } from 'node:path';
import { isIP } from 'node:net';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { X509CertificateGenerator, BasicConstraintsExtension, SubjectAlternativeNameExtension } from '@peculiar/x509';
import type { X509Certificate } from '@peculiar/x509';
import type { ApiServerOptions } from './options.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface TestPki {
  readonly dir: string;
  /** Writes NAME.crt and NAME.key. */
  issue(name: string, subject: string, addresses?: readonly string[]): Promise<{ cert: Buffer; key: Buffer }>;
}

export async function makePki(dir: string): Promise<TestPki> {
  mkdirSync(dir, { recursive: true });
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const life = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 86_400_000) };
  const ca: X509Certificate = await X509CertificateGenerator.createSelfSigned({
    ...life,
    name: 'CN=test-ca',
    keys,
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  writeFileSync(join(dir, 'ca.crt'), ca.toString('pem'));
  writeFileSync(join(dir, 'ca.key'), await pemKey(keys.privateKey, 'pkcs8'), { mode: 0o600 });
  const issue: TestPki['issue'] = async (name, subject, addresses = []) => {
    const own = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await X509CertificateGenerator.create({
      ...life,
      subject,
      issuer: ca.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new SubjectAlternativeNameExtension(
          addresses.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
        ),
      ],
    });
    const pem = { cert: certificate.toString('pem'), key: await pemKey(own.privateKey, 'pkcs8') };
    writeFileSync(join(dir, `${name}.crt`), pem.cert);
    writeFileSync(join(dir, `${name}.key`), pem.key, { mode: 0o600 });
    return { cert: Buffer.from(pem.cert), key: Buffer.from(pem.key) };
  };
  await issue('apiserver', 'CN=kube-apiserver', ['127.0.0.1']);
  await issue('apiserver-kubelet-client', 'CN=kube-apiserver-kubelet-client, O=system:masters');
  await issue('admin', 'CN=kubernetes-admin, O=system:masters');
  await issue('front-proxy-client', 'CN=front-proxy-client');
  copyFileSync(join(dir, 'ca.crt'), join(dir, 'front-proxy-ca.crt'));
  const signer = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  writeFileSync(join(dir, 'sa.key'), await pemKey(signer.privateKey, 'pkcs8'), { mode: 0o600 });
  writeFileSync(join(dir, 'sa.pub'), await pemKey(signer.publicKey, 'spki'));
  return { dir, issue };
}

async function pemKey(key: webcrypto.CryptoKey, format: 'pkcs8' | 'spki'): Promise<string> {
  const text = Buffer.from(await webcrypto.subtle.exportKey(format, key)).toString('base64');
  const label = format === 'pkcs8' ? 'PRIVATE KEY' : 'PUBLIC KEY';
  return `-----BEGIN ${label}-----\n${(text.match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`;
}

/** On a RAM disk where there is one: most tests are not about fsync. */
export function testDirectory(t: TestContext, parent?: string): string {
  const dir = mkdtempSync(join(parent ?? '/dev/shm', 'portolan-apiserver-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function serverOptions(dir: string): ApiServerOptions {
  return {
    dataDir: dir,
    pkiDir: join(dir, 'pki'),
    listen: ['127.0.0.1:0'],
    advertiseAddress: '10.10.10.250',
    serviceClusterIPRange: ['10.96.0.0/16'],
    serviceNodePortRange: '30000-32767',
  };
}

export interface Answer {
  readonly code: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** Parsed, for assertions. */
  readonly body: Record<string, unknown>;
}

export interface TestClient {
  readonly call: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Answer>;
  /** The stream itself: the caller ends it. */
  readonly open: (path: string, headers?: Readonly<Record<string, string>>) => Promise<IncomingMessage>;
  readonly close: () => void;
}

export function testClient(address: string, pkiDir: string, who: string | null = 'admin'): TestClient {
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  const identity =
    who === null
      ? {}
      : { cert: readFileSync(join(pkiDir, `${who}.crt`)), key: readFileSync(join(pkiDir, `${who}.key`)) };
  const agent = new Agent({ ca: readFileSync(join(pkiDir, 'ca.crt')), ...identity, keepAlive: true });
  const send = (
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
  ): Promise<IncomingMessage> => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const type: Record<string, string> =
      text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) };
    const request = httpsRequest(
      { host: '127.0.0.1', port, method, path, agent, headers: { ...type, ...headers } },
      resolve,
    );
    request.once('error', reject);
    request.end(text);
    return promise;
  };
  return {
    async call(method, path, body, headers = {}) {
      const response = await send(method, path, body, headers);
      const chunks: Buffer[] = [];
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString('utf8');
      return {
        code: response.statusCode ?? 0,
        headers: response.headers,
        text,
        get body() {
          return JSON.parse(text) as Record<string, unknown>;
        },
      };
    },
    open: (path, headers = {}) => send('GET', path, undefined, headers),
    close: () => agent.destroy(),
  };
}

/** For the real kubectl, as `who`, whose certificate must be there. */
export function writeKubeconfig(dir: string, address: string, who = 'admin'): string {
  const path = join(dir, `${who}.kubeconfig`);
  const pki = join(dir, 'pki');
  writeFileSync(
    path,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [
        { name: 'test', cluster: { server: `https://${address}`, 'certificate-authority': join(pki, 'ca.crt') } },
      ],
      users: [
        { name: who, user: { 'client-certificate': join(pki, `${who}.crt`), 'client-key': join(pki, `${who}.key`) } },
      ],
      contexts: [{ name: 'test', context: { cluster: 'test', user: who } }],
    }),
  );
  return path;
}

export interface TestServer {
  readonly dir: string;
  readonly address: string;
  readonly client: TestClient;
  /** Makes more certificates: `pki.issue('ann', 'CN=ann, O=team')`, then testClient(…, 'ann'). */
  readonly pki: TestPki;
  readonly close: () => Promise<void>;
}

/** In this process, on a free port of loopback; gone with the test. */
export async function startTestServer(t: TestContext, options: Partial<ApiServerOptions> = {}): Promise<TestServer> {
  const dir = testDirectory(t);
  const pki = await makePki(join(dir, 'pki'));
  const { startApiServer } = await import('./server.ts');
  const server = await startApiServer({ ...serverOptions(dir), ...options }, new AbortController().signal);
  const client = testClient(server.address, join(dir, 'pki'));
  t.after(async () => {
    client.close();
    await server.close();
  });
  return { dir, address: server.address, client, pki, close: () => server.close() };
}

/** Reads a watch: `next()` gives one event, or undefined at the end. */
export function watchReader(stream: IncomingMessage): {
  next(): Promise<WatchLine | undefined>;
  take(n: number): Promise<WatchLine[]>;
} {
  const lines = createInterface({ input: stream, crlfDelay: Infinity })[Symbol.asyncIterator]();
  const next = async (): Promise<WatchLine | undefined> => {
    try {
      const { value, done } = await lines.next();
      return done === true ? undefined : (JSON.parse(value) as WatchLine);
    } catch {
      return undefined;
    }
  };
  return {
    next,
    async take(n) {
      const events: WatchLine[] = [];
      while (events.length < n) {
        const event = await next();
        if (event === undefined)
          throw new Error(`the watch ended after ${String(events.length)} of ${String(n)} events`);
        events.push(event);
      }
      return events;
    },
  };
}

export interface WatchLine {
  readonly type: string;
  readonly object: {
    readonly kind?: string;
    readonly code?: number;
    readonly message?: string;
    readonly metadata: {
      readonly name: string;
      readonly resourceVersion: string;
      readonly annotations?: Readonly<Record<string, string>>;
    };
    readonly [field: string]: unknown;
  };
}
