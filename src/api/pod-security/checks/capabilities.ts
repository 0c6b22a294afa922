/** Capabilities: baseline lets a container have the usual ones, restricted none. Upstream: check_capabilities_{baseline,restricted}.go. */
import type { Container } from '../../gen/types.ts';
import { containersOf, containersThat, named, quoted, sorted, unlessWindows } from './check.ts';
import type { Check, PodLike, Violation } from './check.ts';

const baseline = 'capabilities_baseline';

export const capabilitiesBaseline: Check = {
  id: baseline,
  level: 'baseline',
  versions: [{ since: 0, check: onlyUsual }],
};

export const capabilitiesRestricted: Check = {
  id: 'capabilities_restricted',
  level: 'restricted',
  versions: [
    { since: 22, check: dropAll, overrides: baseline },
    { since: 25, check: unlessWindows(dropAll), overrides: baseline },
  ],
};

const usual: ReadonlySet<string> = new Set([
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE'],
  ...['SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'],
]);

function onlyUsual({ spec }: PodLike): Violation | undefined {
  const detail = added(spec, (name) => !usual.has(name));
  return detail === undefined ? undefined : { reason: 'non-default capabilities', detail };
}

function dropAll({ spec }: PodLike): Violation | undefined {
  const keeping = containersThat(
    spec,
    ({ securityContext }) => securityContext?.capabilities?.drop?.includes('ALL') !== true,
  );
  const adding = added(spec, (name) => name !== 'NET_BIND_SERVICE');
  const details: string[] = [];
  if (keeping.length > 0) {
    details.push(`${named('container', keeping)} must set securityContext.capabilities.drop=["ALL"]`);
  }
  if (adding !== undefined) details.push(adding);
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') };
}

function added(spec: PodLike['spec'], isBad: (name: string) => boolean): string | undefined {
  const addedBy = ({ securityContext }: Container): string[] => securityContext?.capabilities?.add?.filter(isBad) ?? [];
  const bad = containersThat(spec, (container) => addedBy(container).length > 0);
  if (bad.length === 0) return undefined;
  const names = sorted(containersOf(spec).flatMap(addedBy));
  return `${named('container', bad)} must not include ${quoted(names)} in securityContext.capabilities.add`;
}
