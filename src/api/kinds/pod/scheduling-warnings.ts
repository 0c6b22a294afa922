/** Warnings of labels that nodes no longer have, and of selectors that match nothing. Upstream: pkg/api/pod/warnings.go, pkg/api/node/util.go. */
import type { NodeSelectorTerm, PodAffinity, PodSpec } from '../../gen/types.ts';
import { whyNotLabelValue } from '../../validation/index.ts';

const required = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';

const oldLabels = new Map([
  ['beta.kubernetes.io/arch', 'deprecated since v1.14; use "kubernetes.io/arch" instead'],
  ['beta.kubernetes.io/os', 'deprecated since v1.14; use "kubernetes.io/os" instead'],
  ['failure-domain.beta.kubernetes.io/region', 'deprecated since v1.17; use "topology.kubernetes.io/region" instead'],
  ['failure-domain.beta.kubernetes.io/zone', 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'],
  ['beta.kubernetes.io/instance-type', 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'],
  ['app.kubernetes.io/created-by', 'deprecated since v1.9'],
  ['scheduler.alpha.kubernetes.io/preferAvoidPods', 'deprecated since v1.22; use Taints and Tolerations instead'],
  ['node-role.kubernetes.io/master', 'use "node-role.kubernetes.io/control-plane" instead'],
]);
const nullSelector = 'a null labelSelector results in matching no pod';

export function nodeLabelWarnings(spec: PodSpec, at: string): string[] {
  const { [required]: selector, [preferred]: terms = [] } = spec.affinity?.nodeAffinity ?? {};
  const field = `${at}.affinity.nodeAffinity`;
  return [
    ...Object.keys(spec.nodeSelector ?? {}).flatMap((key) => old(key, `${at}.nodeSelector[${key}]: `)),
    ...(selector?.nodeSelectorTerms ?? []).flatMap((term, index) =>
      termWarnings(term, `${field}.${required}.nodeSelectorTerms[${index}]`, false),
    ),
    ...terms.flatMap(({ preference }, index) =>
      termWarnings(preference, `${field}.${preferred}[${index}].preference`, true),
    ),
    ...(spec.topologySpreadConstraints ?? []).flatMap(({ topologyKey, labelSelector }, index) => {
      const path = `${at}.topologySpreadConstraints[${index}]`;
      return [
        ...old(topologyKey, `${path}.topologyKey: ${topologyKey} is `),
        ...(labelSelector === undefined ? [`${path}.labelSelector: ${nullSelector}`] : []),
      ];
    }),
  ];
}

function termWarnings({ matchExpressions = [] }: NodeSelectorTerm, at: string, checkValues: boolean): string[] {
  return matchExpressions.flatMap(({ key, values = [] }, index) => {
    const path = `${at}.matchExpressions[${index}]`;
    const bad = (checkValues ? values : []).flatMap((value, position) =>
      whyNotLabelValue(value).map((why) => `${path}.values[${position}]: ${value} is invalid, ${why}`),
    );
    return [...old(key, `${path}.key: ${key} is `), ...bad];
  });
}

function old(key: string, before: string): string[] {
  const why = oldLabels.get(key);
  return why === undefined ? [] : [`${before}${why}`];
}

export function nullSelectorWarnings({ affinity = {} }: PodSpec, at: string): string[] {
  const of = ({ [required]: terms = [], [preferred]: weighted = [] }: PodAffinity, field: string): string[] => [
    ...terms.flatMap(({ labelSelector }, index) =>
      labelSelector === undefined ? [`${field}.${required}[${index}].labelSelector: ${nullSelector}`] : [],
    ),
    ...weighted.flatMap(({ podAffinityTerm }, index) =>
      podAffinityTerm.labelSelector === undefined
        ? [`${field}.${preferred}[${index}].podAffinityTerm.labelSelector: ${nullSelector}`]
        : [],
    ),
  ];
  return [
    ...of(affinity.podAffinity ?? {}, `${at}.podAffinity`),
    ...of(affinity.podAntiAffinity ?? {}, `${at}.podAntiAffinity`),
  ];
}
