/** The process behind a Place: place-process.ts NAME NETNS. Commands come over the channel of the parent, and end with it. */
import { createSocket } from 'node:dgram';
import net from 'node:net';
import { enterNetns } from '../../kernel/index.ts';
import { answer } from './call.ts';
import { Loads } from './loads.ts';
import { resetRequest } from './place.ts';
import type { Command, Question } from './place.ts';

const [name = '', netns = ''] = process.argv.slice(2);
enterNetns(netns);
const held = new Map<string, net.Socket>();
const listening = new Map<number, net.Server>();
const loads = new Loads((question) => (question.protocol === 'TCP' ? askTcp(question) : askUdp(question)));

answer<Command>(perform);

function perform(command: Command): Promise<unknown> {
  switch (command.do) {
    case 'serve':
      return command.protocol === 'TCP'
        ? serveTcp(command.port, command.address)
        : serveUdp(command.port, command.address ?? '::');
    case 'ask':
      return askMany(command);
    case 'ask-all':
      return askAll(command.questions);
    case 'load':
      return Promise.resolve(loads.start(command.questions, command.lanes));
    case 'settle':
      return loads.settle();
    case 'unload':
      return loads.stop();
    case 'unserve':
      listening.get(command.port)?.close();
      return Promise.resolve();
    case 'hold':
      return hold(command);
    case 'say':
      return say(command);
  }
}

function serveTcp(port: number, address?: string): Promise<void> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(`${name} ${plain(socket.remoteAddress)} ${String(socket.remotePort)}\n`);
    socket.on('data', (bytes) => {
      if (bytes.toString() === resetRequest) socket.resetAndDestroy();
      else socket.write(bytes);
    });
  });
  listening.set(port, server);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: address ?? '::', backlog: 511 }, resolve);
  });
}

function serveUdp(port: number, address: string): Promise<void> {
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4' });
  socket.on('message', (bytes, from) => {
    // As long as the question: a large one gets a large answer.
    const text = `${name} ${plain(from.address)} ${String(from.port)}`.padEnd(bytes.length);
    socket.send(text, from.port, from.address);
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, resolve);
  });
}

async function askMany(command: Command & { do: 'ask' }): Promise<string[]> {
  const answers: string[] = [];
  // At most so many at once: enough to be quick, few enough for a small backlog.
  const lanes = command.from === undefined ? 20 : 1;
  let left = command.times;
  const lane = async (): Promise<void> => {
    while (left-- > 0) answers.push(await (command.protocol === 'TCP' ? askTcp(command) : askUdp(command)));
  };
  await Promise.all(Array.from({ length: Math.min(lanes, command.times) }, lane));
  return answers;
}

async function askAll(questions: readonly Question[]): Promise<string[][]> {
  const answers: string[][] = questions.map(() => []);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < questions.length; i = next++) {
      const question = questions[i];
      for (let n = 0; question !== undefined && n < (question.times ?? 1); n++) {
        answers[i]?.push(await (question.protocol === 'TCP' ? askTcp(question) : askUdp(question)));
      }
    }
  };
  await Promise.all(Array.from({ length: 100 }, lane));
  return answers;
}

type Asked = Pick<Question, 'address' | 'port' | 'timeoutMs' | 'source'> & {
  readonly from?: number;
  readonly bytes?: number;
};

function askTcp({ address, port, timeoutMs, from, source }: Asked): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect({
      host: address,
      port,
      ...(from === undefined ? {} : { localPort: from }),
      ...(source === undefined ? {} : { localAddress: source }),
    });
    const end = (answer: string): void => {
      clearTimeout(timer);
      // A reset leaves no TIME_WAIT behind, so the same source port can be used again.
      socket.resetAndDestroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end('TIMEOUT'), timeoutMs);
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.once('data', (bytes) => end(bytes.toString().trim()));
    socket.once('end', () => end('CLOSED'));
  });
}

function askUdp({ address, port, timeoutMs, from, source, bytes: size = 1 }: Asked): Promise<string> {
  return new Promise((resolve) => {
    // Without a port of one's own choice, the kernel may give one to two sockets that both allow it.
    const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', reuseAddr: from !== undefined });
    const end = (answer: string): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end('TIMEOUT'), timeoutMs);
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.once('message', (bytes) =>
      end(bytes.length < size ? `only ${String(bytes.length)} bytes` : bytes.toString().trimEnd()),
    );
    socket.bind({ port: from ?? 0, ...(source === undefined ? {} : { address: source }) }, () => {
      // Connected, so that an ICMP refusal comes back as an error.
      socket.connect(port, address, (error?: NodeJS.ErrnoException) => {
        // No route, for one.
        if (error !== undefined && error !== null) end(error.code ?? error.message);
        else socket.send('?'.repeat(size));
      });
    });
  });
}

function hold({ name: key, address, port, from }: Command & { do: 'hold' }): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: address, port, ...(from === undefined ? {} : { localPort: from }) });
    held.set(key, socket);
    socket.once('error', reject);
    socket.once('data', (bytes) => resolve(bytes.toString().trim()));
  });
}

function say({ name: key, text }: Command & { do: 'say' }): Promise<string> {
  const socket = held.get(key);
  if (socket === undefined) return Promise.reject(new Error(`no connection ${key}`));
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
    socket.once('data', (bytes) => resolve(bytes.toString()));
    socket.write(text);
  });
}

function plain(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '');
}
