/** AppArmor is not switched off, neither by field nor by the older annotations. Upstream: check_appArmorProfile.go. */
import type { SecurityContext } from '../../gen/types.ts';
import { goQuote } from '../../go-text.ts';
import { containersOf, containersThat, plural, quoted, setters, sorted } from './check.ts';
import type { Check, PodLike, Violation } from './check.ts';

export const appArmorProfile: Check = {
  id: 'appArmorProfile',
  level: 'baseline',
  versions: [{ since: 0, check: goodProfiles }],
};

const annotationPrefix = 'container.apparmor.security.beta.kubernetes.io/';

type Context = Pick<SecurityContext, 'appArmorProfile'> | undefined;

function goodProfiles({ spec, annotations }: PodLike): Violation | undefined {
  const contexts = [spec, ...containersOf(spec)].map(({ securityContext }): Context => securityContext);
  const types = sorted(contexts.filter(isBad).map((context) => context?.appArmorProfile?.type ?? ''));
  const who = setters(
    isBad(spec.securityContext),
    containersThat(spec, ({ securityContext }) => isBad(securityContext)),
  );
  const notes = badAnnotations(annotations);
  const all = [...(who === '' ? [] : [who]), ...(notes.length === 0 ? [] : [plural('annotation', notes)])];
  if (all.length === 0) return undefined;
  const values = [...types, ...notes];
  return {
    reason: plural('forbidden AppArmor profile', values),
    detail: `${all.join(' and ')} must not set AppArmor profile type to ${quoted(values)}`,
  };
}

function isBad(context: Context): boolean {
  const profile = context?.appArmorProfile;
  return profile !== undefined && profile.type !== 'RuntimeDefault' && profile.type !== 'Localhost';
}

function badAnnotations(annotations: PodLike['annotations']): string[] {
  return Object.entries(annotations)
    .filter(([key, value]) => key.startsWith(annotationPrefix) && !isGoodAnnotation(value))
    .map(([key, value]) => `${key}=${goQuote(value)}`)
    .sort();
}

function isGoodAnnotation(value: string): boolean {
  return value === '' || value === 'runtime/default' || value.startsWith('localhost/');
}
