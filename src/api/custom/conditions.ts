/**
 * Which of a definition's names are free, and its conditions. Upstream gives this to controllers (apiextensions-apiserver
 * pkg/controller/status, establish, apiapproval); here it is part of the write, so a definition is served as soon as it is answered.
 */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
} from '../gen/types.ts';
import { timeText } from '../time.ts';

type Definition = Pick<CustomResourceDefinition, 'metadata' | 'spec' | 'status'>;

export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';
export const approvalAnnotation = 'api-approved.kubernetes.io';

/** Writes acceptedNames and conditions into `definition`. `others`: of the same group, without itself. */
export function acceptNames(definition: CustomResourceDefinition, others: Iterable<Definition>): void {
  const { spec } = definition;
  const status = (definition.status ??= {});
  const before = status.acceptedNames ?? { plural: '', kind: '' };
  const { names, conflicts } = chooseNames(spec.names, before, usedNames(others));
  status.acceptedNames = names;
  const [reason, message] = conflicts.at(-1) ?? ['NoConflicts', 'no conflicts found'];
  const accepted = conflicts.length === 0;
  if (isProtectedGroup(spec.group)) setApproval(definition);
  setCondition(definition, { type: 'NamesAccepted', status: accepted ? 'True' : 'False', reason, message });
  if (hasCondition(definition, 'Established')) return;
  setCondition(
    definition,
    accepted
      ? {
          type: 'Established',
          status: 'True',
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
        }
      : { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
  );
}

interface Used {
  readonly resources: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
}

function usedNames(others: Iterable<Definition>): Used {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const { status } of others) {
    const names = status?.acceptedNames;
    if (names === undefined) continue;
    for (const name of [names.plural, names.singular, ...(names.shortNames ?? [])]) if (name) resources.add(name);
    for (const name of [names.kind, names.listKind]) if (name) kinds.add(name);
  }
  return { resources, kinds };
}

/** The last conflict is the one that the condition tells. */
function chooseNames(
  asked: CustomResourceDefinitionNames,
  before: CustomResourceDefinitionNames,
  used: Used,
): { readonly names: CustomResourceDefinitionNames; readonly conflicts: readonly (readonly [string, string])[] } {
  const names = { ...before };
  const conflicts: (readonly [string, string])[] = [];
  const inUse = (name: string): string => `${JSON.stringify(name)} is already in use`;
  const take = (
    field: 'plural' | 'singular' | 'kind' | 'listKind',
    reason: string,
    taken: ReadonlySet<string>,
  ): void => {
    const name = asked[field] ?? '';
    if (name !== (before[field] ?? '') && taken.has(name)) conflicts.push([reason, inUse(name)]);
    else names[field] = name;
  };
  take('plural', 'PluralConflict', used.resources);
  take('singular', 'SingularConflict', used.resources);
  const had = new Set(before.shortNames ?? []);
  const clashes = (asked.shortNames ?? []).filter((name) => !had.has(name) && used.resources.has(name));
  if (clashes.length > 0) {
    const list = clashes.map(inUse).join(', ');
    conflicts.push(['ShortNamesConflict', clashes.length === 1 ? list : `[${list}]`]);
  } else if (asked.shortNames === undefined) delete names.shortNames;
  else names.shortNames = [...asked.shortNames];
  take('kind', 'KindConflict', used.kinds);
  take('listKind', 'ListKindConflict', used.kinds);
  if (asked.categories === undefined) delete names.categories;
  else names.categories = [...asked.categories];
  return { names, conflicts };
}

/** Upstream: pkg/apihelpers IsProtectedCommunityGroup. */
export function isProtectedGroup(group: string): boolean {
  return /(^|\.)(k8s|kubernetes)\.io$/.test(group);
}

function setApproval(definition: CustomResourceDefinition): void {
  const text = definition.metadata?.annotations?.[approvalAnnotation] ?? '';
  const type = 'KubernetesAPIApprovalPolicyConformant';
  if (text.startsWith('unapproved')) {
    setCondition(definition, {
      type,
      status: 'False',
      reason: 'UnapprovedAnnotation',
      message: `not approved: ${JSON.stringify(text)}`,
    });
  } else
    setCondition(definition, { type, status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${text}` });
}

export function hasCondition(definition: Pick<Definition, 'status'>, type: string): boolean {
  return (definition.status?.conditions ?? []).some((one) => one.type === type && one.status === 'True');
}

/** The time changes only with the status, so that nothing is written twice. */
export function setCondition(definition: CustomResourceDefinition, wanted: CustomResourceDefinitionCondition): void {
  const status = (definition.status ??= {});
  const conditions = [...(status.conditions ?? [])];
  const index = conditions.findIndex(({ type }) => type === wanted.type);
  const old = conditions[index];
  const lastTransitionTime = old?.status === wanted.status ? old.lastTransitionTime : undefined;
  const next = { lastTransitionTime: lastTransitionTime ?? timeText(Date.now()), ...wanted };
  if (index < 0) conditions.push(next);
  else conditions[index] = next;
  status.conditions = conditions;
}
