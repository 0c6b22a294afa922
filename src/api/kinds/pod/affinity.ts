/**
 * Validation of where a pod wants to be: beside which nodes and pods, and spread over what. Upstream: validateAffinity,
 * validateTopologySpreadConstraints, ValidateMatchLabelKeysAndMismatchLabelKeys.
 */
import type { Affinity, LabelSelector, PodAffinityTerm, TopologySpreadConstraint } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { duplicateField, forbiddenField, invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import {
  validateLabelSelector,
  validateNodeSelector,
  validateNodeSelectorTerm,
  whyNotDns1123Label,
  whyNotQualifiedName,
} from '../../validation/index.ts';

const required = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';

export function validateAffinity(affinity: Affinity, at: string): FieldError[] {
  return [
    ...validateNodeAffinity(affinity.nodeAffinity ?? {}, `${at}.nodeAffinity`),
    ...validatePodAffinity(affinity.podAffinity ?? {}, `${at}.podAffinity`),
    ...validatePodAffinity(affinity.podAntiAffinity ?? {}, `${at}.podAntiAffinity`),
  ];
}

function validateNodeAffinity(affinity: NonNullable<Affinity['nodeAffinity']>, at: string): FieldError[] {
  const { [required]: selector, [preferred]: terms = [] } = affinity;
  return [
    ...(selector === undefined ? [] : validateNodeSelector(selector, `${at}.${required}`)),
    ...terms.flatMap(({ weight = 0, preference = {} }: Partial<(typeof terms)[number]>, index) => [
      ...validateWeight(weight, `${at}.${preferred}[${index}].weight`),
      ...validateNodeSelectorTerm(preference, `${at}.${preferred}[${index}].preference`, false),
    ]),
  ];
}

function validatePodAffinity(affinity: NonNullable<Affinity['podAffinity']>, at: string): FieldError[] {
  const { [required]: terms = [], [preferred]: weighted = [] } = affinity;
  return [
    ...terms.flatMap((term, index) => validateTerm(term, `${at}.${required}[${index}]`)),
    ...weighted.flatMap(({ weight = 0, podAffinityTerm }: Partial<(typeof weighted)[number]>, index) => [
      ...validateWeight(weight, `${at}.${preferred}[${index}].weight`),
      ...validateTerm(podAffinityTerm ?? {}, `${at}.${preferred}[${index}].podAffinityTerm`),
    ]),
  ];
}

function validateWeight(weight: number, field: string): FieldError[] {
  return weight >= 1 && weight <= 100 ? [] : [invalidField(field, weight, 'must be in the range 1-100')];
}

function validateTerm(term: Partial<PodAffinityTerm>, at: string): FieldError[] {
  const { topologyKey = '', namespaces = [], matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  const errors = [
    ...validateLabelSelector(term.labelSelector, `${at}.labelSelector`),
    ...validateLabelSelector(term.namespaceSelector, `${at}.namespaceSelector`),
    ...namespaces.flatMap((name) => whyNotDns1123Label(name).map((why) => invalidField(`${at}.namespace`, name, why))),
    ...validateLabelKeys(matchLabelKeys, mismatchLabelKeys, term.labelSelector, at),
  ];
  if (topologyKey === '') errors.push(requiredField(`${at}.topologyKey`, 'can not be empty'));
  return [
    ...errors,
    ...whyNotQualifiedName(topologyKey).map((why) => invalidField(`${at}.topologyKey`, topologyKey, why)),
  ];
}

/** The selector already carries what the keys have been turned into. */
function validateLabelKeys(
  match: readonly string[],
  mismatch: readonly string[],
  selector: LabelSelector | undefined,
  at: string,
): FieldError[] {
  const names = (keys: readonly string[], field: string): FieldError[] => {
    if (keys.length === 0) return [];
    if (selector === undefined) return [forbiddenField(field, 'must not be specified when labelSelector is not set')];
    return keys.flatMap((key, index) =>
      whyNotQualifiedName(key).map((why) => invalidField(`${field}[${index}]`, key, why)),
    );
  };
  const errors = [...names(match, `${at}.matchLabelKeys`), ...names(mismatch, `${at}.mismatchLabelKeys`)];
  const selected = new Set(Object.keys(selector?.matchLabels ?? {}));
  for (const { key } of selector?.matchExpressions ?? []) {
    const index = match.lastIndexOf(key);
    if (index >= 0 && selected.has(key)) {
      errors.push(invalidField(`${at}[${index}]`, key, 'exists in both matchLabelKeys and labelSelector'));
    }
    selected.add(key);
  }
  for (const [index, key] of match.entries()) {
    if (!mismatch.includes(key)) continue;
    const why = 'exists in both matchLabelKeys and mismatchLabelKeys';
    errors.push(invalidField(`${at}.matchLabelKeys[${index}]`, key, why));
  }
  return errors;
}

const actions = ['DoNotSchedule', 'ScheduleAnyway'];

export function validateSpread(constraints: readonly TopologySpreadConstraint[], field: string): FieldError[] {
  return constraints.flatMap((constraint: Partial<TopologySpreadConstraint>, index) => {
    const at = `${field}[${index}]`;
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', labelSelector, matchLabelKeys = [] } = constraint;
    const errors: FieldError[] = [];
    if (maxSkew <= 0) errors.push(invalidField(`${at}.maxSkew`, maxSkew, 'must be greater than zero'));
    if (topologyKey === '') errors.push(requiredField(`${at}.topologyKey`, 'can not be empty'));
    errors.push(...oneOf(whenUnsatisfiable, actions, `${at}.whenUnsatisfiable`));
    const again = constraints
      .slice(index + 1)
      .some(
        (other: Partial<TopologySpreadConstraint>) =>
          (other.topologyKey ?? '') === topologyKey && (other.whenUnsatisfiable ?? '') === whenUnsatisfiable,
      );
    if (again) {
      const pair = `{${topologyKey}, ${whenUnsatisfiable}}`;
      errors.push(duplicateField(`${at}.{topologyKey, whenUnsatisfiable}`, pair));
    }
    return [
      ...errors,
      ...validateMinDomains(constraint, at),
      ...oneOf(constraint.nodeAffinityPolicy, ['Honor', 'Ignore'], `${at}.nodeAffinityPolicy`),
      ...oneOf(constraint.nodeTaintsPolicy, ['Honor', 'Ignore'], `${at}.nodeTaintsPolicy`),
      ...validateLabelKeys(matchLabelKeys, [], labelSelector, at),
      ...validateLabelSelector(labelSelector, `${at}.labelSelector`),
    ];
  });
}

function validateMinDomains(constraint: Partial<TopologySpreadConstraint>, at: string): FieldError[] {
  const { minDomains, whenUnsatisfiable = '' } = constraint;
  if (minDomains === undefined) return [];
  const field = `${at}.minDomains`;
  const errors = minDomains > 0 ? [] : [invalidField(field, minDomains, 'must be greater than zero')];
  if (whenUnsatisfiable === 'DoNotSchedule') return errors;
  const why = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
  return [...errors, invalidField(field, minDomains, why)];
}

function oneOf(value: string | undefined, supported: readonly string[], field: string): FieldError[] {
  return value === undefined || supported.includes(value) ? [] : [notSupportedField(field, value, supported)];
}
