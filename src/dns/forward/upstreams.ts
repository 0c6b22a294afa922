/**
 * The list of upstream servers: who is asked, in which order, for how long.
 *
 *   in the order of the list, the healthy ones; time-out, refusal, SERVFAIL ─> the next; a single one is asked twice
 *   nobody is up ─> no answer at once
 *
 * Before a server is used for the first time it is sent a question that nobody else can know. If that question arrives
 * here, the server forwards to us: a loop (CoreDNS plugin/loop does the same).
 */
import { randomBytes } from 'node:crypto';
import type { SocketFactory } from '../../kernel/socket.ts';
import { log } from '../../util/log.ts';
import { foldCase, nameFromLabels, rcode, rcodeName, rrClass, rrType } from '../wire/index.ts';
import type { Message, WireName } from '../wire/index.ts';
import { exchange } from './exchange.ts';
import type { Ask } from './exchange.ts';
import type { UpstreamAddress } from './resolv-conf.ts';
import { Upstream } from './upstream.ts';

export interface UpstreamsOptions {
  /** Gives the same array until the list has changed. */
  readonly addresses: () => readonly UpstreamAddress[];
  readonly sockets: SocketFactory;
  readonly signal: AbortSignal;
  readonly now?: () => number;
  /** Told about each exchange, for the metrics. `code` undefined: it failed. */
  readonly observe?: (upstream: string, code: number | undefined, seconds: number) => void;
  readonly timeouts?: Timeouts;
}

export interface Timeouts {
  readonly tryMs: number;
  /** Below the five seconds after which glibc gives up (resolv.conf(5) timeout). */
  readonly totalMs: number;
}

const logger = log('dns');
const defaultTimeouts: Timeouts = { tryMs: 2_000, totalMs: 4_500 };

export class Upstreams {
  readonly #options: UpstreamsOptions;
  readonly #now: () => number;
  readonly #timeouts: Timeouts;
  readonly #probes = new Map<WireName, Upstream>();
  #addresses: readonly UpstreamAddress[] = [];
  #list: readonly Upstream[] = [];

  constructor(options: UpstreamsOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#timeouts = options.timeouts ?? defaultTimeouts;
  }

  /** undefined: nobody could be asked, or nobody answered. */
  async ask(ask: Ask): Promise<Message | undefined> {
    const list = this.#current();
    const deadline = this.#now() + this.#timeouts.totalMs;
    let last: Message | undefined;
    for (const upstream of list.length === 1 ? [...list, ...list] : list) {
      const left = deadline - this.#now();
      if (left <= 0 || this.#options.signal.aborted) break;
      if (!upstream.take(this.#now())) continue;
      const message = await this.#tryOne(ask, upstream, Math.min(left, this.#timeouts.tryMs));
      if (message === undefined) continue;
      last = message;
      // The same server would say the same again.
      if (list.length === 1 || message.rcode === rcode.NOERROR || message.rcode === rcode.NXDOMAIN) break;
    }
    return last;
  }

  /** Was this the name of a probe? Then its upstream is out for good. */
  cameBack(name: WireName): boolean {
    const upstream = this.#probes.get(foldCase(name));
    if (upstream === undefined) return false;
    if (!upstream.loops) {
      logger.error(
        { upstream: upstream.name },
        'this upstream server forwards to us: a loop; it is not asked any more',
      );
    }
    upstream.loops = true;
    return true;
  }

  #current(): readonly Upstream[] {
    const addresses = this.#options.addresses();
    if (addresses === this.#addresses) return this.#list;
    this.#addresses = addresses;
    this.#probes.clear();
    this.#list = addresses.map((address) => new Upstream(address));
    for (const upstream of this.#list) void this.#probe(upstream);
    return this.#list;
  }

  async #tryOne(ask: Ask, upstream: Upstream, timeoutMs: number): Promise<Message | undefined> {
    const wasHealthy = upstream.healthy;
    try {
      const message = await this.#exchange(ask, upstream, timeoutMs);
      upstream.succeeded();
      if (!wasHealthy) logger.info({ upstream: upstream.name }, 'upstream server answers again');
      return message;
    } catch (error) {
      upstream.failed(this.#now());
      if (wasHealthy && !upstream.healthy) {
        logger.warn({ upstream: upstream.name, err: error }, 'upstream server does not answer; it rests');
      }
      return undefined;
    }
  }

  /** Servers that know no EDNS refuse it (RFC 6891 7): once more without. */
  async #exchange(ask: Ask, upstream: Upstream, timeoutMs: number): Promise<Message> {
    const { sockets, signal, observe } = this.#options;
    const start = this.#now();
    const once = async (edns: boolean): Promise<Message> => {
      const options = { sockets, signal, timeoutMs, mixCase: upstream.mixCase, edns };
      const { message, keepsCase } = await exchange(ask, upstream.address, options);
      if (!keepsCase) upstream.mixCase = false;
      return message;
    };
    try {
      let message = await once(upstream.edns);
      if (upstream.edns && mindsEdns(message)) {
        message = await once(false);
        if (!mindsEdns(message)) upstream.edns = false;
      }
      observe?.(upstream.name, message.rcode, (this.#now() - start) / 1000);
      logger.trace({ upstream: upstream.name, rcode: rcodeName(message.rcode) }, 'upstream answered');
      return message;
    } catch (error) {
      observe?.(upstream.name, undefined, (this.#now() - start) / 1000);
      throw error;
    }
  }

  async #probe(upstream: Upstream): Promise<void> {
    const name = nameFromLabels([randomBytes(10).toString('hex'), randomBytes(10).toString('hex')]);
    this.#probes.set(name, upstream);
    const ask: Ask = { name, type: rrType.HINFO, class: rrClass.IN, dnssecOk: false, checkingDisabled: false };
    const { sockets, signal } = this.#options;
    const options = { sockets, signal, timeoutMs: this.#timeouts.tryMs, mixCase: false, edns: false };
    try {
      await exchange(ask, upstream.address, options);
    } catch (error) {
      // Its health is judged by real questions only.
      logger.debug({ upstream: upstream.name, err: error }, 'loop probe was not answered');
    } finally {
      this.#probes.delete(name);
    }
  }
}

function mindsEdns({ rcode: code }: Message): boolean {
  return code === rcode.FORMERR || code === rcode.NOTIMP || code === rcode.BADVERS;
}
