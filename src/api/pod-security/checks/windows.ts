/** Containers that are processes of a Windows node. Upstream: check_windowsHostProcess.go. */
import type { SecurityContext } from '../../gen/types.ts';
import { containersThat, setters } from './check.ts';
import type { Check, PodLike, Violation } from './check.ts';

export const windowsHostProcess: Check = {
  id: 'windowsHostProcess',
  level: 'baseline',
  versions: [{ since: 0, check: noHostProcess }],
};

function noHostProcess({ spec }: PodLike): Violation | undefined {
  const isBad = (context: Pick<SecurityContext, 'windowsOptions'> | undefined): boolean =>
    context?.windowsOptions?.hostProcess === true;
  const bad = containersThat(spec, ({ securityContext }) => isBad(securityContext));
  const who = setters(isBad(spec.securityContext), bad);
  if (who === '') return undefined;
  return { reason: 'hostProcess', detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` };
}
