/**
 * An upstream server of the test's own on loopback, UDP and TCP on one port. The test says what each question gets.
 *
 *   await startUpstream(({ name, type }) => [`${name} 300 A 192.168.7.7`])      records in zone-file words
 *   await startUpstream(() => 'silence')                                         or NXDOMAIN, SERVFAIL, …
 */
import dgram from 'node:dgram';
import net from 'node:net';
import {
  addressBytes,
  decodeQuery,
  encodeReply,
  flag,
  headerSize,
  nameFromText,
  nameToText,
  rcode,
  rrClass,
  rrType,
  tcpLimit,
  typeName,
} from '../wire/index.ts';
import type { RData, ResourceRecord } from '../wire/index.ts';
import { errnoOf } from '../../util/errno.ts';

export interface Asked {
  /** Without the final dot, letter case as received. */
  readonly name: string;
  readonly type: string;
  readonly transport: 'udp' | 'tcp';
  readonly hasEdns: boolean;
}

/** Records, a code, or a way to misbehave. */
export type Say =
  readonly string[] | keyof typeof rcode | 'silence' | 'truncated' | 'lower-case' | 'wrong-id' | 'garbage';

export interface TestUpstream extends AsyncDisposable {
  readonly port: number;
  /** Every question in order, without the loop probes. */
  readonly asked: Asked[];
  say: (asked: Asked) => Say | Promise<Say>;
}

export async function startUpstream(say: TestUpstream['say'], port = 0): Promise<TestUpstream> {
  const { udp, tcp } = await bindBoth(port);
  const bound = udp.address().port;
  const asked: Asked[] = [];
  const upstream: TestUpstream = {
    port: bound,
    asked,
    say,
    async [Symbol.asyncDispose]() {
      await Promise.all([new Promise<void>((resolve) => udp.close(() => resolve())), stopTcp()]);
    },
  };
  const answer = async (packet: Buffer, transport: Asked['transport']): Promise<Buffer | undefined> => {
    const query = decodeQuery(packet);
    const name = nameToText(query.name).replace(/\.$/, '');
    const question: Asked = { name, type: typeName(query.type), transport, hasEdns: query.edns !== undefined };
    // Loop probes are not what the tests are about; see the loop test.
    if (question.type !== 'HINFO') asked.push(question);
    return reply(packet, await upstream.say(question), transport);
  };
  udp.on('message', (packet, { address, port: from }) => {
    void answer(packet, 'udp').then((out) => out && udp.send(out, from, address));
  });
  const sockets = new Set<net.Socket>();
  tcp.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (chunk: Buffer) => {
      void answer(chunk.subarray(2), 'tcp').then((out) => {
        if (out === undefined) return;
        socket.end(Buffer.concat([Buffer.from([out.length >>> 8, out.length & 255]), out]));
      });
    });
  });
  const stopTcp = (): Promise<void> =>
    new Promise((resolve) => {
      for (const socket of sockets) socket.destroy();
      tcp.close(() => resolve());
    });
  return upstream;
}

/** One port for both; where the kernel chooses it for UDP, TCP may find it taken, and another is asked for. */
async function bindBoth(port: number): Promise<{ readonly udp: dgram.Socket; readonly tcp: net.Server }> {
  for (;;) {
    const udp = dgram.createSocket('udp4');
    const tcp = net.createServer();
    try {
      await new Promise<void>((resolve, reject) => udp.once('error', reject).bind(port, '127.0.0.1', resolve));
      const bound = udp.address().port;
      await new Promise<void>((resolve, reject) => tcp.once('error', reject).listen(bound, '127.0.0.1', resolve));
      return { udp, tcp };
    } catch (error) {
      udp.close();
      if (port !== 0 || errnoOf(error) !== 'EADDRINUSE') throw error;
    }
  }
}

function reply(packet: Buffer, say: Say, transport: Asked['transport']): Buffer | undefined {
  const query = decodeQuery(packet);
  const records = typeof say === 'string' ? [] : say.map(record);
  const code = typeof say === 'string' && say in rcode ? rcode[say as keyof typeof rcode] : rcode.NOERROR;
  const authority = records.filter(({ type }) => type === rrType.SOA);
  const encoded = encodeReply(
    query,
    {
      rcode: authority.length > 0 && records.length === 1 && say[0]?.startsWith('!') ? rcode.NXDOMAIN : code,
      authoritative: false,
      answer: records.filter(({ type }) => type !== rrType.SOA),
      authority,
      additional: [],
    },
    tcpLimit,
  );
  const out = Buffer.from(encoded.packet);
  switch (say) {
    case 'silence':
      return undefined;
    case 'garbage':
      return Buffer.from('not a message at all');
    case 'wrong-id':
      out.writeUInt16BE(query.id ^ 1, 0);
      return out;
    case 'truncated':
      if (transport === 'udp') out.writeUInt16BE(out.readUInt16BE(2) | flag.TC, 2);
      return out;
    case 'lower-case':
      for (const [at, octet] of out.entries())
        if (at >= headerSize && octet >= 0x41 && octet <= 0x5a) out[at] = octet + 0x20;
      return out;
    default:
      return out;
  }
}

/** `name ttl TYPE data`; a SOA goes to the authority section, with `!` before the name the answer is NXDOMAIN. */
function record(text: string): ResourceRecord {
  const [name = '', ttl = '', type = '', ...rest] = text.replace(/^!/, '').split(' ');
  const code = rrType[type as keyof typeof rrType];
  return { name: nameFromText(name), type: code, class: rrClass.IN, ttl: Number(ttl), data: data(type, rest) };
}

function data(type: string, [first = '', ...rest]: readonly string[]): RData {
  switch (type) {
    case 'A':
    case 'AAAA':
      return { kind: 'bytes', bytes: addressBytes(first) ?? new Uint8Array(4) };
    case 'TXT':
      return { kind: 'bytes', bytes: Buffer.from(String.fromCharCode(first.length) + first, 'latin1') };
    case 'SOA': {
      const minimum = Number(rest[0] ?? 60);
      return { kind: 'soa', mname: nameFromText(first), rname: nameFromText('h.test'), numbers: [1, 2, 3, 4, minimum] };
    }
    default:
      return { kind: 'name', target: nameFromText(first) };
  }
}
