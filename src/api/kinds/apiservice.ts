/**
 * apiregistration.k8s.io/v1 APIService: which server speaks for a group. Those without a service are this one's own; to others
 * requests are passed on. Upstream: kube-aggregator pkg/apis/apiregistration/validation, pkg/registry/apiservice.
 */
import type { APIService, APIServiceCondition } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  validateMetadataUpdate,
  validateObjectMeta,
  whyNotDns1035Label,
  whyNotDns1123Subdomain,
  whyNotPathSegment,
  whyNotPort,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { clone } from '../clone.ts';

export const apiServiceKind = defineKind<APIService>({
  resource: resources.apiServices,
  applyDefaults({ spec }) {
    if (spec?.service !== undefined) spec.service.port ??= 443;
  },
  prepareForCreate(object) {
    // Whether another server is there, is found out (src/apiserver/aggregation).
    object.status = object.spec?.service === undefined ? { conditions: [local()] } : {};
  },
  prepareForUpdate(object, old) {
    object.status = clone(old.status ?? {});
  },
  validate,
  validateUpdate: (object, old) => [...validateMetadataUpdate(object, old), ...validate(object)],
  status: {
    prepareForUpdate(object, old) {
      const { spec, metadata } = clone(old);
      const { labels = {}, annotations = {}, finalizers = [], ownerReferences = [] } = metadata;
      if (spec !== undefined) object.spec = spec;
      object.metadata = { ...object.metadata, labels, annotations, finalizers, ownerReferences };
    },
    validateUpdate: (object, old) => [...validateMetadataUpdate(object, old), ...validateStatus(object)],
  },
  columns: [
    nameColumn(),
    column('Service', 'The reference to the service that hosts this API endpoint.', ({ spec }) =>
      spec?.service === undefined ? 'Local' : `${spec.service.namespace ?? ''}/${spec.service.name ?? ''}`,
    ),
    column('Available', 'Whether this service is available.', availableText),
    ageColumn(),
  ],
});

function availableText({ status }: Live<APIService>): string {
  const condition = status?.conditions?.find(({ type }) => type === 'Available');
  if (condition === undefined) return 'Unknown';
  return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`;
}

function local(): APIServiceCondition {
  return available('True', 'Local', 'Local APIServices are always available');
}

function available(status: string, reason: string, message: string): APIServiceCondition {
  const lastTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`;
  return { type: 'Available', status, lastTransitionTime, reason, message };
}

function validate(object: APIService): FieldError[] {
  const { group = '', version = '', groupPriorityMinimum: groupPriority, versionPriority, service } = object.spec ?? {};
  const required = `${version}.${group}`;
  const rule = (name: string): string[] => {
    const bad = whyNotPathSegment(name);
    if (bad.length > 0 || name === required) return bad;
    return [`must be \`spec.version+"."+spec.group\`: ${JSON.stringify(required)}`];
  };
  const errors = validateObjectMeta(object, false, rule);
  if (group === '' && version !== 'v1') {
    errors.push(requiredField('spec.group', 'only v1 may have an empty group and it better be legacy kube'));
  }
  if (group !== '') errors.push(...whyNotDns1123Subdomain(group).map((why) => invalidField('spec.group', group, why)));
  errors.push(...whyNotDns1035Label(version).map((why) => invalidField('spec.version', version, why)));
  errors.push(...validatePriority(groupPriority, 20_000, 'spec.groupPriorityMinimum'));
  errors.push(...validatePriority(versionPriority, 1000, 'spec.versionPriority'));
  return [...errors, ...(service === undefined ? validateLocal(object) : validateRemote(object))];
}

function validatePriority(value: number | undefined, most: number, field: string): FieldError[] {
  const given = value ?? 0;
  if (given > 0 && given <= most) return [];
  return [invalidField(field, given, `must be positive and less than ${String(most)}`)];
}

function validateLocal({ spec }: APIService): FieldError[] {
  const { caBundle = '', insecureSkipTLSVerify: insecure = false } = spec ?? {};
  const size = `${String(Buffer.from(caBundle, 'base64').length)} bytes`;
  return [
    ...(caBundle === '' ? [] : [invalidField('spec.caBundle', size, 'local APIServices may not have a caBundle')]),
    ...(insecure
      ? [invalidField('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify')]
      : []),
  ];
}

function validateRemote({ spec }: APIService): FieldError[] {
  const { service, caBundle = '', insecureSkipTLSVerify: insecure = false } = spec ?? {};
  const { name = '', namespace = '', port = 443 } = service ?? {};
  const why = whyNotPort(port);
  return [
    ...(namespace === '' ? [requiredField('spec.service.namespace')] : []),
    ...(name === '' ? [requiredField('spec.service.name')] : []),
    ...(why.length === 0 ? [] : [invalidField('spec.service.port', port, `port is not valid: ${why.join(', ')}`)]),
    ...(insecure && caBundle !== ''
      ? [invalidField('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present')]
      : []),
  ];
}

function validateStatus({ status }: APIService): FieldError[] {
  const known = ['True', 'False', 'Unknown'];
  return (status?.conditions ?? []).flatMap(({ status: is }, index) =>
    known.includes(is) ? [] : [notSupportedField(`status.conditions[${String(index)}].status`, is, known)],
  );
}
