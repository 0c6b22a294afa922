/** hostPort: E2E's HostPort conformance test, and what must not follow from it. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { hostContainer, isReady, startTestNode } from './testing.ts';
import { eventually } from '../util/testing.ts';

const address = '10.66.0.1';
const port = 54323;

/** Answers with its name, on TCP 8080 and UDP 8081, to whoever asks. */
const server = `
import socket, threading, os
t = socket.create_server(("::", 8080), family=socket.AF_INET6, dualstack_ipv6=True)
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); u.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0); u.bind(("::", 8081))
def udp():
  while True: _, a = u.recvfrom(100); u.sendto(os.uname().nodename.encode(), a)
threading.Thread(target=udp).start()
while True:
  c, a = t.accept(); c.sendall((os.uname().nodename + " " + a[0]).encode()); c.close()`;

/** Asks from the address that the node's clients have. */
const ask = `
import socket, sys
kind, source, host, port = sys.argv[1:5]
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.settimeout(5); s.bind((source, 0)); s.connect((host, int(port)))
if kind == "udp": s.send(b"x")
print(s.recv(100).decode())`;

await test('host ports', async (t) => {
  const node = await startTestNode(t, { nodeIPs: [address] }, (netns, pki) => {
    execFileSync('ip', ['-n', netns, 'addr', 'add', `${address}/32`, 'dev', 'lo']);
    return pki.issue('node', 'CN=system:node:n1, O=system:nodes', [address]);
  });
  const query = async (kind: string, source: string, host: string): Promise<string> =>
    (await text(spawn('python3', ['-c', ask, kind, source, host, String(port)]).stdout)).trim();
  const pod = async (name: string, hostIP: string | undefined, protocol: 'TCP' | 'UDP'): Promise<string> => {
    const containerPort = protocol === 'TCP' ? 8080 : 8081;
    const ports = [{ containerPort, hostPort: port, protocol, ...(hostIP === undefined ? {} : { hostIP }) }];
    const readinessProbe = { tcpSocket: { port: 8080 }, periodSeconds: 1 };
    const container = { ...hostContainer('c', ''), command: ['python3', '-c', server], ports, readinessProbe };
    await node.create(name, { containers: [container] });
    return (await node.until(name, isReady)).status?.podIP ?? '';
  };

  await t.test('one port, three pods: told apart by address and protocol', async () => {
    await Promise.all([pod('local', '127.0.0.1', 'TCP'), pod('tcp', address, 'TCP'), pod('udp', address, 'UDP')]);
    await eventually('rules', () => /tcp . 54323/.test(listRules()));
    assert.match(await query('tcp', address, '127.0.0.1'), /^local /);
    assert.match(await query('tcp', address, address), /^tcp /);
    assert.equal(await query('udp', address, address), 'udp');
    assert.equal(readFileSync('/proc/sys/net/ipv4/conf/all/route_localnet', 'utf8').trim(), '0');
  });

  await t.test('they outlive the agent, and end with the pod', async () => {
    await node.stopAgent();
    assert.match(await query('tcp', address, address), /^tcp /);
    await node.startAgent();
    await node.until('local', isReady);
    await eventually('loopback again', async () => /^local /.test(await query('tcp', address, '127.0.0.1')));
    await Promise.all(['local', 'tcp', 'udp'].map((name) => node.remove(name)));
    await eventually('no rules', () => !/portolan-hostports/.test(listRules()));
    assert.equal(await query('tcp', address, address), '');
    assert.equal(await query('tcp', address, '127.0.0.1'), '');
  });

  await t.test('without hostIP: every address, loopback, and the pod itself', async () => {
    const ip = await pod('all', undefined, 'TCP');
    assert.match(await query('tcp', address, '127.0.0.1'), /^all /);
    await eventually('rules', () => /tcp . 54323/.test(listRules()));
    assert.match(await query('tcp', address, address), /^all /);
    const [netns = ''] = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.split(' ')[0] ?? '')
      .filter((name) => name.startsWith(`${node.options.netnsPrefix}-pod-`));
    const inside = ['netns', 'exec', netns, 'python3', '-c', ask, 'tcp', ip, address, String(port)];
    assert.match((await text(spawn('ip', inside).stdout)).trim(), /^all /);
    // Placed here by hand: there is no room for a second one.
    const ports = [{ containerPort: 1, hostPort: port }];
    await node.create('second', { containers: [{ ...hostContainer('c', 'sleep 60'), ports }] });
    const refused = await node.until('second', ({ status }) => status?.phase === 'Failed');
    assert.equal(refused.status?.reason, 'NodePorts');
    assert.match(
      refused.status.message ?? '',
      /^Pod was rejected: Predicate NodePorts failed: node\(s\) didn't have free ports/,
    );
    await node.remove('second');
    await node.remove('all');
  });
});

function listRules(): string {
  return execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' });
}
