/**
 * One question to one upstream server, and its answer: over UDP, and over TCP where the answer was cut or looks odd.
 *
 *   connected socket of its own ── random source port, only the upstream is heard
 *   random id, random letter case (draft-vixie-dnsext-dns0x20) ── a forger has to guess those too
 *
 * A reply with the right id and name but other letter case is not believed; TCP then tells whether the server is just
 * one that does not keep case.
 */
import { randomBytes } from 'node:crypto';
import type { SocketFactory, SocketFamily } from '../../kernel/socket.ts';
import { WireError, decodeMessage, encodeQuery, flag, foldCase, rcode } from '../wire/index.ts';
import type { Message, Query, WireName } from '../wire/index.ts';
import type { UpstreamAddress } from './resolv-conf.ts';

export interface Ask {
  readonly name: WireName;
  readonly type: number;
  readonly class: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

export interface ExchangeOptions {
  readonly sockets: SocketFactory;
  readonly timeoutMs: number;
  readonly mixCase: boolean;
  readonly edns: boolean;
  readonly signal: AbortSignal;
}

export interface Exchanged {
  readonly message: Message;
  /** false: the server answers in lower case, so mixing is no use with it. */
  readonly keepsCase: boolean;
}

/** Rejects with an Error that names the reason: timed out, refused, unreachable. */
export async function exchange(ask: Ask, upstream: UpstreamAddress, options: ExchangeOptions): Promise<Exchanged> {
  const query = queryFor(ask, options);
  const family: SocketFamily = upstream.address.includes(':') ? 'IPv6' : 'IPv4';
  const message = await overUdp(query, upstream, family, options);
  const kept = message.question === undefined || message.question.name === query.name;
  if (kept && (message.flags & flag.TC) === 0) return { message, keepsCase: true };
  return { message: await overTcp(query, upstream, family, options), keepsCase: kept };
}

function queryFor(ask: Ask, { mixCase, edns }: ExchangeOptions): Query {
  return {
    id: randomBytes(2).readUInt16BE(),
    flags: flag.RD | flag.AD | (ask.checkingDisabled ? flag.CD : 0),
    name: mixCase ? mixedCase(ask.name) : ask.name,
    type: ask.type,
    class: ask.class,
    edns: edns ? { size: 0, version: 0, dnssecOk: ask.dnssecOk, hasOptions: false } : undefined,
    exact: true,
  };
}

function overUdp(
  query: Query,
  upstream: UpstreamAddress,
  family: SocketFamily,
  options: ExchangeOptions,
): Promise<Message> {
  return attempt(upstream, options, (finish) => {
    const socket = options.sockets.udp(family);
    socket.on('error', finish);
    socket.on('message', (packet) => {
      const message = understood(packet, query);
      if (message !== undefined) finish(undefined, message);
    });
    socket.on('connect', () => socket.send(encodeQuery(query), (error) => error && finish(error)));
    socket.connect(upstream.port, upstream.address);
    return () => {
      socket.removeAllListeners();
      // A late ICMP error of a closed socket is nobody's business.
      socket.on('error', () => {});
      socket.close();
    };
  });
}

function overTcp(
  query: Query,
  upstream: UpstreamAddress,
  family: SocketFamily,
  options: ExchangeOptions,
): Promise<Message> {
  return attempt(upstream, options, (finish) => {
    const socket = options.sockets.tcp(family);
    let received: Buffer = Buffer.alloc(0);
    socket.on('error', finish);
    socket.on('close', () => finish(new Error(`${upstream.address} closed the connection`)));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const message = understood(received.subarray(2, 2 + received.readUInt16BE(0)), query);
      finish(new Error(`${upstream.address} answered something else over TCP`), message);
    });
    socket.connect({ host: upstream.address, port: upstream.port }, () => {
      const packet = encodeQuery(query);
      socket.write(Buffer.concat([Buffer.from([packet.length >>> 8, packet.length & 0xff]), packet]));
    });
    return () => {
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.destroy();
    };
  });
}

type Finish = (error: Error | undefined, message?: Message) => void;

/** Until it is finished, too late, or stopped; a message wins over an error. `begin` gives what closes its socket. */
function attempt(
  upstream: UpstreamAddress,
  { timeoutMs, signal }: ExchangeOptions,
  begin: (finish: Finish) => () => void,
): Promise<Message> {
  return new Promise((resolve, reject) => {
    const finish: Finish = (error, message) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      close();
      if (message !== undefined) resolve(message);
      else reject(error ?? new Error('no answer'));
    };
    const stop = (): void => finish(new Error('stopped'));
    // Throws where no socket can be had; then there is nothing to wait for.
    const close = begin(finish);
    const timer = setTimeout(() => finish(timedOut(upstream, timeoutMs)), timeoutMs);
    signal.addEventListener('abort', stop);
  });
}

/** undefined: not an answer to this query; whoever sent it, the true one may still come. */
function understood(packet: Buffer, query: Query): Message | undefined {
  try {
    const message = decodeMessage(packet);
    if (message.id !== query.id || (message.flags & flag.QR) === 0) return undefined;
    const { question } = message;
    // Servers that can't read a request may send the bare header back.
    if (question === undefined) return message.rcode === rcode.NOERROR ? undefined : message;
    const same = question.type === query.type && question.class === query.class;
    return same && foldCase(question.name) === foldCase(query.name) ? message : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** Length octets are below the letters, so only letters have a case here. */
function mixedCase(name: WireName): WireName {
  const random = randomBytes(name.length);
  let mixed = '';
  for (let i = 0; i < name.length; i += 1) {
    const char = name.charAt(i);
    mixed += /[A-Za-z]/.test(char) ? ((random[i] ?? 0) & 1 ? char.toUpperCase() : char.toLowerCase()) : char;
  }
  return mixed;
}

function timedOut({ address, port }: UpstreamAddress, timeoutMs: number): Error {
  return new Error(`${address} port ${port} did not answer within ${timeoutMs} ms`);
}
