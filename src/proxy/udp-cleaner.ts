/**
 * Forgets UDP flows that lead to the wrong place. A flow keeps the translation of its first packet for as long as packets come,
 * so a change of the tables alone would never reach a client that does not pause. Four cases, one rule:
 *
 *   an endpoint is gone            a flow of a key that is answered by none of the service port's serving endpoints
 *   the first endpoint is there    … nor by the key's own address (it was not translated before)
 *   the key is gone                a flow that was translated for it, whoever answers
 *   no endpoints are left          as the first
 *
 * At a start all keys are looked at, those that the kernel still held for services that are gone, and flows into the service
 * ranges that no key explains. So they are when somebody had changed our tables: what came meanwhile was not translated.
 *
 * Valid flows are never touched: whom policies, hints or termination keep new flows from still serves those it has, as with TCP.
 * Upstream: pkg/proxy/conntrack/cleanup.go (which lists the whole table for each pass; here only passes with UDP changes do).
 */
import type { Applied } from '../dataplane/index.ts';
import { openConntrack } from '../kernel/index.ts';
import type { Conntrack, Flow } from '../kernel/index.ts';
import { entryKey } from '../model/index.ts';
import type { EntryKey, Family, TableEntry } from '../model/index.ts';
import { cidrContains, mustParseCidr, parseIp } from '../util/ip.ts';
import { log } from '../util/log.ts';
import type { Metrics } from './metrics.ts';
import type { Pass } from './syncer.ts';
import type { TableStore } from './table-store.ts';

/** Who may answer for a key; undefined: the key is no more. */
type Answers = ReadonlySet<string> | undefined;

const udp = 17;
const logger = log('proxy');

export class UdpCleaner {
  readonly #metrics: Metrics;
  readonly #serviceCidrs: () => readonly string[];
  #conntrack: Conntrack | undefined;

  constructor(metrics: Metrics, serviceCidrs: () => readonly string[]) {
    this.#metrics = metrics;
    this.#serviceCidrs = serviceCidrs;
  }

  /** After the kernel has the pass: packets that come now meet the new tables. */
  clean(pass: Pass, store: TableStore): void {
    if (pass.full || pass.applied.mended !== undefined) return this.cleanAll(pass.applied, store);
    const keys = changedKeys(pass, store);
    if (keys.size > 0) this.#clean(keys, false);
  }

  /** After the tables were read back. */
  cleanAll({ unclaimed = [] }: Applied, store: TableStore): void {
    const keys = new Map<EntryKey, Answers>(unclaimed.map((key) => [key, undefined]));
    for (const entry of store.entries.datagrams())
      if (entry.frontend.protocol === 'UDP') keys.set(entry.key, answersOf(entry));
    this.#clean(keys, true);
  }

  #clean(keys: ReadonlyMap<EntryKey, Answers>, full: boolean): void {
    try {
      for (const family of ['IPv4', 'IPv6'] as const) {
        const began = performance.now();
        this.#cleanFamily(family, keys, full);
        this.#metrics.conntrackSeconds[family].observe((performance.now() - began) / 1000);
      }
    } catch (error) {
      logger.warn({ err: error }, 'stale UDP flows could not be looked for');
    }
  }

  close(): void {
    this.#conntrack?.close();
    this.#conntrack = undefined;
  }

  #cleanFamily(family: Family, keys: ReadonlyMap<string, Answers>, full: boolean): void {
    if (!full && ![...keys.keys()].some((key) => key.includes(':') === (family === 'IPv6'))) return;
    const conntrack = (this.#conntrack ??= openConntrack());
    const stale: Flow[] = [];
    conntrack.each({ family, protocol: udp }, (flow) => {
      const { destination, destinationPort } = flow.original;
      const key = entryKey(destination, 'UDP', destinationPort);
      const strayed = full && !keys.has(key) && this.#inServiceRange(destination);
      if (strayed || (keys.has(key) && isStale(flow, keys.get(key)))) stale.push(flow);
    });
    for (const { handle } of stale) if (conntrack.forget(handle)) this.#metrics.flowsForgotten[family]++;
    if (stale.length > 0) logger.debug({ family, flows: stale.length }, 'stale UDP flows forgotten');
  }

  #inServiceRange(address: string): boolean {
    const ip = parseIp(address);
    return ip !== undefined && this.#serviceCidrs().some((cidr) => cidrContains(mustParseCidr(cidr), ip));
  }
}

function isStale({ original, reply }: Flow, answers: Answers): boolean {
  const translated = reply.source !== original.destination || reply.sourcePort !== original.destinationPort;
  // Without the key, a flow to the node's own address may be a program's of the node.
  return answers === undefined ? translated : !answers.has(`${reply.source} ${String(reply.sourcePort)}`);
}

/** Keys where somebody stopped answering, or where nobody answered before. */
function changedKeys({ diff, before }: Pass, store: TableStore): ReadonlyMap<string, Answers> {
  const keys = new Map<string, Answers>();
  const old = new Map(before.map((entry) => [entry.key, entry]));
  for (const entry of [...diff.set, ...before]) {
    if (entry.frontend.protocol !== 'UDP' || keys.has(entry.key)) continue;
    const now = store.entries.get(entry.key);
    const [was, is] = [answersOf(old.get(entry.key)), answersOf(now)];
    const lost = [...was].some((endpoint) => !is.has(endpoint));
    if (now === undefined) keys.set(entry.key, undefined);
    else if (lost || was.size === 0) keys.set(entry.key, is);
  }
  return keys;
}

function answersOf(entry: TableEntry | undefined): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { address, port, ready, serving } of entry?.endpoints ?? []) {
    if (ready || serving) found.add(`${address} ${String(port)}`);
  }
  return found;
}
