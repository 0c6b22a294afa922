/**
 * What the writer of a pod or template is told though it is taken. Upstream: pkg/api/pod/warnings.go warningsForPodSpecAndMeta; of pods
 * only when they are made, since nobody reads those of the parts that update them.
 */
import type { Container, ObjectMeta, Pod, PodSpec, PodTemplateSpec } from '../../gen/types.ts';
import { parseQuantity } from '../../quantity.ts';
import { warningsForIp, whyNotDns1123Label } from '../../validation/index.ts';
import { overlappingPaths } from './overlapping-paths.ts';
import { portWarnings } from './port-warnings.ts';
import { containerAppArmor } from './profiles.ts';
import { nodeLabelWarnings, nullSelectorWarnings } from './scheduling-warnings.ts';

export function podWarnings(pod: Pod): string[] {
  const why = whyNotDns1123Label(pod.metadata?.name ?? '');
  const hostname =
    "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended";
  return [
    ...(why.length === 0 ? [] : [`${hostname}: [${why.join(' ')}]`]),
    ...warningsOf(pod.spec ?? { containers: [] }, pod.metadata ?? {}, ''),
  ];
}

/** `at`: `template`, `spec.template`. */
export function podTemplateWarnings(template: PodTemplateSpec | undefined, at: string): string[] {
  if (template === undefined) return [];
  const spec = template.spec ?? { containers: [] };
  return [
    ...warningsOf(spec, template.metadata ?? {}, `${at}.`),
    ...appArmorWarnings(spec, template.metadata ?? {}, `${at}.`),
  ];
}

/** `at` is empty or ends with a dot. */
function warningsOf(spec: PodSpec, metadata: ObjectMeta, at: string): string[] {
  return [
    ...nodeLabelWarnings(spec, `${at}spec`),
    ...annotationWarnings(metadata, at),
    ...volumeWarnings(spec, `${at}spec.volumes`),
    ...overlappingPaths(spec.volumes ?? []),
    ...repeatedWarnings(spec, `${at}spec`),
    ...fractions(spec.overhead, `${at}spec.overhead`),
    ...seccompWarnings(spec, metadata, at),
    ...eachContainer(spec, `${at}spec`).flatMap(({ container, path }) => containerWarnings(container, path)),
    ...portWarnings(eachContainer(spec, `${at}spec`)),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0
      ? [`${at}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`]
      : []),
    ...nullSelectorWarnings(spec, `${at}spec.affinity`),
    ...addressWarnings(spec, `${at}spec`),
  ];
}

function addressWarnings({ dnsConfig, hostAliases = [] }: PodSpec, at: string): string[] {
  return [
    ...(dnsConfig?.nameservers ?? []).flatMap((ip, index) =>
      warningsForIp(ip, `${at}.dnsConfig.nameservers[${index}]`),
    ),
    ...hostAliases.flatMap(({ ip }, index) => warningsForIp(ip, `${at}.hostAliases[${index}].ip`)),
  ];
}

export interface PlacedContainer {
  readonly container: Container;
  readonly path: string;
}

function eachContainer(spec: PodSpec, at: string): PlacedContainer[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((key) =>
    (spec[key] ?? []).map((container, index) => ({ container, path: `${at}.${key}[${index}]` })),
  );
}

const deadAnnotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
};

function annotationWarnings({ annotations = {} }: ObjectMeta, at: string): string[] {
  return Object.entries(deadAnnotations)
    .filter(([key]) => annotations[key] !== undefined)
    .map(([key, why]) => `${at}metadata.annotations[${key}]: ${why}`);
}

const podSeccomp = 'seccomp.security.alpha.kubernetes.io/pod';
const containerSeccomp = 'container.seccomp.security.alpha.kubernetes.io/';

function seccompWarnings(spec: PodSpec, { annotations = {} }: ObjectMeta, at: string): string[] {
  const wanted = eachContainer(spec, '')
    .filter(({ container }) => container.securityContext?.seccompProfile === undefined)
    .map(({ container }) => `${containerSeccomp}${container.name}`);
  if (spec.securityContext?.seccompProfile === undefined) wanted.unshift(podSeccomp);
  return wanted
    .filter((key) => annotations[key] !== undefined)
    .map(
      (key) => `${at}metadata.annotations[${key}]: non-functional in v1.27+; use the "seccompProfile" field instead`,
    );
}

function appArmorWarnings(spec: PodSpec, { annotations = {} }: ObjectMeta, at: string): string[] {
  return eachContainer(spec, '').flatMap(({ container }) => {
    const key = `${containerAppArmor}${container.name}`;
    if (annotations[key] === undefined || container.securityContext?.appArmorProfile !== undefined) return [];
    return [`${at}metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`];
  });
}

const deadVolumes = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
} as const;

function volumeWarnings({ volumes = [] }: PodSpec, at: string): string[] {
  return volumes.flatMap((volume, index) => {
    const { requests, limits } = volume.ephemeral?.volumeClaimTemplate?.spec.resources ?? {};
    const claim = `${at}[${index}].ephemeral.volumeClaimTemplate.spec.resources`;
    return [
      ...Object.entries(deadVolumes)
        .filter(([key]) => volume[key as keyof typeof deadVolumes] !== undefined)
        .map(([key, why]) => `${at}[${index}].${key === 'storageos' ? 'storageOS' : key}: ${why}`),
      ...fractions({ storage: requests?.['storage'] }, `${claim}.requests`, ['storage']),
      ...fractions({ storage: limits?.['storage'] }, `${claim}.limits`, ['storage']),
    ];
  });
}

function repeatedWarnings({ hostAliases = [], imagePullSecrets = [] }: PodSpec, at: string): string[] {
  const ips = hostAliases.map(({ ip }) => ip);
  const names = imagePullSecrets.map(({ name = '' }) => name);
  const quoted = (text: string): string => JSON.stringify(text);
  return [
    ...ips.flatMap((ip, index) =>
      ips.indexOf(ip) < index ? [`${at}.hostAliases[${index}].ip: duplicate ip ${quoted(ip)}`] : [],
    ),
    ...names.flatMap((name, index) =>
      names.indexOf(name) < index ? [`${at}.imagePullSecrets[${index}].name: duplicate name ${quoted(name)}`] : [],
    ),
    ...names.flatMap((name, index) =>
      name === '' ? [`${at}.imagePullSecrets[${index}].name: invalid empty name ""`] : [],
    ),
  ];
}

function containerWarnings({ resources, env = [] }: Container, path: string): string[] {
  return [
    ...fractions(resources?.limits, `${path}.resources.limits`),
    ...fractions(resources?.requests, `${path}.resources.requests`),
    ...hiddenVariables(env, `${path}.env`),
  ];
}

/** Nobody can have half a byte. */
function fractions(
  amounts: Readonly<Record<string, string | undefined>> | undefined,
  at: string,
  names: readonly string[] = ['memory', 'ephemeral-storage'],
): string[] {
  return names.flatMap((name) => {
    const text = amounts?.[name];
    const milli = (parseQuantity(text ?? '0')?.nano ?? 0n) / 1_000_000n;
    if (text === undefined || milli % 1000n === 0n) return [];
    return [`${at}[${name}]: fractional byte value ${JSON.stringify(text)} is invalid, must be an integer`];
  });
}

/** A variable may extend what it was before (`$(X)more`), not replace it. */
function hiddenVariables(env: NonNullable<Container['env']>, field: string): string[] {
  return env.flatMap(({ name, value = '', valueFrom }, index) => {
    const before = env.findIndex((other) => other.name === name) < index;
    const itself = `$(${name})`;
    if (!before || (valueFrom === undefined && value !== itself && value.includes(itself))) return [];
    const what = `hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`;
    return [`${field}[${index}]: ${what}`];
  });
}
