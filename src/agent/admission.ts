/**
 * What this node does not run, though it was assigned to it: the pod fails before anything of it is made. Upstream:
 * pkg/kubelet/lifecycle/predicate.go, pkg/kubelet/sysctl.
 */
import type { Pod } from '../api/gen/types.ts';

export interface Rejection {
  readonly reason: string;
  readonly message: string;
}

/** undefined: it may run. */
export function rejectionOf({ spec }: Pod): Rejection | undefined {
  const os = spec?.nodeSelector?.['kubernetes.io/os'] ?? 'linux';
  if (os !== 'linux') {
    const message = "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label";
    return { reason: 'PodOSSelectorNodeLabelDoesNotMatch', message };
  }
  if ((spec?.os?.name ?? 'linux') !== 'linux') {
    return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" };
  }
  for (const { name } of spec?.securityContext?.sysctls ?? []) {
    const why = whyNotSysctl(name, spec?.hostNetwork === true, spec?.hostIPC === true);
    if (why !== undefined) return { reason: 'SysctlForbidden', message: `forbidden sysctl: ${why}` };
  }
  return undefined;
}

/** Those that are the pod's alone, and can harm nobody else. Upstream: SafeSysctlAllowlist. */
const safe: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]);

function whyNotSysctl(given: string, hostNetwork: boolean, hostIpc: boolean): string | undefined {
  // `net/ipv4/tcp_rmem` is another way to say it. Upstream: NormalizeName.
  const isPath = /^[^.]*\//.test(given);
  const name = isPath ? given.replaceAll(/[./]/g, (one) => (one === '.' ? '/' : '.')) : given;
  const quoted = JSON.stringify(name);
  if (!safe.has(name)) return `${quoted} not allowlisted`;
  const space = name.startsWith('net.') ? 'Net' : 'IPC';
  const isShared = space === 'Net' ? hostNetwork : hostIpc;
  return isShared ? `${quoted} not allowed with host ${space} enabled` : undefined;
}
