/**
 * How full the kernel's table of connections is. When there is no room left, new connections are dropped without a word to
 * anybody (kubernetes#18604), so it is told before: an event on the Node, and the figures as node_exporter names them.
 *
 *   count ÷ max   ── above 80 % ──> told once ── below 70 % ──> may be told again
 *
 * Upstream: linux nf_conntrack-sysctl.rst; node-problem-detector's reason for the full table.
 */
import { readFileSync } from 'node:fs';

export interface ConntrackFill {
  readonly entries: number;
  /** 0: without limit. */
  readonly limit: number;
}

/** undefined: nothing tracks connections here so far. Of the network namespace of this process. */
export function conntrackFill(): ConntrackFill | undefined {
  const read = (name: string): number => Number(readFileSync(`/proc/sys/net/netfilter/nf_conntrack_${name}`, 'utf8'));
  try {
    return { entries: read('count'), limit: read('max') };
  } catch {
    return undefined;
  }
}

export class ConntrackAlarm {
  readonly #high: number;
  readonly #warn: (reason: string, text: string) => void;
  #isTold = false;

  /** `high`: the share of the table at which it is told. */
  constructor(warn: (reason: string, text: string) => void, high = 0.8) {
    this.#high = high;
    this.#warn = warn;
  }

  look(fill: ConntrackFill | undefined = conntrackFill()): void {
    const share = fill === undefined || fill.limit === 0 ? 0 : fill.entries / fill.limit;
    if (share < this.#high - 0.1) this.#isTold = false;
    if (share <= this.#high || this.#isTold || fill === undefined) return;
    this.#isTold = true;
    this.#warn(
      'ConntrackFull',
      `the table of connections is ${String(Math.floor(share * 100))} % full (${String(fill.entries)} of ${String(fill.limit)}): ` +
        'when it is full, new connections are dropped; raise net.netfilter.nf_conntrack_max',
    );
  }
}
