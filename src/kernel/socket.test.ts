import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { socketsIn } from './socket.ts';

/** Runs in the namespace: says "up" when it listens, sends everything back. */
const echo = `
  const udp = require('node:dgram').createSocket('udp4');
  udp.on('message', (m, r) => udp.send(m, r.port, r.address));
  const tcp = require('node:net').createServer((s) => s.pipe(s));
  udp.bind(5353, '127.0.0.1', () => tcp.listen(5353, '127.0.0.1', () => console.log('up')));
`;

async function namespaceWithEcho(t: TestContext): Promise<string> {
  const name = `t-kernel-socket-${process.pid}`;
  execFileSync('ip', ['netns', 'add', name]);
  t.after(() => execFileSync('ip', ['netns', 'delete', name]));
  execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  const child = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', echo], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  await once(child.stdout, 'data');
  return `/run/netns/${name}`;
}

test('sockets made in another namespace reach what only it can reach', async (t) => {
  const path = await namespaceWithEcho(t);
  const sockets = await socketsIn(path);
  const udp = sockets.udp('IPv4');
  t.after(() => udp.close());
  udp.connect(5353, '127.0.0.1');
  await once(udp, 'connect');
  udp.send('datagram');
  const [datagram] = (await once(udp, 'message')) as [Buffer];
  assert.equal(datagram.toString(), 'datagram');
  const tcp = sockets.tcp('IPv4');
  t.after(() => tcp.destroy());
  tcp.connect(5353, '127.0.0.1');
  await once(tcp, 'connect');
  tcp.write('stream');
  const [chunk] = (await once(tcp, 'data')) as [Buffer];
  assert.equal(chunk.toString(), 'stream');
});

test('sockets without a namespace are ordinary; one that is not there is named', async (t) => {
  const plain = await socketsIn(undefined);
  const udp = plain.udp('IPv6');
  t.after(() => udp.close());
  udp.connect(9, '::1');
  await once(udp, 'connect');
  const nowhere = await socketsIn('/run/netns/t-kernel-socket-nowhere');
  assert.throws(() => nowhere.udp('IPv4'), /t-kernel-socket-nowhere/);
});
