/**
 * Connection tracking as a node's proxy needs it. Only in this network namespace.
 *
 *   close_wait, established   raised, as kube-proxy does: a half-closed connection keeps its translation for an hour, so that a backend
 *                             that is slow to close is not answered with a reset
 *   close                     lowered: a connection that was reset is forgotten in a second. Linux keeps it for ten, and gives a client
 *                             that comes again from its port the old translation, to an endpoint that may be gone; each refusal makes it
 *                             ten more. kube-proxy leaves it so. Not zero: a reset whose sequence number does not fit exactly takes this
 *                             time too, and the receiver's challenge (RFC 5961, 3.2) must still find its connection.
 *
 * What is wished is set as it is; zero seconds leave a time as it is.
 *
 * Upstream: pkg/proxy/conntrack/sysctls.go and pkg/proxy/apis/config defaults (tcpCloseWaitTimeout 1h, tcpEstablishedTimeout 24h); linux
 * nf_conntrack_proto_tcp.c (nf_conntrack_tcp_packet opens an entry anew only where the last packet was the client's own reset).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { log } from '../util/log.ts';

/** Seconds, where nothing else is said. */
export interface ConntrackWishes {
  readonly established?: number | undefined;
  readonly closeWait?: number | undefined;
  readonly udp?: number | undefined;
  readonly udpStream?: number | undefined;
  readonly beLiberal?: boolean | undefined;
  /** Connections, of the whole machine: only its first network namespace may say. */
  readonly max?: { readonly perCore: number; readonly min: number } | undefined;
}

interface Wanted {
  readonly name: string;
  readonly value: number;
  /** Whether what somebody else has set is as good. */
  readonly isEnough: (value: number) => boolean;
}

/** Upstream's cap for machines with many processors. */
const maxLimit = 1_048_576;

const logger = log('proxy');

export function setConntrackSysctls(wishes: ConntrackWishes = {}): void {
  for (const { name, value, isEnough } of wanted(wishes)) {
    const path = `/proc/sys/net/netfilter/nf_conntrack_${name}`;
    try {
      if (!isEnough(Number(readFileSync(path, 'utf8')))) writeFileSync(path, String(value));
    } catch (error) {
      // Not there before the first rule that tracks; a tuning, not a need.
      logger.debug({ path, err: error }, 'not set');
    }
  }
}

function wanted(wishes: ConntrackWishes): readonly Wanted[] {
  const exactly = (name: string, value: number | undefined): readonly Wanted[] =>
    value === undefined || value === 0 ? [] : [{ name, value, isEnough: (now) => now === value }];
  const atLeast = (name: string, wish: number | undefined, usual: number): readonly Wanted[] =>
    wish === undefined ? [{ name, value: usual, isEnough: (now) => now >= usual }] : exactly(name, wish);
  return [
    ...atLeast('tcp_timeout_close_wait', wishes.closeWait, 3_600),
    ...atLeast('tcp_timeout_established', wishes.established, 86_400),
    { name: 'tcp_timeout_close', value: 1, isEnough: (now) => now <= 1 },
    ...exactly('udp_timeout', wishes.udp),
    ...exactly('udp_timeout_stream', wishes.udpStream),
    ...exactly('tcp_be_liberal', wishes.beLiberal === true ? 1 : undefined),
    ...exactly('max', maxOf(wishes)),
  ];
}

function maxOf({ max }: ConntrackWishes): number | undefined {
  return max === undefined ? undefined : Math.max(Math.min(max.perCore * availableParallelism(), maxLimit), max.min);
}
