/** Kernel settings that stay within the pod. Upstream: check_sysctls.go. */
import type { Check, PodCheck } from './check.ts';

const safe = [
  ...['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies'],
  ...['net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start'],
];
const safe27 = [...safe, 'net.ipv4.ip_local_reserved_ports'];
const keepalive = ['tcp_keepalive_time', 'tcp_fin_timeout', 'tcp_keepalive_intvl', 'tcp_keepalive_probes'];
const safe29 = [...safe27, ...keepalive.map((name) => `net.ipv4.${name}`)];
const safe32 = [...safe29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'];

export const sysctls: Check = {
  id: 'sysctls',
  level: 'baseline',
  versions: [
    { since: 0, check: only(safe) },
    { since: 27, check: only(safe27) },
    { since: 29, check: only(safe29) },
    { since: 32, check: only(safe32) },
  ],
};

function only(allowed: readonly string[]): PodCheck {
  return ({ spec }) => {
    const names = (spec.securityContext?.sysctls ?? []).map(({ name }) => name);
    const bad = names.filter((name) => !allowed.includes(name));
    return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
  };
}
