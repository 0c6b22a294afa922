/**
 * For tests: a small world of network namespaces around a load balancer, with this very process inside `lb`.
 *
 *            wire:  bridge lan 10.10.10.0/24 ─────────────┐     bridge wan 198.51.100.0/24
 *                    │        │         │                 │          │           │
 *                  n1(.1)   n2(.2)   lan(.100)      lb lan0(.253)  wan0(.1)   internet(.10)
 *
 * Nodes answer on their node ports by themselves: what a service is must not matter here, only where packets go.
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import type { ChildProcess, ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { enterNetns, withNetns } from '../kernel/index.ts';

export type PlaceName = 'n1' | 'n2' | 'lan' | 'lb' | 'internet';

export interface World {
  /** An HTTP server in a place; `answer` gives status and body. */
  serve(place: PlaceName, port: number, answer: (request: IncomingMessage) => readonly [number, string]): Server;
  /** A UDP echo that answers with the place's name. */
  serveUdp(place: PlaceName, port: number): void;
  /** One request: the body, or why not. */
  get(place: PlaceName, url: string): Promise<string>;
  /** Many requests, each with a connection of its own. */
  getMany(place: PlaceName, url: string, times: number): Promise<readonly string[]>;
  /** A program in a place. */
  run(place: PlaceName, command: readonly string[]): Promise<string>;
  /** A client that keeps its connections, or its UDP ports, between its questions. */
  keep(place: PlaceName, kind: 'tcp' | 'udp', address: string, port: number, count: number): KeptClient;
  /** Pulls a cable. */
  unplug(place: PlaceName): void;
  plug(place: PlaceName): void;
  netns(place: PlaceName): string;
  remove(): void;
}

export interface KeptClient {
  /** Each connection's answer, or `error CODE`. */
  ask(): Promise<readonly string[]>;
  stop(): void;
}

const exec = promisify(execFile);

/** Moves this process into the world's `lb`. */
export function buildWorld(name: string): World {
  const nameOf = (place: string): string => `t-lb-${name}-${place}`;
  const places: readonly string[] = ['wire', 'n1', 'n2', 'lan', 'lb', 'internet'];
  const servers: Server[] = [];
  const clients: KeptClient[] = [];
  const helpers: ChildProcess[] = [];
  const remove = (): void => {
    for (const server of servers) server.close().closeAllConnections();
    for (const client of clients) client.stop();
    for (const helper of helpers) helper.kill('SIGKILL');
    for (const place of places) quietly(() => ip('netns', 'del', nameOf(place)));
  };
  remove();
  for (const place of places) {
    ip('netns', 'add', nameOf(place));
    ip('-n', nameOf(place), 'link', 'set', 'lo', 'up');
  }
  for (const bridge of ['lan', 'wan']) {
    ip('-n', nameOf('wire'), 'link', 'add', bridge, 'type', 'bridge', 'forward_delay', '0');
    ip('-n', nameOf('wire'), 'link', 'set', bridge, 'up');
  }
  const attach = (place: PlaceName, link: string, bridge: string, address: string): void => {
    const port = `${place}-${link}`.slice(0, 15);
    ip('link', 'add', port, 'netns', nameOf('wire'), 'type', 'veth', 'peer', 'name', link, 'netns', nameOf(place));
    ip('-n', nameOf('wire'), 'link', 'set', port, 'master', bridge, 'up');
    ip('-n', nameOf(place), 'addr', 'add', address, 'dev', link);
    ip('-n', nameOf(place), 'link', 'set', link, 'up');
  };
  attach('lb', 'lan0', 'lan', '10.10.10.253/24');
  attach('lb', 'wan0', 'wan', '198.51.100.1/24');
  attach('n1', 'eth0', 'lan', '10.10.10.1/24');
  attach('n2', 'eth0', 'lan', '10.10.10.2/24');
  attach('lan', 'eth0', 'lan', '10.10.10.100/24');
  attach('internet', 'eth0', 'wan', '198.51.100.10/24');
  const gateway = (place: PlaceName): void =>
    ip('-n', nameOf(place), 'route', 'replace', 'default', 'via', '10.10.10.253');
  for (const place of ['n1', 'n2', 'lan'] as const) gateway(place);
  enterNetns(`/run/netns/${nameOf('lb')}`);
  execFileSync('sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
  // An unanswered ARP question is given up after 0.3 s, not 3 s.
  const hasty = 'net.ipv4.neigh.eth0.retrans_time_ms=100';
  execFileSync('ip', ['netns', 'exec', nameOf('internet'), 'sysctl', '-qw', hasty]);

  return {
    serve(place, port, answer) {
      const server = createServer((request: IncomingMessage, response: ServerResponse) => {
        const [status, body] = answer(request);
        response.writeHead(status).end(body);
      });
      withNetns(`/run/netns/${nameOf(place)}`, () => server.listen(port));
      servers.push(server);
      return server;
    },
    serveUdp(place, port) {
      const program = `const s = require('dgram').createSocket('udp4').bind(${port}).on('message', (m, r) => s.send('${place}', r.port, r.address))`;
      helpers.push(spawn('ip', ['netns', 'exec', nameOf(place), process.execPath, '-e', program], { stdio: 'ignore' }));
    },
    get: async (place, url) => (await fetchMany(nameOf(place), url, 1))[0] ?? '',
    getMany: (place, url, times) => fetchMany(nameOf(place), url, times),
    run: async (place, command) => (await exec('ip', ['netns', 'exec', nameOf(place), ...command])).stdout,
    keep(place, kind, address, port, count) {
      const client = keptClient(nameOf(place), kind === 'tcp' ? tcpClient : udpClient, [address, port, count]);
      clients.push(client);
      return client;
    },
    unplug: (place) => ip('-n', nameOf(place), 'link', 'set', 'eth0', 'down'),
    plug(place) {
      ip('-n', nameOf(place), 'link', 'set', 'eth0', 'up');
      gateway(place);
    },
    netns: nameOf,
    remove,
  };
}

/** A Node program there, since a socket belongs to the namespace that its process is in. */
function keptClient(netns: string, program: string, args: readonly (string | number)[]): KeptClient {
  const command = ['netns', 'exec', netns, process.execPath, '-e', program, ...args.map(String)];
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn('ip', command, {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  return {
    async ask() {
      child.stdin.write('ask\n');
      const [line] = (await once(lines, 'line')) as [string];
      return JSON.parse(line) as string[];
    },
    stop: () => void child.kill('SIGKILL'),
  };
}

const tcpClient = `
const http = require('http'), [host, port, count] = process.argv.slice(1);
const agents = Array.from({ length: count }, () => new http.Agent({ keepAlive: true, maxSockets: 1 }));
const ask = (agent) => new Promise((resolve) => {
  const call = http.get({ host, port, agent, timeout: 5000 }, (answer) => {
    let body = '';
    answer.on('data', (d) => (body += d)).on('end', () => resolve((call.reusedSocket ? 'same ' : 'new ') + body.trim()));
  });
  call.on('timeout', () => call.destroy(Object.assign(new Error(), { code: 'timeout' })));
  call.on('error', (e) => resolve('error ' + e.code));
});
require('readline').createInterface({ input: process.stdin }).on('line', async () => {
  console.log(JSON.stringify(await Promise.all(agents.map(ask))));
});`;

const udpClient = `
const dgram = require('dgram'), [host, port, count] = process.argv.slice(1);
const sockets = Array.from({ length: count }, (_, i) => dgram.createSocket('udp4').bind(45000 + i).on('error', () => 0));
const ask = (socket) => new Promise((resolve) => {
  const timer = setTimeout(() => resolve('error timeout'), 500);
  socket.once('message', (m) => (clearTimeout(timer), resolve(String(m)))).send('hello', Number(port), host);
});
require('readline').createInterface({ input: process.stdin }).on('line', async () => {
  console.log(JSON.stringify(await Promise.all(sockets.map(ask))));
});`;

/** One curl for all of them: starting programs is what costs. */
async function fetchMany(netns: string, url: string, times: number): Promise<readonly string[]> {
  const limits = ['--max-time', '5', '--connect-timeout', '0.7', '-H', 'Connection: close'];
  const write = ['-w', ' %{exitcode}\\n'];
  const args = ['netns', 'exec', netns, 'curl', '-s', ...limits, ...write, `${url}?[1-${times}]`];
  const { promise, resolve } = Promise.withResolvers<string>();
  // curl ends with the last request's code: the lines say all.
  execFile('ip', args, (_error, stdout) => resolve(stdout));
  const lines = (await promise).trimEnd().split('\n');
  return lines.map((line) => {
    const [, body = '', code = ''] = /^(.*) (\d+)$/.exec(line) ?? [];
    return code === '0' ? body : code === '28' ? 'timeout' : code === '7' ? 'refused' : `curl ${code}`;
  });
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // It was not there: that is what was asked for.
  }
}
