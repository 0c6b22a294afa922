/** Nobody runs as root. Upstream: check_runAsNonRoot.go, check_runAsUser.go. */
import { containersThat, named, setters, unlessUserNamespace } from './check.ts';
import type { Check, PodLike, Violation } from './check.ts';

export const runAsNonRoot: Check = {
  id: 'runAsNonRoot',
  level: 'restricted',
  versions: [
    { since: 0, check: saysNonRoot },
    { since: 35, check: unlessUserNamespace(saysNonRoot) },
  ],
};

export const runAsUser: Check = {
  id: 'runAsUser',
  level: 'restricted',
  versions: [
    { since: 23, check: notUserZero },
    { since: 35, check: unlessUserNamespace(notUserZero) },
  ],
};

function saysNonRoot({ spec }: PodLike): Violation | undefined {
  const ofPod = spec.securityContext?.runAsNonRoot;
  const reason = 'runAsNonRoot != true';
  const wrong = containersThat(spec, ({ securityContext }) => securityContext?.runAsNonRoot === false);
  const who = setters(ofPod === false, wrong);
  if (who !== '') return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
  if (ofPod === true) return undefined;
  const silent = containersThat(spec, ({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  if (silent.length === 0) return undefined;
  return { reason, detail: `pod or ${named('container', silent)} must set securityContext.runAsNonRoot=true` };
}

function notUserZero({ spec }: PodLike): Violation | undefined {
  const bad = containersThat(spec, ({ securityContext }) => securityContext?.runAsUser === 0);
  const who = setters(spec.securityContext?.runAsUser === 0, bad);
  return who === '' ? undefined : { reason: 'runAsUser=0', detail: `${who} must not set runAsUser=0` };
}
