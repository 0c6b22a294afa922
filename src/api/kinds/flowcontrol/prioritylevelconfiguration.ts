/** flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration. Upstream: pkg/apis/flowcontrol/validation, v1/defaults.go. */
import type {
  ExemptPriorityLevelConfiguration,
  LimitResponse,
  LimitedPriorityLevelConfiguration,
  PriorityLevelConfiguration,
  QueuingConfiguration,
} from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import { defineKind } from '../../kind.ts';
import { resources } from '../../resources.ts';
import { dns1123SubdomainName, validateMetadata, validateMetadataUpdate } from '../../validation/index.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { keepsStatusAndCounts, statusOnly } from '../lifecycle.ts';
import { validateConditions } from './conditions.ts';

const mostQueues = 10_000_000;
/** Of the hash that deals hands of queues (pkg/util/shufflesharding). */
const hashBits = 60;

export const priorityLevelConfigurationKind = defineKind<PriorityLevelConfiguration>({
  resource: resources.priorityLevelConfigurations,
  ...keepsStatusAndCounts<PriorityLevelConfiguration>(),
  applyDefaults({ spec }) {
    if (spec?.exempt !== undefined) {
      spec.exempt.nominalConcurrencyShares ??= 0;
      spec.exempt.lendablePercent ??= 0;
    }
    if (spec?.limited === undefined) return;
    spec.limited.nominalConcurrencyShares ??= 30;
    spec.limited.lendablePercent ??= 0;
    const queuing = spec.limited.limitResponse?.queuing;
    if (queuing === undefined) return;
    queuing.handSize ||= 8;
    queuing.queues ||= 64;
    queuing.queueLengthLimit ||= 50;
  },
  validate,
  validateUpdate: (now, old) => [...validateMetadataUpdate(now, old), ...validate(now)],
  status: statusOnly<PriorityLevelConfiguration>(({ status }) => validateConditions(status)),
  columns: [
    nameColumn(),
    column(
      'Type',
      '`type` indicates whether this priority level is subject to limitation on request execution.  A value of `"Exempt"` means that requests of this priority level are not subject to a limit (and thus are never queued) and do not detract from the capacity made available to other priority levels.  A value of `"Limited"` means that (a) requests of this priority level _are_ subject to limits and (b) some of the server\'s limited capacity is made available exclusively to this priority level. Required.',
      ({ spec }) => spec?.type ?? '',
    ),
    column(
      'NominalConcurrencyShares',
      '`nominalConcurrencyShares` (NCS) contributes to the computation of the NominalConcurrencyLimit (NominalCL) of this level.',
      ({ spec }) => spec?.limited?.nominalConcurrencyShares ?? '<none>',
    ),
    queueColumn('Queues', 'queues', '`queues` is the number of queues for this priority level.'),
    queueColumn(
      'HandSize',
      'handSize',
      '`handSize` is a small positive number that configures the shuffle sharding of requests into queues.',
    ),
    queueColumn(
      'QueueLengthLimit',
      'queueLengthLimit',
      '`queueLengthLimit` is the maximum number of requests allowed to be waiting in a given queue of this priority level at a time; excess requests are rejected.  This value must be positive.  If not specified, it will be defaulted to 50.',
    ),
    ageColumn(),
  ],
  unconditionalUpdate: true,
});

function queueColumn(
  name: string,
  key: keyof QueuingConfiguration,
  description: string,
): ReturnType<typeof column<PriorityLevelConfiguration>> {
  return column(name, description, ({ spec }) => {
    const queuing = spec?.limited?.limitResponse?.queuing;
    return queuing === undefined ? '<none>' : (queuing[key] ?? 0);
  });
}

function validate(level: PriorityLevelConfiguration): FieldError[] {
  const errors = [...validateMetadata(level, false, dns1123SubdomainName), ...validateConditions(level.status)];
  const { type = '', exempt, limited } = level.spec ?? {};
  if ((level.metadata?.name === 'exempt') !== (type === 'Exempt')) {
    errors.push(invalidField('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  }
  switch (type) {
    case 'Exempt':
      if (limited !== undefined) errors.push(forbiddenField('spec.limited', 'must be nil if the type is not Limited'));
      return [...errors, ...(exempt === undefined ? [] : validateShares(exempt, 'spec.exempt'))];
    case 'Limited':
      if (exempt !== undefined) errors.push(forbiddenField('spec.exempt', 'must be nil if the type is Limited'));
      if (limited === undefined)
        return [...errors, requiredField('spec.limited', 'must not be empty when type is Limited')];
      return [...errors, ...validateLimited(limited, 'spec.limited')];
    case '':
      return [...errors, requiredField('spec.type')];
    default:
      return [...errors, notSupportedField('spec.type', type, ['Exempt', 'Limited'])];
  }
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, at: string): FieldError[] {
  const [shares, percent] = splitShares(limited, at);
  const errors = [
    ...shares,
    ...validateResponse(limited.limitResponse ?? { type: '' }, `${at}.limitResponse`),
    ...percent,
  ];
  const { borrowingLimitPercent: limit } = limited;
  if (limit === undefined || limit >= 0) return errors;
  const why = 'if specified, must be a non-negative integer';
  return [...errors, invalidField(`${at}.borrowingLimitPercent`, limit, why)];
}

function validateShares(level: ExemptPriorityLevelConfiguration, at: string): FieldError[] {
  return splitShares(level, at).flat();
}

function splitShares(
  { nominalConcurrencyShares: shares = 0, lendablePercent: percent = 0 }: ExemptPriorityLevelConfiguration,
  at: string,
): [FieldError[], FieldError[]] {
  return [
    shares < 0 ? [invalidField(`${at}.nominalConcurrencyShares`, shares, 'must be a non-negative integer')] : [],
    percent < 0 || percent > 100
      ? [invalidField(`${at}.lendablePercent`, percent, 'must be between 0 and 100, inclusive')]
      : [],
  ];
}

function validateResponse({ type, queuing }: LimitResponse, at: string): FieldError[] {
  switch (type) {
    case 'Reject':
      if (queuing === undefined) return [];
      return [forbiddenField(`${at}.queuing`, 'must be nil if limited.limitResponse.type is not Limited')];
    case 'Queue':
      if (queuing !== undefined) return validateQueuing(queuing, `${at}.queuing`);
      return [requiredField(`${at}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')];
    case '':
      return [requiredField(`${at}.type`)];
    default:
      return [notSupportedField(`${at}.type`, type, ['Queue', 'Reject'])];
  }
}

function validateQueuing(queuing: QueuingConfiguration, at: string): FieldError[] {
  const { queueLengthLimit: length = 0, queues = 0, handSize = 0 } = queuing;
  const errors: FieldError[] = [];
  if (length <= 0) errors.push(invalidField(`${at}.queueLengthLimit`, length, 'must be positive'));
  if (queues <= 0) errors.push(invalidField(`${at}.queues`, queues, 'must be positive'));
  else if (queues > mostQueues) {
    errors.push(invalidField(`${at}.queues`, queues, `must not be greater than ${String(mostQueues)}`));
  }
  const field = `${at}.handSize`;
  if (handSize <= 0) return [...errors, invalidField(field, handSize, 'must be positive')];
  if (handSize > queues) {
    return [...errors, invalidField(field, handSize, `should not be greater than queues (${String(queues)})`)];
  }
  const bits = Math.ceil(Math.log2(queues) * handSize);
  if (bits <= hashBits) return errors;
  const why = `required entropy bits of deckSize ${String(queues)} and handSize ${String(handSize)} should not be greater than ${String(hashBits)}`;
  return [...errors, invalidField(field, handSize, why)];
}
