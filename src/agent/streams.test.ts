/** The streams of a pod as kubectl uses them: today's over WebSocket, Debian bookworm's 1.20 over SPDY/3.1. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { kubectlPath, oldKubectlPath } from '../../test/support/kubectl.ts';
import { eventually } from '../util/testing.ts';
import { hostContainer, isReady, startTestNode } from './testing.ts';
import type { TestNode } from './testing.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(program: string, args: readonly string[], input = ''): Promise<Said> {
  const child = spawn(program, args, { timeout: 60_000 });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
}

/** `kubectl port-forward` with free local ports; resolves with them. */
async function forward(
  t: TestContext,
  kubectl: string,
  node: TestNode,
  args: readonly string[],
): Promise<{
  readonly ports: number[];
  readonly child: ChildProcessWithoutNullStreams;
  readonly errors: () => string;
}> {
  const child = spawn(kubectl, ['--kubeconfig', node.kubeconfig, 'port-forward', '--address', '127.0.0.1', ...args]);
  t.after(() => child.kill('SIGKILL'));
  let errors = '';
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  const wanted = args.length - 1;
  const ports: number[] = [];
  let said = '';
  await new Promise<void>((resolve) => {
    child.on('close', resolve);
    // Read on: kubectl tells of every connection, and dies of a pipe that nobody reads.
    child.stdout.on('data', (data: Buffer) => {
      said += data.toString();
      const found = [...said.matchAll(/127\.0\.0\.1:(\d+) -> \d+\n/g)].map((match) => Number(match[1]));
      ports.splice(0, ports.length, ...found);
      if (ports.length === wanted) resolve();
    });
  });
  assert.equal(ports.length, wanted, said + errors);
  return { ports, child, errors: () => errors };
}

/** Sends, says that it is the end, reads to the end. */
async function talk(port: number, message: Buffer | string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.end(message);
  return (await buffer(socket)).toString();
}

const echo = (port: number, prefix: string): string =>
  `import socketserver as s
class H(s.StreamRequestHandler):
  def handle(self):
    data = self.rfile.read()
    self.wfile.write(b"${prefix} %d " % len(data) + data[-5:])
s.ThreadingTCPServer.request_queue_size = 64
s.ThreadingTCPServer(("127.0.0.1", ${String(port)}), H).serve_forever()`;

await test('streams of a pod', async (t) => {
  const node = await startTestNode(t);
  const kubectls = [
    ['today’s kubectl, WebSocket', kubectlPath()],
    ['kubectl 1.20, SPDY', oldKubectlPath()],
  ] as const;
  const python = (name: string, port: number): ReturnType<typeof hostContainer> => ({
    ...hostContainer(name, ''),
    command: ['python3', '-c', echo(port, name)],
    readinessProbe: {
      periodSeconds: 1,
      exec: { command: ['python3', '-c', `import socket; socket.create_connection(("127.0.0.1", ${String(port)}))`] },
    },
  });
  await node.create('web', { containers: [python('a', 8080), python('b', 8081)] });
  await node.until('web', isReady);

  for (const [name, kubectl] of kubectls) {
    const k = (args: readonly string[], input = ''): Promise<Said> =>
      run(kubectl, ['--kubeconfig', node.kubeconfig, ...args], input);

    await t.test(`exec: input to its end, both outputs, the exit code (${name})`, async () => {
      const script = 'cat; echo e >&2; exit 7';
      const said = await k(['exec', '-i', 'web', '-c', 'a', '--', 'sh', '-c', script], 'through\n');
      assert.deepEqual([said.out, said.code], ['through\n', 7]);
      assert.match(said.err, /^e\n(.*\n)*command terminated with exit code 7\n$/);
      const fine = await k(['exec', 'web', '-c', 'a', '--', 'head', '-c', '3000000', '/dev/zero']);
      assert.deepEqual([fine.code, fine.out.length, fine.err], [0, 3_000_000, '']);
      const long = 'a'.repeat(20_000);
      assert.equal((await k(['exec', 'web', '-c', 'a', '--', 'echo', long])).out, `${long}\n`);
      const big = 'x'.repeat(2_000_000);
      assert.equal((await k(['exec', '-i', 'web', '-c', 'a', '--', 'wc', '-c'], big)).out, '2000000\n');
    });

    await t.test(`exec -t: a terminal with the size of the client’s (${name})`, async () => {
      const inside = 'sleep 0.3; stty size; test -t 0 && echo terminal $TERM';
      const outside = `stty cols 91 rows 33; ${kubectl} --kubeconfig ${node.kubeconfig} exec -it web -c a -- sh -c '${inside}'`;
      assert.match((await run('script', ['-qefc', outside, '/dev/null'])).out, /33 91\r\n(.|\n)*terminal xterm/);
    });

    await t.test(`attach: the program’s own streams (${name})`, async () => {
      const container = {
        ...hostContainer('c', 'read line; echo "got $line"; sleep 0.2'),
        stdin: true,
        stdinOnce: true,
      };
      const pod = kubectl === kubectlPath() ? 'att' : 'att-old';
      await node.create(pod, { containers: [container], restartPolicy: 'Never' });
      await node.until(pod, isReady);
      const said = await k(['attach', '-i', pod], 'hello\n');
      assert.match(said.out, /got hello\n/, said.err);
      await node.remove(pod);
      // Input that stays open: the end of the client's is the end of the attachment, and the program goes on.
      const open = { ...hostContainer('c', 'while read line; do echo "got $line"; done; echo closed'), stdin: true };
      await node.create(pod, { containers: [open], restartPolicy: 'Never' });
      await node.until(pod, isReady);
      for (const word of ['one', 'two']) assert.equal((await k(['attach', '-i', pod], `${word}\n`)).code, 0);
      let log = '';
      while (!log.includes('two')) log = (await k(['logs', pod])).out;
      assert.equal(log, 'got one\ngot two\n');
      await node.remove(pod);
    });

    await t.test(`port-forward: several ports, many connections, half-close (${name})`, async (t) => {
      const { ports, child, errors } = await forward(t, kubectl, node, ['pod/web', ':8080', ':8081']);
      const [a = 0, b = 0] = ports;
      assert.equal(await talk(a, 'hello').catch((error: unknown) => `${String(error)} ${errors()}`), 'a 5 hello');
      const big = Buffer.alloc(1_500_000, 'z');
      const many = Array.from({ length: 20 }, (_, i) =>
        talk(i % 2 === 0 ? a : b, i === 3 ? big : `n${String(i).padStart(4, '0')}`),
      );
      const answers = await Promise.all(many).catch((error: unknown) => assert.fail(`${String(error)} ${errors()}`));
      assert.equal(answers[3], 'b 1500000 zzzzz');
      for (const [i, answer] of answers.entries()) {
        if (i !== 3) assert.equal(answer, `${i % 2 === 0 ? 'a' : 'b'} 5 n${String(i).padStart(4, '0')}`);
      }
      child.kill('SIGINT');
    });

    await t.test(`port-forward: where nobody listens, the error stream says so (${name})`, async (t) => {
      const { ports, errors } = await forward(t, kubectl, node, ['pod/web', ':81']);
      assert.equal(await talk(ports[0] ?? 0, 'x').catch(() => ''), '');
      await eventually('kubectl says why', () => errors().includes('81'));
      assert.match(
        errors(),
        /an error occurred forwarding \d+ -> 81: error forwarding port 81 to pod \S+, uid : failed to execute portforward in network namespace \S+: failed to connect to localhost:81 inside namespace \S+, IPv4: dial tcp4 127.0.0.1:81: connect: connection refused/,
      );
    });
  }

  await t.test(
    'kubectl debug: an ephemeral container sees the target’s processes; it can be attached to and stays',
    async () => {
      const kubectl = kubectlPath();
      const k = (args: readonly string[], input = ''): Promise<Said> =>
        run(kubectl, ['--kubeconfig', node.kubeconfig, ...args], input);
      const command = ['sh', '-c', 'read x; echo "$x $(tr "\\0" " " </proc/1/cmdline | cut -c1-10)"'];
      const image = '--image=portolan.local/host';
      const said = await k(['debug', 'web', '-i', '-q', image, '--target=a', '-c', 'look', '--', ...command], 'seen\n');
      assert.match(said.out, /seen python3 -c/, said.err);
      const pod = await node.until('web', ({ status }) =>
        (status?.ephemeralContainerStatuses ?? []).some(({ state }) => state?.terminated?.exitCode === 0),
      );
      assert.ok(isReady(pod));
      assert.match((await k(['logs', 'web', '-c', 'look'])).out, /seen python3/);
      const again = await k(['debug', 'web', image, '--target=nope', '-c', 'x', '--', 'true']);
      assert.match(again.err, /spec.ephemeralContainers\[1\].targetContainerName: Not found: "nope"/);
      const gone = JSON.stringify([{ op: 'remove', path: '/spec/ephemeralContainers' }]);
      const removed = await k(['patch', 'pod', 'web', '--subresource=ephemeralcontainers', '--type=json', '-p', gone]);
      assert.match(removed.err, /existing ephemeral containers "look" may not be removed/);
    },
  );

  await t.test('kubectl cp carries a tree in and out', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 't-cp-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    writeFileSync(join(dir, 'a'), 'x'.repeat(1_000_000));
    const k = (...args: readonly string[]): Promise<Said> =>
      run(kubectlPath(), ['--kubeconfig', node.kubeconfig, ...args]);
    assert.equal((await k('cp', dir, 'web:/tmp/in', '-c', 'a')).code, 0);
    assert.equal((await k('cp', 'web:/tmp/in/a', join(dir, 'b'), '-c', 'a')).code, 0);
    assert.equal(readFileSync(join(dir, 'b'), 'utf8'), 'x'.repeat(1_000_000));
  });
  await node.remove('web');
});
