/** pods/proxy, services/proxy and nodes/proxy with real back ends: E2E's three Proxy tests, `kubectl proxy` and `kubectl get --raw` as judges. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { kubectlPath } from '../../test/support/kubectl.ts';
import { resources } from '../api/resources.ts';
import { hostContainer, isReady, startTestNode } from './testing.ts';

/** Answers with what it was asked; `tls` with a certificate that it makes itself. */
const backend = `
import http.server as h, ssl, subprocess, threading, json, sys
class H(h.BaseHTTPRequestHandler):
  protocol_version = "HTTP/1.1"
  def any(self):
    n = int(self.headers.get("content-length", 0))
    body = self.rfile.read(n).decode()
    if self.path.startswith("/page"): kind, out = "text/html", '<a href="/rewriteme">test</a>'
    else: kind, out = "application/json", json.dumps({"method": self.command, "path": self.path, "body": body, "port": self.server.server_port, "headers": {k.lower(): v for k, v in self.headers.items()}})
    self.send_response(302 if self.path.startswith("/away") else 200)
    if self.path.startswith("/away"): self.send_header("location", "http://169.254.169.254/latest")
    self.send_header("content-type", kind); self.send_header("content-length", str(len(out))); self.end_headers()
    if self.command != "HEAD": self.wfile.write(out.encode())
  def do_GET(self):
    if self.headers.get("upgrade") != "echo": return self.any()
    self.connection.sendall(b"HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n")
    data = self.connection.recv(100); self.connection.sendall(b"echo " + data); self.close_connection = True
  do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = any
plain = h.ThreadingHTTPServer(("", 8080), H)
threading.Thread(target=plain.serve_forever).start()
subprocess.run(["openssl","req","-x509","-newkey","rsa:2048","-nodes","-subj","/CN=x","-keyout","/tmp/k","-out","/tmp/c"], check=True)
s = h.ThreadingHTTPServer(("", 8443), H); c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain("/tmp/c", "/tmp/k")
s.socket = c.wrap_socket(s.socket, server_side=True); s.serve_forever()`;

interface Echo {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
}

await test('proxies', async (t) => {
  const address = '10.66.0.1';
  const node = await startTestNode(t, { nodeIPs: [address] }, (netns, pki) => {
    execFileSync('ip', ['-n', netns, 'addr', 'add', `${address}/32`, 'dev', 'lo']);
    return pki.issue('node', 'CN=system:node:n1, O=system:nodes', [address]);
  });
  const container = {
    ...hostContainer('c', ''),
    command: ['python3', '-c', backend],
    ports: [{ containerPort: 8080, name: 'web' }],
    readinessProbe: { tcpSocket: { port: 8443 }, periodSeconds: 1 },
  };
  await node.create('web', { containers: [container] }, { labels: { app: 'web' } });
  const pod = await node.until('web', isReady);
  const key = { namespace: 'default', name: 'web' };
  const ports = [
    { name: 'plain', port: 80, targetPort: 8080 },
    { name: 'tls', port: 443, targetPort: 8443 },
  ];
  await node.client.create(resources.services, { metadata: key, spec: { selector: { app: 'web' }, ports } });
  await node.client.create(resources.endpointSlices, {
    metadata: { ...key, labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: ports.map(({ name, targetPort }) => ({ name, port: targetPort, protocol: 'TCP' })),
    endpoints: [
      { addresses: [pod.status?.podIP ?? ''], targetRef: { kind: 'Pod', ...key, uid: pod.metadata.uid } },
      // Nobody's: never asked, whoever wrote it.
      { addresses: ['10.244.1.99'] },
    ],
  });

  const proxy = spawn(kubectlPath(), [
    '--kubeconfig',
    node.kubeconfig,
    'proxy',
    '--port=0',
    '--reject-methods=^$',
    '--reject-paths=^$',
  ]);
  t.after(() => proxy.kill('SIGKILL'));
  const base = await new Promise<string>((resolve) => {
    let said = '';
    proxy.stdout.on('data', (data: Buffer) => {
      said += data.toString();
      const match = /127\.0\.0\.1:\d+/.exec(said);
      if (match !== null) resolve(`http://${match[0]}`);
    });
  });
  const curl = async (...args: readonly string[]): Promise<string> => {
    const child = spawn('curl', ['-s', '--path-as-is', ...args]);
    return text(child.stdout);
  };
  const ns = '/api/v1/namespaces/default';
  const echo = async (...args: readonly string[]): Promise<Echo> => JSON.parse(await curl(...args)) as Echo;

  await t.test('through a service and a pod, plain and TLS, by name and number; links are rewritten', async () => {
    const cases: readonly (readonly [string, number])[] = [
      ['pods/web', 8080],
      ['pods/web:8080', 8080],
      ['pods/http:web:8080', 8080],
      ['pods/https:web:8443', 8443],
      ['services/web:plain', 8080],
      ['services/web:80', 8080],
      ['services/http:web:plain', 8080],
      ['services/https:web:tls', 8443],
      ['services/https:web:443', 8443],
    ];
    await Promise.all(
      cases.map(async ([name, port]) => {
        const path = `${ns}/${name}/proxy`;
        const answer = await echo(`${base}${path}/a/b%2Fc/?q=1&r`);
        assert.deepEqual([answer.port, answer.path], [port, '/a/b%2Fc/?q=1&r'], name);
        assert.equal(await curl(`${base}${path}/page`), `<a href="${path}/rewriteme">test</a>`, name);
      }),
    );
  });

  await t.test('every verb, its body and its headers; credentials and hop-by-hop headers stay', async () => {
    for (const method of ['GET', 'DELETE', 'OPTIONS', 'PATCH', 'POST', 'PUT']) {
      const data = method === 'GET' ? [] : ['-d', 'body'];
      const headers = ['-H', 'X-Own: 1', '-H', 'Keep-Alive: 5', '-H', 'Connection: X-Hop', '-H', 'X-Hop: 1'];
      const answer = await echo('-X', method, ...headers, ...data, `${base}${ns}/pods/web/proxy/some/path`);
      assert.deepEqual([answer.method, answer.path, answer.body], [method, '/some/path', data[1] ?? '']);
      assert.equal(answer.headers['x-own'], '1');
      for (const name of ['authorization', 'keep-alive', 'x-hop']) assert.equal(answer.headers[name], undefined, name);
      assert.equal(answer.headers['x-forwarded-uri'], `${ns}/pods/web/proxy/some/path`);
      assert.match(answer.headers['x-forwarded-for'] ?? '', /127\.0\.0\.1$/);
      assert.equal(answer.headers['x-forwarded-proto'], 'https');
    }
    assert.match(await curl('-I', `${base}${ns}/services/web:plain/proxy/x`), /^HTTP\/1.1 200/);
  });

  await t.test('without a slash at the end: 301 for GET and HEAD, the others pass', async () => {
    for (const name of ['pods/web', 'services/web:plain']) {
      const path = `${ns}/${name}/proxy`;
      for (const flag of ['-i', '-I']) {
        const answer = await curl(flag, `${base}${path}?a=b`);
        assert.match(answer, /^HTTP\/1.1 301/, name);
        assert.ok(answer.toLowerCase().includes(`location: ${path}/?a=b\r\n`), answer);
      }
      for (const method of ['DELETE', 'OPTIONS', 'PATCH', 'POST', 'PUT']) {
        const answer = await echo('-X', method, `${base}${path}?a=b`);
        assert.deepEqual([answer.method, answer.path], [method, '/?a=b']);
      }
    }
  });

  await t.test('a redirect is the client’s to follow; an upgrade passes', async () => {
    const answer = await curl('-i', `${base}${ns}/pods/web/proxy/away`);
    assert.match(answer, /^HTTP\/1.1 302(.|\r\n)*location: http:\/\/169\.254\.169\.254\/latest/i);
    const { hostname, port } = new URL(base);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.write(
      `GET ${ns}/pods/web/proxy/up HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`,
    );
    let got = '';
    for await (const data of socket as AsyncIterable<Buffer>) {
      got += data.toString();
      if (got.endsWith('\r\n\r\n')) socket.write('hello');
    }
    assert.match(got, /^HTTP\/1.1 101(.|\r\n)*\r\n\r\necho hello$/);
  });

  await t.test('nodes/proxy leads to the agent with the API server’s certificate', async () => {
    // Not synchronously: the API server is in this process.
    const raw = (path: string): Promise<string> =>
      text(spawn(kubectlPath(), ['--kubeconfig', node.kubeconfig, 'get', '--raw', path]).stdout);
    for (const name of ['n1', 'n1:10250']) {
      assert.match(
        await raw(`/api/v1/nodes/${name}/proxy/logs/`),
        new RegExp(`<a href="default_web_${pod.metadata.uid}/">`),
      );
      assert.equal(await raw(`/api/v1/nodes/${name}/proxy/healthz`), 'ok');
    }
    assert.match(await raw('/api/v1/nodes/n1/proxy/metrics'), /kubelet_running_pods 1\n/);
    assert.match(await raw('/api/v1/nodes/n1/proxy/pods'), /"name":"web"/);
    assert.match(await raw('/api/v1/nodes/n1/proxy/stats/summary'), /"nodeName":"n1"/);
    const refused = await curl(`${base}/api/v1/nodes/n1:10251/proxy/`);
    assert.match(refused, /"reason":"ServiceUnavailable"|"reason": "ServiceUnavailable"/);
  });
});
