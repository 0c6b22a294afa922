/** Seccomp: baseline forbids to switch it off, restricted wants it said. Upstream: check_seccompProfile_{baseline,restricted}.go. */
import type { SecurityContext } from '../../gen/types.ts';
import { goQuote } from '../../go-text.ts';
import { containersOf, containersThat, named, plural, quoted, setters, sorted, unlessWindows } from './check.ts';
import type { Check, PodLike, Violation } from './check.ts';

const baseline = 'seccompProfile_baseline';
const reason = 'seccompProfile';

export const seccompBaseline: Check = {
  id: baseline,
  level: 'baseline',
  versions: [
    { since: 0, check: goodAnnotations },
    { since: 19, check: goodTypes },
  ],
};

export const seccompRestricted: Check = {
  id: 'seccompProfile_restricted',
  level: 'restricted',
  versions: [
    { since: 19, check: saysGoodType, overrides: baseline },
    { since: 25, check: unlessWindows(saysGoodType), overrides: baseline },
  ],
};

const podAnnotation = 'seccomp.security.alpha.kubernetes.io/pod';
const containerAnnotation = 'container.seccomp.security.alpha.kubernetes.io/';

function goodAnnotations({ spec, annotations }: PodLike): Violation | undefined {
  const keys = [podAnnotation, ...containersOf(spec).map(({ name }) => containerAnnotation + name)];
  const bad = keys.flatMap((key) => {
    const value = annotations[key];
    return value === undefined || isGoodAnnotation(value) ? [] : [`${key}=${goQuote(value)}`];
  });
  const texts = sorted(bad);
  if (texts.length === 0) return undefined;
  return { reason, detail: `forbidden ${plural('annotation', texts)} ${texts.join(', ')}` };
}

function isGoodAnnotation(value: string): boolean {
  return value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/');
}

/** Of a pod and of a container alike. */
type Context = Pick<SecurityContext, 'seccompProfile'> | undefined;

const isSilent = (context: Context): boolean => context?.seccompProfile === undefined;

function isBad(context: Context): boolean {
  const type = context?.seccompProfile?.type;
  return !isSilent(context) && type !== 'Localhost' && type !== 'RuntimeDefault';
}

function goodTypes({ spec }: PodLike): Violation | undefined {
  const contexts = [spec, ...containersOf(spec)].map(({ securityContext }): Context => securityContext);
  const bad = containersThat(spec, ({ securityContext }) => isBad(securityContext));
  const who = setters(isBad(spec.securityContext), bad);
  if (who === '') return undefined;
  const types = sorted(contexts.filter(isBad).map((context) => context?.seccompProfile?.type ?? ''));
  return { reason, detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(types)}` };
}

function saysGoodType(pod: PodLike): Violation | undefined {
  const { spec } = pod;
  const wrong = goodTypes(pod);
  if (wrong !== undefined || !isSilent(spec.securityContext)) return wrong;
  const silent = containersThat(spec, ({ securityContext }) => isSilent(securityContext));
  if (silent.length === 0) return undefined;
  const wanted = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"';
  return { reason, detail: `pod or ${named('container', silent)} ${wanted}` };
}
