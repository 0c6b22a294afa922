/**
 * The AppArmor profile that a container has by annotation becomes its field, where it has none; annotations are read no more.
 * Upstream: applyAppArmorVersionSkew in pkg/registry/core/pod/strategy.go.
 */
import type { AppArmorProfile, Container, Pod } from '../../gen/types.ts';
import { sameValue } from '../equal.ts';
import { containerAppArmor, validateAppArmor } from './profiles.ts';

/** What was not said by field, and not by the pod either, is warned of. */
export function takeAppArmorAnnotations({ metadata, spec }: Pod, warnings: string[]): void {
  const { annotations } = metadata ?? {};
  if (annotations === undefined || spec === undefined || spec.os?.name === 'windows') return;
  const { initContainers = [], containers = [], ephemeralContainers = [] } = spec;
  for (const container of [...initContainers, ...containers, ...(ephemeralContainers as Container[])]) {
    const key = `${containerAppArmor}${container.name}`;
    const text = annotations[key];
    if (text === undefined || container.securityContext?.appArmorProfile !== undefined) continue;
    const profile = profileOf(text);
    if (profile !== undefined && sameValue(profile, spec.securityContext?.appArmorProfile)) continue;
    if (profile !== undefined) (container.securityContext ??= {}).appArmorProfile = profile;
    warnings.push(`metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`);
  }
}

/** undefined: it says nothing that a field could. */
function profileOf(text: string): AppArmorProfile | undefined {
  if (text === 'unconfined') return { type: 'Unconfined' };
  if (text === 'runtime/default') return { type: 'RuntimeDefault' };
  const localhost = 'localhost/';
  if (!text.startsWith(localhost) || text === localhost) return undefined;
  const profile = { type: 'Localhost', localhostProfile: text.slice(localhost.length) };
  return validateAppArmor(profile, '').length === 0 ? profile : undefined;
}
