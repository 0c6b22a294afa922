/**
 * One request in, at most one answer out, whatever it was and whoever sent it.
 *
 *   bytes ─ seen before, nothing changed since ───────────────────────────────> answer
 *     └─ decode ─ may this client ask? ─ is it a question? ─ Answers ─┬─ reply ─> answer   the cluster's own
 *           └─ malformed: FORMERR, or silence                         ├─ chase ─> forward, joined to the CNAMEs
 *                                                                     └─ else ──> forward
 */
import { log } from '../../util/log.ts';
import type { Answers } from '../answers.ts';
import { anyRecord, bare } from '../answers.ts';
import { agedMessage } from '../forward/index.ts';
import type { Entry, Forwarder } from '../forward/index.ts';
import type { DnsMetrics, Transport } from '../metrics/index.ts';
import {
  WireError,
  decodeQuery,
  encodeFormatError,
  encodeReply,
  flag,
  nameToText,
  rcode,
  requestHeader,
  rrClass,
  rrType,
  tcpLimit,
  udpLimit,
} from '../wire/index.ts';
import type { Query, Reply } from '../wire/index.ts';
import type { Versioned } from '../zone/index.ts';
import type { Autopath } from './autopath.ts';
import { completion } from './completion.ts';
import { askOf, forwardedPacket, wantsAuthenticData } from './forwarded.ts';
import { PacketCache, isCacheable, requestKey, rotate, rotationOf } from './packet-cache.ts';

export interface ResponderOptions {
  readonly answers: Answers;
  readonly forwarder: Forwarder;
  readonly mayAsk: (address: string) => boolean;
  readonly metrics: DnsMetrics;
  /** undefined: clients walk their search lists themselves. */
  readonly autopath: Autopath | undefined;
  /** Told of each answer, where a query log is wanted. */
  readonly queryLog: QueryLog | undefined;
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
}

export interface Client {
  readonly address: string;
  readonly transport: Transport;
}

export type Send = (packet: Buffer) => void;

/** What one request needs on its way. */
export interface Job {
  readonly query: Query;
  readonly client: Client;
  readonly send: Send;
  readonly start: number;
  readonly requestSize: number;
  /** Where the answer may be kept; undefined: nowhere. */
  readonly key: string | undefined;
}

export type QueryLog = (job: Job, packet: Buffer, code: number) => void;

const logger = log('dns');
const opcodeMask = 0x7800;
const keptPackets = 12_000;
/** Before the first sync a question waits so long, and so many may. */
const syncWaitMs = 2_000;
const mayWait = 1_000;

export class Responder {
  readonly #options: ResponderOptions;
  readonly #packets = new PacketCache(keptPackets);
  #turn = 0;
  #waiting = 0;

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /** The short way, for questions over UDP that were answered before: octets written to `out`; 0: take the long way. */
  quick(packet: Buffer, length: number, client: Client, out: Buffer): number {
    const start = performance.now();
    const key = requestKey(packet, length);
    const cached = key === undefined ? undefined : this.#packets.get(key);
    if (cached === undefined || !this.#options.mayAsk(client.address)) return 0;
    if (this.#options.queryLog !== undefined) return 0;
    if (cached.rcode === rcode.NXDOMAIN && this.#options.autopath?.mayComplete(client.address) === true) return 0;
    const size = out.write(cached.bytes, 'latin1');
    out[0] = packet[0] ?? 0;
    out[1] = packet[1] ?? 0;
    if (cached.rotation !== undefined) rotate(out, cached.rotation, this.#turn++);
    this.#options.metrics.count(client, cached.type, cached.rcode, start, length, size);
    return size;
  }

  /** false: nothing will be sent back, ever. */
  handle(packet: Buffer, client: Client, send: Send): boolean {
    const start = performance.now();
    try {
      const query = decodeQuery(packet);
      if ((query.flags & flag.QR) !== 0) return false;
      const key = client.transport === 'udp' && isCacheable(query) ? requestKey(packet, packet.length) : undefined;
      this.#answer({ query, client, send, start, requestSize: packet.length, key });
      return true;
    } catch (error) {
      return this.#refuseMalformed(packet, client, send, error);
    }
  }

  /** A mistake of ours must not become everybody's outage: it is told, and its question gets the same answer. */
  #refuseMalformed(packet: Buffer, client: Client, send: Send, error: unknown): boolean {
    const ours = !(error instanceof WireError);
    if (ours) logger.error({ err: error, packet: packet.toString('hex') }, 'a question could not be answered');
    const header = requestHeader(packet);
    if (header === undefined) return false;
    const answer = encodeFormatError(header);
    send(answer);
    this.#options.metrics.count(client, 0, rcode.FORMERR, performance.now(), packet.length, answer.length);
    return true;
  }

  /** For answers that come later. */
  #finally(job: Job, work: Promise<void>): void {
    work.catch((error: unknown) => {
      logger.error({ err: error, name: nameToText(job.query.name) }, 'a question could not be answered');
      this.#send(job, notOurs(rcode.SERVFAIL));
    });
  }

  #answer(job: Job): void {
    const refusal = this.#refusal(job);
    if (refusal !== undefined) return this.#send(job, refusal);
    const { answers, hasSynced } = this.#options;
    if (!hasSynced() && answers.owns(job.query.name)) return this.#afterSync(job);
    const answer = answers.answer(job.query);
    switch (answer.kind) {
      case 'reply':
        return this.#complete(job, answer.reply, answer.dependsOn);
      case 'chase':
        return this.#finally(job, this.#chase(job, answer.chain, answer.target));
      case 'elsewhere':
        return this.#forward(job);
    }
  }

  /** What is wrong with the question itself, or with who asks it. */
  #refusal({ query, client }: Job): Reply | undefined {
    if (!this.#options.mayAsk(client.address)) return notOurs(rcode.REFUSED);
    if ((query.flags & opcodeMask) !== 0) return notOurs(rcode.NOTIMP);
    if (query.edns !== undefined && query.edns.version !== 0) return notOurs(rcode.BADVERS);
    if (query.class !== rrClass.IN) return notOurs(rcode.REFUSED);
    if (query.type === rrType.AXFR || query.type === rrType.IXFR) return notOurs(rcode.REFUSED);
    return this.#options.forwarder.cameBack(query.name) ? notOurs(rcode.REFUSED) : undefined;
  }

  /** Where the name does not exist and the client has a search list, with what it would find further on in the list. */
  #complete(job: Job, reply: Reply, dependsOn: Versioned): void {
    const { autopath } = this.#options;
    const missing = reply.rcode === rcode.NXDOMAIN && reply.answer.length === 0;
    const candidates = missing ? (autopath?.candidates(job.query, job.client.address) ?? []) : [];
    if (candidates.length === 0) return this.#send(job, reply, dependsOn);
    const completed = completion(job.query, candidates, this.#options);
    this.#finally(
      job,
      completed.then((found) => (found === undefined ? this.#send(job, reply) : this.#send(job, found))),
    );
  }

  #afterSync(job: Job): void {
    const fail = (): void => this.#send(job, notOurs(rcode.SERVFAIL));
    if (this.#waiting >= mayWait) return fail();
    this.#waiting += 1;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, syncWaitMs);
    });
    const either = Promise.race([this.#options.synced, tooLate]).then(() => {
      clearTimeout(timer);
      this.#waiting -= 1;
      if (this.#options.hasSynced()) this.#answer(job);
      else fail();
    });
    this.#finally(job, either);
  }

  async #chase(job: Job, chain: Reply['answer'], target: string): Promise<void> {
    const found = await this.#options.forwarder.sections(askOf(job.query, target));
    if (found === undefined) return this.#send(job, { ...bare(rcode.SERVFAIL), answer: chain });
    this.#send(job, {
      rcode: found.rcode,
      authoritative: true,
      answer: [...chain, ...found.answer],
      authority: found.answer.length === 0 ? found.authority : [],
      additional: [],
    });
  }

  #forward(job: Job): void {
    const { query } = job;
    if (query.type === rrType.ANY) {
      return this.#send(job, { ...notOurs(rcode.NOERROR), answer: [anyRecord(query.name)] });
    }
    const entry = this.#options.forwarder.resolve(askOf(query, query.name));
    if (!(entry instanceof Promise)) return this.#sendForwarded(job, entry);
    this.#finally(
      job,
      entry.then((late) => this.#sendForwarded(job, late)),
    );
  }

  #sendForwarded(job: Job, entry: Entry | undefined): void {
    if (entry === undefined) return this.#send(job, notOurs(rcode.SERVFAIL));
    const now = this.#options.forwarder.now();
    const packet = forwardedPacket(job.query, entry, limitOf(job), now);
    if (packet !== undefined) return this.#finish(job, packet, entry.rcode);
    const { answer, authority } = agedMessage(entry, now);
    const authenticData = entry.authenticData && wantsAuthenticData(job.query);
    this.#send(job, { rcode: entry.rcode, authoritative: false, answer, authority, additional: [], authenticData });
  }

  #send(job: Job, reply: Reply, dependsOn?: Versioned): void {
    const { query, key } = job;
    const encoded = encodeReply(query, reply, limitOf(job));
    const packet = Buffer.from(encoded.packet);
    const rotation = rotationOf(query, reply, encoded);
    if (key !== undefined && dependsOn !== undefined && this.#options.hasSynced()) {
      const { version } = dependsOn;
      const kept = { type: query.type, rcode: reply.rcode, dependsOn, version, rotation };
      this.#packets.put(key, { bytes: packet.toString('latin1'), ...kept });
    }
    if (rotation !== undefined) rotate(packet, rotation, this.#turn++);
    this.#finish(job, packet, reply.rcode);
  }

  #finish(job: Job, packet: Buffer, code: number): void {
    const { client, query, send, start, requestSize } = job;
    try {
      send(packet);
    } catch (error) {
      logger.debug({ client: client.address, err: error }, 'the answer could not be sent');
    }
    this.#options.metrics.count(client, query.type, code, start, requestSize, packet.length);
    this.#options.queryLog?.(job, packet, code);
  }
}

function notOurs(code: number): Reply {
  return { ...bare(code), authoritative: false };
}

function limitOf({ client, query }: Job): number {
  return client.transport === 'udp' ? udpLimit(query) : tcpLimit;
}
