/**
 * Does a rule allow a request, and does one set of rules cover another? Pure.
 *
 *   rule    verbs × apiGroups × resources [× resourceNames]     or     verbs × nonResourceURLs
 *   `*` is any; `*` + `/scale` is that subresource of any resource; `/healthz/` + `*` is everything below
 *
 * Upstream: pkg/apis/rbac/v1/evaluation_helpers.go, k8s.io/component-helpers/auth/rbac/validation.
 */
import type { PolicyRule } from '../../api/gen/types.ts';
import type { Attributes } from './attributes.ts';

export function ruleAllows(rule: PolicyRule, asked: Attributes): boolean {
  if (!has(rule.verbs, asked.verb)) return false;
  if (asked.kind === 'path') return (rule.nonResourceURLs ?? []).some((url) => urlMatches(url, asked.path));
  const names = rule.resourceNames ?? [];
  return (
    has(rule.apiGroups, asked.group) &&
    resourceMatches(rule.resources ?? [], asked.resource, asked.subresource) &&
    (names.length === 0 || names.includes(asked.name))
  );
}

function has(list: readonly string[] | undefined, wanted: string): boolean {
  return list?.some((item) => item === '*' || item === wanted) === true;
}

function resourceMatches(list: readonly string[], resource: string, subresource: string): boolean {
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  return list.some((item) => item === '*' || item === whole || (subresource !== '' && item === `*/${subresource}`));
}

/** A star is one only at the end. */
function urlMatches(rule: string, path: string): boolean {
  if (rule === '*' || rule === path) return true;
  return rule.endsWith('*') && path.startsWith(rule.replace(/\*+$/, ''));
}

/** What of `wanted` no rule of `held` covers, in single steps. */
export function missingRights(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] {
  return wanted.flatMap(breakDown).filter((step) => !held.some((rule) => covers(rule, step)));
}

/** One verb, one group, one resource, one name each. */
function breakDown(rule: PolicyRule): PolicyRule[] {
  const steps: PolicyRule[] = [];
  for (const group of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs) {
        const names = rule.resourceNames ?? [];
        const step = { apiGroups: [group], resources: [resource], verbs: [verb] };
        if (names.length === 0) steps.push(step);
        else steps.push(...names.map((name) => ({ ...step, resourceNames: [name] })));
      }
    }
  }
  for (const url of rule.nonResourceURLs ?? []) {
    for (const verb of rule.verbs) steps.push({ nonResourceURLs: [url], verbs: [verb] });
  }
  return steps;
}

function covers(held: PolicyRule, step: PolicyRule): boolean {
  const every = (wanted: readonly string[] | undefined, test: (item: string) => boolean): boolean =>
    (wanted ?? []).every(test);
  const names = held.resourceNames ?? [];
  return (
    every(step.verbs, (verb) => has(held.verbs, verb)) &&
    every(step.apiGroups, (group) => has(held.apiGroups, group)) &&
    every(step.resources, (resource) => {
      const [plain = '', subresource = ''] = resource.split('/');
      return resourceMatches(held.resources ?? [], plain, subresource);
    }) &&
    every(step.nonResourceURLs, (url) => (held.nonResourceURLs ?? []).some((mine) => urlMatches(mine, url))) &&
    (names.length === 0 ||
      ((step.resourceNames ?? []).length > 0 && every(step.resourceNames, (n) => names.includes(n))))
  );
}

/** Steps of one resource (and one name) become one rule again. */
export function compactRules(steps: readonly PolicyRule[]): readonly PolicyRule[] {
  const merged = new Map<string, PolicyRule>();
  const others: PolicyRule[] = [];
  for (const step of steps) {
    const { apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = step;
    const simple = apiGroups.length === 1 && resources.length === 1 && resourceNames.length <= 1;
    if (!simple || nonResourceURLs.length > 0) {
      others.push(step);
      continue;
    }
    const key = JSON.stringify([apiGroups, resources, resourceNames]);
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { ...step, verbs: [...step.verbs] });
    else known.verbs.push(...step.verbs.filter((verb) => !known.verbs.includes(verb)));
  }
  return [...others, ...merged.values()];
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}` */
export function ruleText(rule: PolicyRule): string {
  const parts = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ] as const;
  const shown = parts.filter(([, list]) => (list ?? []).length > 0);
  return `{${shown.map(([name, list]) => `${name}:${quotedList(list ?? [])}`).join(', ')}}`;
}

/** Go's %q of a list of strings. */
export function quotedList(list: readonly string[]): string {
  return `[${list.map((item) => JSON.stringify(item)).join(' ')}]`;
}
