/**
 * Linux capabilities of a container: containerd's default set, plus and minus what the security context says.
 * Upstream: containerd's internal/cri/opts (WithCapabilities) and pkg/oci (WithPrivileged).
 */
import { readFileSync } from 'node:fs';
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

/** By their numbers: include/uapi/linux/capability.h. */
const byNumber =
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE';

/** `held`: what this process has itself, which is all that it can give: a machine may be without some. */
export function containerCapabilities(
  context: SecurityContext | undefined,
  held: readonly string[] = ownCapabilities(),
): string[] {
  if (context?.privileged === true) return [...held];
  const names = (list: readonly string[] | undefined): string[] =>
    (list ?? [])
      .map((name) => name.toUpperCase())
      .map((name) => (name.startsWith('CAP_') || name === 'ALL' ? name : `CAP_${name}`));
  const add = names(context?.capabilities?.add);
  const drop = names(context?.capabilities?.drop);
  const set = new Set(drop.includes('ALL') ? [] : add.includes('ALL') ? held : defaultCapabilities);
  for (const name of add) if (name !== 'ALL') set.add(name);
  for (const name of drop) set.delete(name);
  return [...set];
}

let own: readonly string[] | undefined;

function ownCapabilities(): readonly string[] {
  return (own ??= capabilitiesIn(readFileSync('/proc/self/status', 'utf8')));
}

/** Of a /proc/PID/status. */
export function capabilitiesIn(status: string): string[] {
  const bits = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return byNumber.split(' ').flatMap((name, i) => (((bits >> BigInt(i)) & 1n) === 1n ? [`CAP_${name}`] : []));
}
