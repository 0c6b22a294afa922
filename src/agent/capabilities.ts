/** Linux capabilities of a container: containerd's default set, plus and minus what the security context says. */
import type { SecurityContext } from '../api/gen/types.ts';

/** containerd pkg/oci defaultUnixCaps. */
export const defaultCapabilities: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

const otherCapabilities: readonly string[] = [
  'CAP_DAC_READ_SEARCH',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_LEASE',
  'CAP_AUDIT_CONTROL',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
];

export function containerCapabilities(context: SecurityContext | undefined): string[] {
  const all = [...defaultCapabilities, ...otherCapabilities];
  if (context?.privileged === true) return all;
  const names = (list: readonly string[] | undefined): string[] =>
    (list ?? [])
      .map((name) => name.toUpperCase())
      .map((name) => (name.startsWith('CAP_') || name === 'ALL' ? name : `CAP_${name}`));
  const add = names(context?.capabilities?.add);
  const drop = names(context?.capabilities?.drop);
  const set = new Set(add.includes('ALL') ? all : drop.includes('ALL') ? [] : defaultCapabilities);
  if (!drop.includes('ALL')) for (const name of drop) set.delete(name);
  for (const name of add) if (name !== 'ALL') set.add(name);
  return [...set];
}
