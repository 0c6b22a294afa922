/**
 * Roles in one namespace for upstream's parts: whoever serves extensions reads how clients are known, the elected hold their lease.
 * Upstream: bootstrappolicy/namespace_policy.go, 1.36.
 */
import type { RbacSubject, Role, RoleBinding } from '../../../api/gen/types.ts';
import { account, events, localBinding, localRole, on, read, users } from './rule.ts';

const system = 'kube-system';
const open = 'kube-public';
const clientAuthentication = 'extension-apiserver-authentication';
const controllerManager = 'kube-controller-manager';
const scheduler = 'kube-scheduler';
const bootstrapSigner = 'system:controller:bootstrap-signer';
const cloudProvider = 'system:controller:cloud-provider';
const tokenCleaner = 'system:controller:token-cleaner';

const lockOf = (part: string): string => `system::leader-locking-${part}`;
const lock = (part: string): Role =>
  localRole(
    system,
    lockOf(part),
    on('coordination.k8s.io', 'leases').may('create get list update watch'),
    on('coordination.k8s.io', 'leasecandidates').may('create get list update watch'),
  );
const elected = (part: string, ...others: readonly RbacSubject[]): RoleBinding =>
  localBinding(system, lockOf(part), [...users(`system:${part}`), account(system, part), ...others]);

export const localRoles: readonly Role[] = [
  localRole(system, `${clientAuthentication}-reader`, on('', 'configmaps', clientAuthentication).may(read)),
  lock(controllerManager),
  lock(scheduler),
  localRole(system, bootstrapSigner, on('', 'secrets').may(read)),
  localRole(system, cloudProvider, on('', 'configmaps').may('create get list watch')),
  localRole(system, tokenCleaner, on('', 'secrets').may('delete get list watch'), events),
  localRole(
    open,
    bootstrapSigner,
    on('', 'configmaps').may(read),
    on('', 'configmaps', 'cluster-info').may('update'),
    events,
  ),
];

export const localBindings: readonly RoleBinding[] = [
  localBinding(
    system,
    `system::${clientAuthentication}-reader`,
    users(`system:${controllerManager}`, `system:${scheduler}`),
    `${clientAuthentication}-reader`,
  ),
  elected(controllerManager, account(system, 'leader-election-controller')),
  elected(scheduler),
  localBinding(system, bootstrapSigner, [account(system, 'bootstrap-signer')]),
  localBinding(system, cloudProvider, [account(system, 'cloud-provider')]),
  localBinding(system, tokenCleaner, [account(system, 'token-cleaner')]),
  localBinding(open, bootstrapSigner, [account(system, 'bootstrap-signer')]),
];
