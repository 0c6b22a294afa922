/**
 * Names that are not the cluster's: answered from the cache, or by an upstream server.
 *
 *   question ─ cache ─┬─ fresh ──────────────────────────────────> entry
 *                     ├─ stale ── ask; 1.8 s without an answer ──> the stale entry (RFC 8767)
 *                     └─ none ─── ask ─┬─ answer ────────────────> entry, kept
 *                                      └─ nobody answers ────────> undefined: SERVFAIL
 *
 * The same question is asked once at a time, however many wait for it: that starves forgers of their birthday paradox
 * (VU#457875) and takes the force out of forwarding loops.
 */
import { log } from '../../util/log.ts';
import { foldCase, zoneOffset } from '../wire/index.ts';
import type { Message, Reply, WireName } from '../wire/index.ts';
import { AnswerCache, agedMessage, entryOf } from './cache.ts';
import type { CacheLimits, Entry } from './cache.ts';
import type { Ask } from './exchange.ts';
import { cleanSections } from './sections.ts';
import type { Upstreams } from './upstreams.ts';

export interface ForwarderOptions {
  readonly upstreams: Upstreams;
  /** Zones with servers of their own; the most specific one counts. */
  readonly stubs?: readonly StubZone[];
  readonly now?: () => number;
  readonly limits?: CacheLimits;
  /** Questions under way at once; more are answered SERVFAIL (CoreDNS forward max_concurrent). */
  readonly maxConcurrent?: number;
}

export interface StubZone {
  readonly zone: WireName;
  readonly upstreams: Upstreams;
}

export interface ForwarderCounts {
  hits: number;
  stale: number;
  misses: number;
  rejects: number;
  prefetches: number;
}

const logger = log('dns');
/** RFC 8767 5: the client response timer. */
const staleAfterMs = 1_800;
const recheckMs = 5_000;
/** CoreDNS cache: at most 9984 positive and as many negative entries. */
const defaultLimits: CacheLimits = { entries: 10_000, bytes: 8 << 20 };

export class Forwarder {
  readonly counts: ForwarderCounts = { hits: 0, stale: 0, misses: 0, rejects: 0, prefetches: 0 };
  readonly now: () => number;
  readonly #upstreams: Upstreams;
  readonly #stubs: readonly StubZone[];
  readonly #cache: AnswerCache;
  readonly #underWay = new Map<string, Promise<Entry | undefined>>();
  readonly #maxConcurrent: number;

  constructor({ upstreams, stubs, now, limits, maxConcurrent }: ForwarderOptions) {
    this.#upstreams = upstreams;
    this.#stubs = (stubs ?? []).toSorted((a, b) => b.zone.length - a.zone.length);
    this.now = now ?? (() => performance.now());
    this.#cache = new AnswerCache(limits ?? defaultLimits);
    this.#maxConcurrent = maxConcurrent ?? 1_000;
  }

  get cacheSize(): number {
    return this.#cache.size;
  }

  /** Synchronous where the cache has it. undefined: no upstream could answer. */
  resolve(asked: Ask): Entry | Promise<Entry | undefined> {
    const ask = { ...asked, name: foldCase(asked.name) };
    const key = keyOf(ask);
    const now = this.now();
    const known = this.#cache.get(key);
    if (known !== undefined && now < known.freshUntil) {
      this.counts.hits += 1;
      if (nearlyOver(known, now) && !this.#underWay.has(key)) {
        this.counts.prefetches += 1;
        void this.#ask(key, ask);
      }
      return known;
    }
    const stale = known !== undefined && now < known.staleUntil ? known : undefined;
    if (stale !== undefined && now < stale.recheckAt) {
      this.counts.stale += 1;
      return stale;
    }
    this.counts.misses += 1;
    const answer = this.#underWay.get(key) ?? this.#ask(key, ask);
    return stale === undefined ? answer : this.#orStale(answer, stale);
  }

  /** What a client that is told a CNAME out of the cluster needs of its target. */
  async sections(ask: Ask): Promise<Pick<Message, 'rcode' | 'answer' | 'authority'> | undefined> {
    const entry = await this.resolve(ask);
    return entry === undefined ? undefined : agedMessage(entry, this.now());
  }

  /** True: this question is our own probe, so the upstream that it was sent to leads back here. */
  cameBack(name: WireName): boolean {
    return [this.#upstreams, ...this.#stubs.map(({ upstreams }) => upstreams)].some((each) => each.cameBack(name));
  }

  #upstreamsFor(name: WireName): Upstreams {
    const stub = this.#stubs.find(({ zone }) => zoneOffset(name, zone) >= 0);
    return stub?.upstreams ?? this.#upstreams;
  }

  #ask(key: string, ask: Ask): Promise<Entry | undefined> {
    if (this.#underWay.size >= this.#maxConcurrent) {
      this.counts.rejects += 1;
      return Promise.resolve(undefined);
    }
    const answer = this.#askNow(key, ask).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, answer);
    return answer;
  }

  async #askNow(key: string, ask: Ask): Promise<Entry | undefined> {
    try {
      const message = await this.#upstreamsFor(ask.name).ask(ask);
      // An extended code is about EDNS between us and the upstream, not about the question.
      if (message === undefined || message.rcode > 0xf) return undefined;
      const sections: Pick<Reply, 'answer' | 'authority'> = cleanSections(ask, message);
      const query = { ...ask, id: 0, flags: 0, edns: undefined, exact: true };
      const entry = entryOf(query, message, sections, this.now());
      const known = this.#cache.get(key);
      // A failure never takes the place of an answer that may still serve as stale.
      const worse = entry.staleUntil === 0 && known !== undefined && this.now() < known.staleUntil;
      if (worse) return undefined;
      if (entry.freshUntil > entry.storedAt) this.#cache.put(key, entry);
      return entry;
    } catch (error) {
      logger.warn({ err: error }, 'an upstream answer could not be used');
      return undefined;
    }
  }

  #orStale(answer: Promise<Entry | undefined>, stale: Entry): Promise<Entry> {
    return new Promise((resolve) => {
      const serve = (): void => {
        this.counts.stale += 1;
        resolve(stale);
      };
      const timer = setTimeout(serve, staleAfterMs);
      void answer.then((entry) => {
        clearTimeout(timer);
        if (entry !== undefined) return resolve(entry);
        stale.recheckAt = this.now() + recheckMs;
        serve();
      });
    });
  }
}

function keyOf({ name, type, dnssecOk, checkingDisabled }: Ask): string {
  return `${type}${dnssecOk ? 'd' : ''}${checkingDisabled ? 'c' : ''} ${name}`;
}

/** The last tenth of a lifetime that is long enough to be worth it. */
function nearlyOver({ storedAt, freshUntil }: Entry, now: number): boolean {
  const lifetime = freshUntil - storedAt;
  return lifetime >= 10_000 && freshUntil - now < lifetime / 10;
}
