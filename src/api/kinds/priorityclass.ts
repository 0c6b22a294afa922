/** scheduling.k8s.io/v1 PriorityClass. Upstream: ValidatePriorityClass, pkg/apis/scheduling/v1/helpers.go. */
import type { PriorityClass } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Column } from '../kind.ts';
import { forbiddenError } from '../errors.ts';
import { forbiddenField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { dns1123SubdomainName, validateEnum, validateMetadata, validateMetadataUpdate } from '../validation/index.ts';
import { ageColumn, column, integerColumn, nameColumn } from './columns.ts';
import { countGeneration, validateImmutable } from './lifecycle.ts';

const mostUserValue = 1_000_000_000;

/** Made at start, never deleted. */
export const systemPriorityClasses: readonly Required<Pick<PriorityClass, 'metadata' | 'value' | 'description'>>[] = [
  {
    metadata: { name: 'system-node-critical' },
    value: 2 * mostUserValue + 1000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    metadata: { name: 'system-cluster-critical' },
    value: 2 * mostUserValue,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
];

export const priorityClassKind = defineKind<PriorityClass>({
  resource: resources.priorityClasses,
  applyDefaults(priorityClass) {
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority';
    // Required by the schema, left out by JSON when zero.
    priorityClass.value ??= 0;
  },
  prepareForCreate(priorityClass) {
    priorityClass.metadata = { ...priorityClass.metadata, generation: 1 };
  },
  prepareForUpdate: countGeneration,
  validate: validateClass,
  validateUpdate: (now, old) => [
    ...validateMetadataUpdate(now, old),
    ...((now.value ?? 0) === (old.value ?? 0) ? [] : [forbiddenField('value', 'may not be changed in an update.')]),
    ...validateImmutable(now.preemptionPolicy, old.preemptionPolicy, 'preemptionPolicy'),
  ],
  columns: [
    nameColumn(),
    integerColumn('Value', 'value represents the integer value of this priority class.', ({ value }) => value ?? 0),
    globalDefaultColumn(),
    ageColumn(),
    column(
      'PreemptionPolicy',
      'preemptionPolicy is the Policy for preempting pods with lower priority.',
      ({ preemptionPolicy }) => preemptionPolicy ?? '',
    ),
  ],
  onWrite(_view, now, old) {
    const name = old?.metadata.name ?? '';
    if (now !== undefined || !systemPriorityClasses.some(({ metadata }) => metadata.name === name)) return;
    const why = 'this is a system priority class and cannot be deleted';
    throw forbiddenError(resources.priorityClasses, name, why);
  },
  unconditionalUpdate: true,
});

function globalDefaultColumn(): Column<PriorityClass> {
  const description =
    'globalDefault specifies whether this PriorityClass should be considered as the default priority for pods without a priority class.';
  return { ...column('Global-Default', description, ({ globalDefault }) => globalDefault ?? false), type: 'boolean' };
}

function validateClass(priorityClass: PriorityClass): FieldError[] {
  const name = priorityClass.metadata?.name ?? '';
  const errors = validateMetadata(priorityClass, false, dns1123SubdomainName);
  if (name.startsWith('system-')) {
    const why = whyNotSystemClass(name, priorityClass);
    const reserved = "priority class names with 'system-' prefix are reserved for system use only. error: ";
    if (why !== undefined) errors.push(forbiddenField('metadata.name', `${reserved}${why}`));
  } else if ((priorityClass.value ?? 0) > mostUserValue) {
    const why = `maximum allowed value of a user defined priority is ${mostUserValue}`;
    errors.push(forbiddenField('value', why));
  }
  const policies = ['PreemptLowerPriority', 'Never'];
  return [...errors, ...validateEnum(priorityClass.preemptionPolicy, 'preemptionPolicy', policies)];
}

function whyNotSystemClass(name: string, { value, globalDefault }: PriorityClass): string | undefined {
  const known = systemPriorityClasses.find(({ metadata }) => metadata.name === name);
  if (known === undefined) return `${name} is not a known system priority class`;
  if (value !== known.value) return `value of ${name} PriorityClass must be ${known.value}`;
  return globalDefault === true ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}
