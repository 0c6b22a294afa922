/** What /proc hides stays hidden. Upstream: check_procMount_{baseline,restricted}.go. */
import { containersOf, containersThat, named, quoted, sorted, unlessUserNamespace } from './check.ts';
import type { Check, PodLike, Violation } from './check.ts';
import type { Container } from '../../gen/types.ts';

const baseline = 'procMount';

export const procMount: Check = {
  id: baseline,
  level: 'baseline',
  versions: [
    { since: 0, check: usualMasks },
    { since: 35, check: unlessUserNamespace(usualMasks) },
  ],
};

/** Before 1.35 baseline says as much. */
export const procMountRestricted: Check = {
  id: 'procMount_restricted',
  level: 'restricted',
  versions: [{ since: 35, check: usualMasks, overrides: baseline }],
};

function usualMasks({ spec }: PodLike): Violation | undefined {
  const mountOf = ({ securityContext }: Container): string => securityContext?.procMount ?? 'Default';
  const bad = containersThat(spec, (container) => mountOf(container) !== 'Default');
  if (bad.length === 0) return undefined;
  const kinds = sorted(
    containersOf(spec)
      .map(mountOf)
      .filter((mount) => mount !== 'Default'),
  );
  const detail = `${named('container', bad)} must not set securityContext.procMount to ${quoted(kinds)}`;
  return { reason: 'procMount', detail };
}
