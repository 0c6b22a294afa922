/** Containers that get more than a container has. Upstream: check_privileged.go, check_allowPrivilegeEscalation.go. */
import { containersThat, named, unlessWindows } from './check.ts';
import type { Check, PodCheck } from './check.ts';

export const privileged: Check = {
  id: 'privileged',
  level: 'baseline',
  versions: [{ since: 0, check: notPrivileged }],
};

export const allowPrivilegeEscalation: Check = {
  id: 'allowPrivilegeEscalation',
  level: 'restricted',
  versions: [
    { since: 8, check: noEscalation },
    { since: 25, check: unlessWindows(noEscalation) },
  ],
};

function notPrivileged({ spec }: Parameters<PodCheck>[0]): ReturnType<PodCheck> {
  const bad = containersThat(spec, ({ securityContext }) => securityContext?.privileged === true);
  if (bad.length === 0) return undefined;
  return { reason: 'privileged', detail: `${named('container', bad)} must not set securityContext.privileged=true` };
}

function noEscalation({ spec }: Parameters<PodCheck>[0]): ReturnType<PodCheck> {
  const bad = containersThat(spec, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  if (bad.length === 0) return undefined;
  const detail = `${named('container', bad)} must set securityContext.allowPrivilegeEscalation=false`;
  return { reason: 'allowPrivilegeEscalation != false', detail };
}
