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
 * Upstream: pkg/proxy/apis/config defaults (tcpCloseWaitTimeout 1h, tcpEstablishedTimeout 24h); linux nf_conntrack_proto_tcp.c
 * (nf_conntrack_tcp_packet opens an entry anew only where the last packet was the client's own reset).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { log } from '../util/log.ts';

interface Wanted {
  readonly name: string;
  readonly seconds: number;
  /** Whether what somebody else has set is as good. */
  readonly isEnough: (seconds: number) => boolean;
}

const wanted: readonly Wanted[] = [
  { name: 'close_wait', seconds: 3_600, isEnough: (seconds) => seconds >= 3_600 },
  { name: 'established', seconds: 86_400, isEnough: (seconds) => seconds >= 86_400 },
  { name: 'close', seconds: 1, isEnough: (seconds) => seconds <= 1 },
];

const logger = log('proxy');

export function setConntrackSysctls(): void {
  for (const { name, seconds, isEnough } of wanted) {
    const path = `/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_${name}`;
    try {
      if (!isEnough(Number(readFileSync(path, 'utf8')))) writeFileSync(path, String(seconds));
    } catch (error) {
      // Not there before the first rule that tracks; a tuning, not a need.
      logger.debug({ path, err: error }, 'not set');
    }
  }
}
