/** SELinux: only types of containers, no user or role of one's own. Upstream: check_seLinuxOptions.go. */
import type { SELinuxOptions } from '../../gen/types.ts';
import { containersOf, containersThat, named, setters, sorted } from './check.ts';
import type { Check, PodLike, Violation } from './check.ts';

const types = ['', 'container_t', 'container_init_t', 'container_kvm_t'];

export const seLinuxOptions: Check = {
  id: 'seLinuxOptions',
  level: 'baseline',
  versions: [
    { since: 0, check: onlyTypes(types) },
    { since: 31, check: onlyTypes([...types, 'container_engine_t']) },
  ],
};

function onlyTypes(allowed: readonly string[]): (pod: PodLike) => Violation | undefined {
  const isGoodType = ({ type = '' }: SELinuxOptions): boolean => allowed.includes(type);
  const isBad = (options: SELinuxOptions | undefined): boolean =>
    options !== undefined && (!isGoodType(options) || isSet(options.user) || isSet(options.role));
  return ({ spec }) => {
    const who = setters(
      isBad(spec.securityContext?.seLinuxOptions),
      containersThat(spec, ({ securityContext }) => isBad(securityContext?.seLinuxOptions)),
    );
    if (who === '') return undefined;
    const options = [spec, ...containersOf(spec)].map(({ securityContext }) => securityContext?.seLinuxOptions ?? {});
    const bad = sorted(options.filter((one) => !isGoodType(one)).map(({ type = '' }) => type));
    const details = bad.length === 0 ? [] : [named('type', bad)];
    if (options.some(({ user }) => isSet(user))) details.push('user may not be set');
    if (options.some(({ role }) => isSet(role))) details.push('role may not be set');
    const detail = `${who} set forbidden securityContext.seLinuxOptions: ${details.join('; ')}`;
    return { reason: 'seLinuxOptions', detail };
  };
}

function isSet(text: string | undefined): boolean {
  return (text ?? '') !== '';
}
