/**
 * Who a container runs as: the security context's numbers, else the image's `User` looked up in its own /etc/passwd.
 * Upstream: pkg/kubelet/kuberuntime/security_context_others.go, containerd's pkg/oci WithUser.
 */
import type { Container, Pod } from '../api/gen/types.ts';

export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

/** Files of the image, undefined where there is none. */
export interface UserFiles {
  readonly passwd?: string;
  readonly group?: string;
}

export function containerUser(pod: Pod, container: Container, imageUser: string, files: UserFiles): ContainerUser {
  const podContext = pod.spec?.securityContext;
  const context = container.securityContext;
  const [imageName = '', imageGroup] = imageUser.split(':', 2);
  const wanted = context?.runAsUser ?? podContext?.runAsUser;
  const user = lookUpUser(wanted === undefined ? imageName : String(wanted), files.passwd ?? '');
  const group = context?.runAsGroup ?? podContext?.runAsGroup;
  const named = wanted === undefined && imageGroup !== undefined && imageGroup !== '' ? imageGroup : undefined;
  const gid = group ?? (named === undefined ? user.gid : lookUpGroup(named, files.group ?? ''));
  if ((context?.runAsNonRoot ?? podContext?.runAsNonRoot) === true && user.uid === 0) {
    throw new Error(
      wanted === undefined
        ? 'container has runAsNonRoot and image will run as root'
        : "container's runAsUser breaks non-root policy",
    );
  }
  const fsGroup = podContext?.fsGroup === undefined ? [] : [podContext.fsGroup];
  const fromImage = podContext?.supplementalGroupsPolicy === 'Strict' ? [] : memberships(user.name, files.group ?? '');
  const additionalGids = [...new Set([gid, ...fromImage, ...(podContext?.supplementalGroups ?? []), ...fsGroup])];
  return { uid: user.uid, gid, additionalGids, home: user.home };
}

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

function lookUpUser(name: string, passwd: string): User {
  const wanted = name === '' ? '0' : name;
  for (const line of passwd.split('\n')) {
    const [login = '', , uid = '', gid = '', , home = ''] = line.split(':');
    if (login !== '' && (login === wanted || uid === wanted)) {
      return { name: login, uid: Number(uid), gid: Number(gid), home: home === '' ? '/' : home };
    }
  }
  if (/^[0-9]+$/.test(wanted)) return { name: '', uid: Number(wanted), gid: 0, home: wanted === '0' ? '/root' : '/' };
  throw new Error(`unable to find user ${wanted}: no matching entries in passwd file`);
}

function lookUpGroup(name: string, groups: string): number {
  if (/^[0-9]+$/.test(name)) return Number(name);
  for (const line of groups.split('\n')) {
    const [group, , gid] = line.split(':');
    if (group === name) return Number(gid);
  }
  throw new Error(`unable to find group ${name}: no matching entries in group file`);
}

function memberships(user: string, groups: string): number[] {
  if (user === '') return [];
  return groups
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => (fields[3] ?? '').split(',').includes(user))
    .map((fields) => Number(fields[2]));
}
