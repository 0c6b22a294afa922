/** Logs, exec and port-forward through to a node agent, which is a small real HTTPS server here; the real kubectl in front. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import { makePki, startTestServer, writeKubeconfig } from '../testing.ts';
import type { TestServer } from '../testing.ts';

const pods = '/api/v1/namespaces/default/pods';
const merge = { 'content-type': 'application/merge-patch+json' };

interface FakeAgent {
  readonly port: number;
  readonly asked: string[];
  /** CN of the certificates that callers showed. */
  readonly callers: string[];
}

/** Only our CA's clients get in; answers say what was asked. */
async function fakeAgent(t: TestContext, pkiDir: string, cert: Buffer, key: Buffer): Promise<FakeAgent> {
  const asked: string[] = [];
  const callers: string[] = [];
  const ca = readFileSync(join(pkiDir, 'ca.crt'));
  const note = (socket: TLSSocket, url: string): void => {
    asked.push(url);
    callers.push(String(socket.getPeerCertificate().subject.CN));
  };
  const server = createServer({ ca, cert, key, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    note(request.socket as TLSSocket, request.url ?? '');
    if (request.url?.includes('previous=true') === true) {
      response.writeHead(400).end('previous terminated container "c" in pod "p" not found');
    } else response.end('line 1\nline 2\n');
  });
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered].find((name) => name === 'v5.channel.k8s.io') ?? false,
  });
  server.on('upgrade', (request, socket, head) => {
    note(socket as TLSSocket, request.url ?? '');
    sockets.handleUpgrade(request, socket, head, (ws) => {
      // As the agent: not before the client reads.
      ws.once('pong', () => {
        ws.send(Buffer.from('\u0001hello from the agent\n'));
        ws.send(Buffer.from(`\u0003${JSON.stringify({ metadata: {}, status: 'Success' })}`));
        ws.close(1000);
      });
      ws.ping();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked, callers };
}

async function podOnNode(t: TestContext, server: TestServer, containers: readonly string[]): Promise<FakeAgent> {
  const pki = join(server.dir, 'pki');
  // Any certificate of the CA for 127.0.0.1 is an agent's here; the server's own is one.
  const cert = readFileSync(join(pki, 'apiserver.crt'));
  const agent = await fakeAgent(t, pki, cert, readFileSync(join(pki, 'apiserver.key')));
  const { client } = server;
  await client.call('POST', '/api/v1/nodes', { metadata: { name: 'n' } });
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: agent.port } },
  };
  const patched = await client.call('PATCH', '/api/v1/nodes/n/status', { status }, merge);
  assert.equal(patched.code, 200, patched.text);
  await client.call('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  const spec = { containers: containers.map((name) => ({ name, image: 'i' })) };
  const created = await client.call('POST', pods, { metadata: { name: 'p' }, spec });
  assert.equal(created.code, 201, created.text);
  return agent;
}

async function bind(server: TestServer): Promise<void> {
  const answer = await server.client.call('POST', `${pods}/p/binding`, {
    metadata: { name: 'p' },
    target: { kind: 'Node', name: 'n' },
  });
  assert.equal(answer.code, 201, answer.text);
  await server.client.call('PATCH', `${pods}/p/status`, { status: { phase: 'Running' } }, merge);
}

function kubectl(server: TestServer, ...words: string[]): Promise<{ code: number; out: string }> {
  const kubeconfig = writeKubeconfig(server.dir, server.address);
  const { promise, resolve } = Promise.withResolvers<{ code: number; out: string }>();
  execFile('kubectl', ['--kubeconfig', kubeconfig, ...words], { timeout: 30_000 }, (error, out, err) =>
    resolve({ code: error === null ? 0 : Number(error.code ?? 1), out: out + err }),
  );
  return promise;
}

test('logs come from the agent of the pod; refusals are upstream’s', async (t) => {
  const server = await startTestServer(t);
  const agent = await podOnNode(t, server, ['c', 'd']);
  const unassigned = await server.client.call('GET', `${pods}/p/log?container=c`);
  assert.match(unassigned.text, /pod p does not have a host assigned/);
  await bind(server);
  const bad: readonly (readonly [string, string])[] = [
    ['tailLines=-1', 'tailLines: Invalid value: -1: must be greater than or equal to 0'],
    ['sinceSeconds=0', 'sinceSeconds: Invalid value: 0: must be greater than 0'],
    ['limitBytes=0', 'limitBytes: Invalid value: 0: must be greater than 0'],
    ['stream=x', 'stream: Unsupported value: "x": supported values: "All", "Stderr", "Stdout"'],
    [
      'sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z',
      ': Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
    ],
    ['stream=Stdout&tailLines=1', ': Forbidden: `tailLines` and specific `stream` are mutually exclusive for now'],
  ];
  for (const [query, why] of bad) {
    const answer = await server.client.call('GET', `${pods}/p/log?container=c&${query}`);
    assert.deepEqual([answer.code, answer.body['message']], [422, `PodLogOptions "p" is invalid: ${why}`]);
  }
  const unnamed = await server.client.call('GET', `${pods}/p/log`);
  assert.equal(unnamed.body['message'], 'a container name must be specified for pod p, choose one of: [c d]');
  const unknown = await server.client.call('GET', `${pods}/p/log?container=x`);
  assert.equal(unknown.body['message'], 'container x is not valid for pod p');
  const logs = await kubectl(server, 'logs', 'p', '-c', 'd', '--tail=5');
  assert.equal(logs.out, 'line 1\nline 2\n');
  assert.match(agent.asked[0] ?? '', /^\/containerLogs\/default\/p\/d\?.*tailLines=5/);
  assert.deepEqual(agent.callers, ['kube-apiserver-kubelet-client']);
  const previous = await kubectl(server, 'logs', 'p', '-c', 'c', '--previous');
  assert.match(previous.out, /previous terminated container "c" in pod "p" not found/);
});

test('logs as a WebSocket: binary or base64 messages, refusals as plain HTTP', async (t) => {
  const server = await startTestServer(t);
  await podOnNode(t, server, ['c']);
  await bind(server);
  const pki = join(server.dir, 'pki');
  const [ca, cert, key] = ['ca.crt', 'admin.crt', 'admin.key'].map((name) => readFileSync(join(pki, name)));
  const read = async (path: string, protocol: string[]): Promise<string> => {
    const url = `wss://${server.address}${path}`;
    const socket = new WebSocket(url, protocol, { ca, cert, key });
    const { promise, resolve } = Promise.withResolvers<string>();
    let text = '';
    socket.on('message', (data: Buffer, isBinary) => (text += `${isBinary ? '' : 'text '}${data.toString()}`));
    socket.on('unexpected-response', (_, answer) => resolve(String(answer.statusCode)));
    socket.on('error', () => undefined);
    socket.on('close', (code) => resolve(`${text}${code} ${socket.protocol}`));
    return promise;
  };
  const log = `${pods}/p/log?container=c`;
  assert.equal(await read(log, ['binary.k8s.io']), 'line 1\nline 2\n1000 binary.k8s.io');
  assert.equal(await read(log, []), 'line 1\nline 2\n1000 ');
  const encoded = Buffer.from('line 1\nline 2\n').toString('base64');
  assert.equal(await read(log, ['base64.binary.k8s.io']), `text ${encoded}1000 base64.binary.k8s.io`);
  assert.equal(await read(log, ['v5.channel.k8s.io']), '400');
  assert.equal(await read(`${log}&tailLines=-1`, ['binary.k8s.io']), '422');
  assert.equal(await read(`${pods}/x/log`, ['binary.k8s.io']), '404');
});

test('exec: kubectl’s WebSocket passes through to the agent', async (t) => {
  const server = await startTestServer(t);
  const agent = await podOnNode(t, server, ['c']);
  await bind(server);
  const run = await kubectl(server, 'exec', 'p', '--', 'echo', 'a b');
  assert.deepEqual(run, { code: 0, out: 'hello from the agent\n' });
  assert.match(agent.asked.at(-1) ?? '', /^\/exec\/default\/p\/c\?command=echo&command=a\+b&output=1&error=1$/);
  const refused = await kubectl(server, 'exec', 'p', '-c', 'x', '--', 'true');
  assert.equal(refused.code, 1);
  assert.match(refused.out, /container x is not valid for pod p|container not found/);
  const plain = await server.client.call('GET', `${pods}/p/exec?command=ls&stdout=1`);
  assert.equal(plain.body['message'], 'Upgrade request required');
});

test('an agent that our CA does not vouch for is not spoken to', async (t) => {
  const server = await startTestServer(t);
  await podOnNode(t, server, ['c']);
  const other = await makePki(join(server.dir, 'other'));
  const stranger = await fakeAgent(
    t,
    join(server.dir, 'pki'),
    readFileSync(join(other.dir, 'apiserver.crt')),
    readFileSync(join(other.dir, 'apiserver.key')),
  );
  const status = { daemonEndpoints: { kubeletEndpoint: { Port: stranger.port } } };
  await server.client.call('PATCH', '/api/v1/nodes/n/status', { status }, merge);
  await bind(server);
  const answer = await server.client.call('GET', `${pods}/p/log`);
  assert.equal(answer.code, 500);
  assert.match(answer.text, /certificate/);
  assert.deepEqual(stranger.asked, []);
  const trusting = await server.client.call('GET', `${pods}/p/log?insecureSkipTLSVerifyBackend=true`);
  assert.equal(trusting.text, 'line 1\nline 2\n');
});

test('binding: once only, to a node only', async (t) => {
  const server = await startTestServer(t);
  await podOnNode(t, server, ['c']);
  const wrong = await server.client.call('POST', `${pods}/p/binding`, { target: { kind: 'Pod', name: 'n' } });
  assert.equal(wrong.code, 422);
  await bind(server);
  const again = await server.client.call('POST', `${pods}/p/binding`, { target: { kind: 'Node', name: 'n' } });
  assert.equal(again.code, 409);
  assert.equal(
    again.body['message'],
    'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n"',
  );
});
