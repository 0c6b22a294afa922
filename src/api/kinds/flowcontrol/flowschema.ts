/** flowcontrol.apiserver.k8s.io/v1 FlowSchema. Upstream: pkg/apis/flowcontrol/validation, v1/defaults.go. */
import type {
  FlowSchema,
  FlowSchemaSpec,
  FlowcontrolSubject,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
} from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import { defineKind } from '../../kind.ts';
import { resources } from '../../resources.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  whyNotDns1123Label,
  whyNotDns1123Subdomain,
} from '../../validation/index.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { keepsStatusAndCounts, statusOnly } from '../lifecycle.ts';
import { validateConditions } from './conditions.ts';

const namespaceIntro = "each member of this list must be '*' or a DNS-1123 label; ";
const lowestPrecedence = 10_000;
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];

export const flowSchemaKind = defineKind<FlowSchema>({
  resource: resources.flowSchemas,
  ...keepsStatusAndCounts<FlowSchema>(),
  applyDefaults(schema) {
    (schema.spec ??= {} as FlowSchemaSpec).matchingPrecedence ||= 1000;
  },
  validate,
  validateUpdate: (now, old) => [...validateMetadataUpdate(now, old), ...validate(now)],
  status: statusOnly<FlowSchema>(({ status }) => validateConditions(status)),
  columns: [
    nameColumn(),
    column(
      'PriorityLevel',
      '`name` is the name of the priority level configuration being referenced Required.',
      ({ spec }) => spec?.priorityLevelConfiguration.name ?? '',
    ),
    column(
      'MatchingPrecedence',
      '`matchingPrecedence` is used to choose among the FlowSchemas that match a given request. The chosen FlowSchema is among those with the numerically lowest (which we take to be logically highest) MatchingPrecedence.  Each MatchingPrecedence value must be ranged in [1,10000]. Note that if the precedence is not specified, it will be set to 1000 as default.',
      ({ spec }) => spec?.matchingPrecedence ?? 0,
    ),
    column(
      'DistinguisherMethod',
      '`distinguisherMethod` defines how to compute the flow distinguisher for requests that match this schema. `nil` specifies that the distinguisher is disabled and thus will always be the empty string.',
      ({ spec }) => spec?.distinguisherMethod?.type ?? '<none>',
    ),
    ageColumn(),
    column(
      'MissingPL',
      'references a broken or non-existent PriorityLevelConfiguration',
      ({ status }) => status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
    ),
  ],
  unconditionalUpdate: true,
});

function validate(schema: FlowSchema): FieldError[] {
  const errors = [...validateMetadata(schema, false, dns1123SubdomainName), ...validateConditions(schema.status)];
  const { matchingPrecedence = 0, distinguisherMethod, priorityLevelConfiguration, rules = [] } = schema.spec ?? {};
  const field = 'spec.matchingPrecedence';
  const bad = (why: string): FieldError => invalidField(field, matchingPrecedence, why);
  if (matchingPrecedence <= 0) errors.push(bad('must be a positive value'));
  if (matchingPrecedence > lowestPrecedence) errors.push(bad(`must not be greater than ${String(lowestPrecedence)}`));
  if (matchingPrecedence === 1 && schema.metadata?.name !== 'exempt') {
    errors.push(bad("only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  const methods = ['ByNamespace', 'ByUser'];
  if (distinguisherMethod !== undefined && !methods.includes(distinguisherMethod.type)) {
    errors.push(notSupportedField('spec.distinguisherMethod.type', { Type: distinguisherMethod.type }, methods));
  }
  const level = priorityLevelConfiguration?.name ?? '';
  const levelField = 'spec.priorityLevelConfiguration.name';
  if (level === '') errors.push(requiredField(levelField, 'must reference a priority level'));
  else errors.push(...whyNotDns1123Subdomain(level).map((why) => invalidField(levelField, level, why)));
  return [...errors, ...rules.flatMap((rule, index) => validateRule(rule, `spec.rules[${String(index)}]`))];
}

function validateRule(
  { subjects = [], resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects,
  at: string,
): FieldError[] {
  const errors =
    subjects.length === 0
      ? [requiredField(`${at}.subjects`, 'subjects must contain at least one value')]
      : subjects.flatMap((subject, index) => validateSubject(subject, `${at}.subjects[${String(index)}]`));
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    errors.push(requiredField(at, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  }
  return [
    ...errors,
    ...resourceRules.flatMap((rule, index) => validateResources(rule, `${at}.resourceRules[${String(index)}]`)),
    ...nonResourceRules.flatMap((rule, index) => validateUrls(rule, `${at}.nonResourceRules[${String(index)}]`)),
  ];
}

const members = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const;

function validateSubject(subject: FlowcontrolSubject, at: string): FieldError[] {
  const kinds = Object.keys(members).sort();
  if (!kinds.includes(subject.kind)) return [notSupportedField(`${at}.kind`, subject.kind, kinds)];
  const kind = subject.kind as keyof typeof members;
  const own = members[kind];
  const errors = validateNamed(subject, kind, `${at}.${own}`);
  for (const [other, member] of Object.entries(members)) {
    if (other === kind || subject[member] === undefined) continue;
    errors.push(forbiddenField(`${at}.${member}`, `${member} is forbidden when subject kind is not '${other}'`));
  }
  return errors;
}

function validateNamed(subject: FlowcontrolSubject, kind: keyof typeof members, at: string): FieldError[] {
  const named = subject[members[kind]];
  if (named === undefined) return [requiredField(at, `${members[kind]} is required when subject kind is '${kind}'`)];
  const errors = (named.name ?? '') === '' ? [requiredField(`${at}.name`)] : [];
  if (kind !== 'ServiceAccount') return errors;
  const { name = '', namespace = '' } = subject.serviceAccount ?? {};
  if (name !== '' && name !== '*') {
    errors.push(...whyNotDns1123Subdomain(name).map((why) => invalidField(`${at}.name`, name, why)));
  }
  if (namespace === '')
    return [...errors, requiredField(`${at}.namespace`, 'must specify namespace for service account')];
  return [...errors, ...whyNotDns1123Label(namespace).map((why) => invalidField(`${at}.namespace`, namespace, why))];
}

function validateVerbs(list: readonly string[], field: string): FieldError[] {
  if (list.length === 0) return [requiredField(field, 'verbs must contain at least one value')];
  if (list.includes('*')) {
    return list.length === 1 ? [] : [invalidField(field, list, "if '*' is present, must not specify other verbs")];
  }
  return list.every((verb) => verbs.includes(verb)) ? [] : [notSupportedField(field, list, verbs)];
}

/** `*` stands alone. */
function validateChoice(list: readonly string[], field: string, empty: string, others: string): FieldError[] {
  if (list.length === 0) return [requiredField(field, empty)];
  if (!list.includes('*') || list.length === 1) return [];
  return [invalidField(field, list, `if '*' is present, must not specify other ${others}`)];
}

function validateUrls({ verbs: list = [], nonResourceURLs = [] }: NonResourcePolicyRule, at: string): FieldError[] {
  const field = `${at}.nonResourceURLs`;
  const errors = [
    ...validateVerbs(list, `${at}.verbs`),
    ...validateChoice(nonResourceURLs, field, 'nonResourceURLs must contain at least one value', 'non-resource URLs'),
  ];
  if (nonResourceURLs.includes('*')) return errors;
  return [
    ...errors,
    ...nonResourceURLs.flatMap((url, index) => {
      const why = whyNotUrl(url);
      return why === undefined ? [] : [invalidField(`${field}[${String(index)}]`, url, why)];
    }),
  ];
}

/** Upstream: ValidateNonResourceURLPath. */
function whyNotUrl(url: string): string | undefined {
  if (url === '') return 'must not be empty';
  if (url === '/') return undefined;
  if (!url.startsWith('/')) return 'must start with slash';
  if (url.includes(' ')) return 'must not contain white-space';
  if (url.includes('//')) return 'must not contain double slash';
  const stars = url.split('*').length - 1;
  return stars === 0 || (stars === 1 && url.endsWith('/*')) ? undefined : 'wildcard can only do suffix matching';
}

function validateResources(rule: ResourcePolicyRule, at: string): FieldError[] {
  const { apiGroups = [], resources: plurals = [], namespaces = [], clusterScope = false } = rule;
  const errors = [
    ...validateVerbs(rule.verbs ?? [], `${at}.verbs`),
    ...validateChoice(apiGroups, `${at}.apiGroups`, 'resource rules must supply at least one api group', 'api groups'),
    ...validateChoice(plurals, `${at}.resources`, 'resource rules must supply at least one resource', 'resources'),
  ];
  const field = `${at}.namespaces`;
  if (namespaces.length === 0 && !clusterScope) {
    return [
      ...errors,
      requiredField(field, 'resource rules that are not cluster scoped must supply at least one namespace'),
    ];
  }
  if (namespaces.includes('*')) {
    if (namespaces.length === 1) return errors;
    return [...errors, invalidField(field, namespaces, "if '*' is present, must not specify other namespaces")];
  }
  return [
    ...errors,
    ...namespaces.flatMap((name, index) =>
      whyNotDns1123Label(name).map((why) =>
        invalidField(`${field}[${String(index)}]`, name, `${namespaceIntro}${why}`),
      ),
    ),
  ];
}
