/**
 * Connection tracking as kube-proxy tunes it: half-closed connections keep their translation for an hour, so that a backend
 * that is slow to close is not answered with a reset. Only ever raised, and only in this network namespace.
 *
 * Upstream: pkg/proxy/apis/config defaults (tcpCloseWaitTimeout 1h, tcpEstablishedTimeout 24h).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { log } from '../util/log.ts';

const wanted: readonly (readonly [string, number])[] = [
  ['nf_conntrack_tcp_timeout_close_wait', 3_600],
  ['nf_conntrack_tcp_timeout_established', 86_400],
];

const logger = log('proxy');

export function setConntrackSysctls(): void {
  for (const [name, seconds] of wanted) {
    const path = `/proc/sys/net/netfilter/${name}`;
    try {
      if (Number(readFileSync(path, 'utf8')) < seconds) writeFileSync(path, String(seconds));
    } catch (error) {
      // Not there before the first rule that tracks; a tuning, not a need.
      logger.debug({ path, err: error }, 'not set');
    }
  }
}
