/** batch/v1 CronJob. Upstream: pkg/apis/batch/v1/defaults.go, pkg/apis/batch/validation, pkg/registry/batch/cronjob. */
import type { CronJob, CronJobSpec } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { isTimeZone, parseCron } from '../cron.ts';
import { invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { age } from '../time.ts';
import { formatLabelSelector } from '../selectors/index.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  validateNonNegative,
} from '../validation/index.ts';
import { ageColumn, column, integerColumn, nameColumn, wideColumn } from './columns.ts';
import { validateJobTemplate } from './job-validation.ts';
import { keepsStatusAndCounts, statusOnly } from './lifecycle.ts';
import { jobSpecWarnings, setPolicyDefaults } from './job.ts';
import { containerImages, containerNames, podNameWarnings, setTemplateDefaults } from './workload.ts';

/** Its jobs' names are longer by `-` and the minutes since 1970. */
const mostNameLetters = 52;
const policies = ['Allow', 'Forbid', 'Replace'];

const zoneInSchedule =
  'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details';

export const cronJobKind = defineKind<CronJob>({
  resource: resources.cronJobs,
  ...keepsStatusAndCounts<CronJob>(),
  applyDefaults({ spec }) {
    if (spec === undefined) return;
    spec.concurrencyPolicy ??= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    const template = spec.jobTemplate?.spec?.template;
    if (template !== undefined) setTemplateDefaults(template);
    if (spec.jobTemplate?.spec !== undefined) setPolicyDefaults(spec.jobTemplate.spec);
  },
  validate: (cronJob) => [...validateName(cronJob), ...validateSpec(cronJob.spec)],
  validateUpdate: (now, old) => [...validateMetadataUpdate(now, old), ...validateSpec(now.spec, old.spec)],
  warnings: (cronJob, old) => [
    ...podNameWarnings(cronJob, old),
    ...jobSpecWarnings(cronJob, old, cronJob.spec?.jobTemplate.spec, 'spec.jobTemplate.spec'),
    ...(old !== undefined && cronJob.spec?.schedule.includes('TZ') ? [zoneInSchedule] : []),
  ],
  status: statusOnly<CronJob>(),
  columns: [
    nameColumn(),
    column(
      'Schedule',
      'The schedule in Cron format, see https://en.wikipedia.org/wiki/Cron.',
      ({ spec }) => spec?.schedule ?? '',
    ),
    column(
      'Timezone',
      'The time zone name for the given schedule, see https://en.wikipedia.org/wiki/List_of_tz_database_time_zones. If not specified, this will default to the time zone of the kube-controller-manager process. The set of valid time zone names and the time zone offset is loaded from the system-wide time zone database by the API server during CronJob validation and the controller manager during execution. If no system-wide time zone database can be found a bundled version of the database is used instead. If the time zone name becomes invalid during the lifetime of a CronJob or due to a change in host configuration, the controller will stop creating new new Jobs and will create a system event with the reason UnknownTimeZone. More information can be found in https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#time-zones',
      ({ spec }) => spec?.timeZone ?? '<none>',
    ),
    {
      name: 'Suspend',
      type: 'boolean',
      description:
        'This flag tells the controller to suspend subsequent executions, it does not apply to already started executions.  Defaults to false.',
      priority: 0,
      cell: ({ spec }) => (spec?.suspend === true ? 'True' : 'False'),
    },
    integerColumn(
      'Active',
      'A list of pointers to currently running jobs.',
      ({ status }) => (status?.active ?? []).length,
    ),
    column(
      'Last Schedule',
      'Information when was the last time the job was successfully scheduled.',
      ({ status }: Live<CronJob>, now) =>
        status?.lastScheduleTime === undefined ? '<none>' : age(status.lastScheduleTime, now),
    ),
    ageColumn(),
    wideColumn('Containers', 'Names of each container in the template.', ({ spec }) =>
      containerNames(spec?.jobTemplate.spec?.template),
    ),
    wideColumn('Images', 'Images referenced by each container in the template.', ({ spec }) =>
      containerImages(spec?.jobTemplate.spec?.template),
    ),
    wideColumn('Selector', 'A label query over pods that should match the pod count.', ({ spec }) =>
      formatLabelSelector(spec?.jobTemplate.spec?.selector),
    ),
  ],
  unconditionalUpdate: true,
});

function validateName(cronJob: CronJob): FieldError[] {
  const errors = validateMetadata(cronJob, true, dns1123SubdomainName);
  const name = cronJob.metadata?.name ?? '';
  if (name.length <= mostNameLetters) return errors;
  return [...errors, invalidField('metadata.name', name, `must be no more than ${String(mostNameLetters)} characters`)];
}

function validateSpec(given: CronJobSpec | undefined, old?: CronJobSpec): FieldError[] {
  const spec = given ?? ({} as CronJobSpec);
  const { concurrencyPolicy: policy = '' } = spec;
  const errors = validateSchedule(spec, old?.schedule?.includes('TZ') === true);
  errors.push(...validateNonNegative(spec.startingDeadlineSeconds, 'spec.startingDeadlineSeconds'));
  if (old?.timeZone !== spec.timeZone) errors.push(...validateTimeZone(spec.timeZone));
  if (policy === '') errors.push(requiredField('spec.concurrencyPolicy'));
  else if (!policies.includes(policy)) {
    errors.push(notSupportedField('spec.concurrencyPolicy', policy, policies));
  }
  errors.push(...validateJobTemplate(spec.jobTemplate?.spec ?? { template: {} }, 'spec.jobTemplate'));
  for (const key of ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit'] as const) {
    errors.push(...validateNonNegative(spec[key], `spec.${key}`));
  }
  return errors;
}

function validateSchedule({ schedule = '', timeZone }: CronJobSpec, zoneAllowed: boolean): FieldError[] {
  const field = 'spec.schedule';
  if (schedule === '') return [requiredField(field)];
  const parsed = parseCron(schedule);
  const errors = parsed.kind === 'bad' ? [invalidField(field, schedule, parsed.why)] : [];
  if (!schedule.includes('TZ')) return errors;
  if (!zoneAllowed) {
    const why = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
    return [...errors, invalidField(field, schedule, why)];
  }
  if (timeZone === undefined) return errors;
  const why = 'cannot use both timeZone field and TZ or CRON_TZ in schedule';
  return [...errors, invalidField(field, schedule, why)];
}

function validateTimeZone(name: string | undefined): FieldError[] {
  const field = 'spec.timeZone';
  if (name === undefined) return [];
  if (name === '') return [invalidField(field, name, 'timeZone must be nil or non-empty string')];
  if (!name.split('/').every((part) => /^(?!-|\.{1,2}$)[A-Za-z0-9._+-]{1,14}$/.test(part))) {
    return [invalidField(field, name, `unknown time zone ${name}`)];
  }
  if (name.toLowerCase() === 'local') {
    const why = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
    return [invalidField(field, name, why)];
  }
  return isTimeZone(name) ? [] : [invalidField(field, name, `unknown time zone ${name}`)];
}
