/** All checks. */
import { appArmorProfile } from './app-armor.ts';
import { capabilitiesBaseline, capabilitiesRestricted } from './capabilities.ts';
import type { Check } from './check.ts';
import { hostNamespaces, hostPorts, hostProbesAndHostLifecycle } from './host.ts';
import { allowPrivilegeEscalation, privileged } from './privileges.ts';
import { procMount, procMountRestricted } from './proc-mount.ts';
import { runAsNonRoot, runAsUser } from './run-as.ts';
import { seccompBaseline, seccompRestricted } from './seccomp.ts';
import { seLinuxOptions } from './selinux.ts';
import { sysctls } from './sysctls.ts';
import { hostPathVolumes, restrictedVolumes } from './volumes.ts';
import { windowsHostProcess } from './windows.ts';

export type { Check, PodLike, Violation } from './check.ts';

export const checks: readonly Check[] = [
  appArmorProfile,
  capabilitiesBaseline,
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  hostProbesAndHostLifecycle,
  privileged,
  procMount,
  seLinuxOptions,
  seccompBaseline,
  sysctls,
  windowsHostProcess,
  allowPrivilegeEscalation,
  capabilitiesRestricted,
  procMountRestricted,
  restrictedVolumes,
  runAsNonRoot,
  runAsUser,
  seccompRestricted,
];
