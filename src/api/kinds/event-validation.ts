/**
 * What an Event must be: little through core/v1, for old clients' sake; much through events.k8s.io/v1. The fields are named as they
 * are stored. Upstream: pkg/apis/core/validation/events.go.
 */
import type { Event, ObjectReference } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { invalidField, requiredField } from '../field-errors.ts';
import {
  byteLength,
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  validateObjectMeta,
  whyNotDns1123Subdomain,
  whyNotPathSegment,
  whyNotQualifiedName,
} from '../validation/index.ts';
import { sameValue } from './equal.ts';
import { validateImmutable } from './lifecycle.ts';

export function validateEvent(event: Event): FieldError[] {
  return [...validateAny(event, 'reportingComponent'), ...validateObjectMeta(event, true, whyNotPathSegment)];
}

export function validateEventUpdate(event: Event): FieldError[] {
  return validateAny(event, 'reportingComponent');
}

/** On creation through events.k8s.io/v1. */
export function validateEventStrictly(event: Event): FieldError[] {
  const { eventTime, type = '', firstTimestamp, lastTimestamp, count, source } = event;
  const unset = (field: string): FieldError => invalidField(field, '', 'needs to be unset');
  return [
    ...validateAny(event, 'reportingController'),
    ...validateMetadata(event, true, dns1123SubdomainName),
    ...validateSeries(event),
    ...(isUnset(eventTime) ? [requiredField('eventTime')] : []),
    ...(type === 'Normal' || type === 'Warning' ? [] : [invalidField('type', '', `has invalid value: ${type}`)]),
    ...(isUnset(firstTimestamp) ? [] : [unset('firstTimestamp')]),
    ...(isUnset(lastTimestamp) ? [] : [unset('lastTimestamp')]),
    ...((count ?? 0) === 0 ? [] : [unset('count')]),
    ...(source?.component || source?.host ? [unset('source')] : []),
  ];
}

/** What happened stays what happened: only the series goes on. */
export function validateEventUpdateStrictly(event: Event, old: Live<Event>): FieldError[] {
  const same = (field: string, value: (of: Event | Live<Event>) => unknown): FieldError[] =>
    validateImmutable(value(event), value(old), field);
  return [
    ...validateMetadataUpdate(event, old),
    ...validateAny(event, 'reportingController'),
    ...(sameValue(event.series, old.series) ? [] : validateSeries(event)),
    ...same('involvedObject', ({ involvedObject }) => internalReference(involvedObject)),
    ...same('reason', ({ reason }) => reason ?? ''),
    ...same('message', ({ message }) => message ?? ''),
    ...same('source', ({ source }) => ({ Component: source?.component ?? '', Host: source?.host ?? '' })),
    ...same('firstTimestamp', ({ firstTimestamp }) => firstTimestamp),
    ...same('lastTimestamp', ({ lastTimestamp }) => lastTimestamp),
    ...same('count', ({ count }) => count ?? 0),
    ...same('type', ({ type }) => type ?? ''),
    ...same('eventTime', ({ eventTime }) => eventTime),
    ...same('action', ({ action }) => action ?? ''),
    ...same('related', ({ related }) => (related === undefined ? undefined : internalReference(related))),
    ...same('reportingController', ({ reportingComponent }) => reportingComponent ?? ''),
    ...same('reportingInstance', ({ reportingInstance }) => reportingInstance ?? ''),
  ];
}

/** As its internal type's JSON, which refusals show. */
function internalReference(of: ObjectReference = {}): object {
  return {
    Kind: of.kind ?? '',
    Namespace: of.namespace ?? '',
    Name: of.name ?? '',
    UID: of.uid ?? '',
    APIVersion: of.apiVersion ?? '',
    ResourceVersion: of.resourceVersion ?? '',
    FieldPath: of.fieldPath ?? '',
  };
}

function validateSeries({ series }: Event): FieldError[] {
  if (series === undefined) return [];
  const errors: FieldError[] = [];
  if ((series.count ?? 0) < 2) errors.push(invalidField('series.count', '', 'should be at least 2'));
  if (isUnset(series.lastObservedTime)) errors.push(requiredField('series.lastObservedTime'));
  return errors;
}

/** `controllerField`: what the version calls it. New-style events are those with an eventTime. */
function validateAny(event: Event, controllerField: string): FieldError[] {
  const about = event.involvedObject?.namespace ?? '';
  const home = event.metadata?.namespace ?? '';
  const elsewhere = invalidField('involvedObject.namespace', about, 'does not match event.namespace');
  const errors: FieldError[] = [];
  if (isUnset(event.eventTime)) {
    // Cluster-scoped objects have their events in `default`.
    const fits = about === '' ? home === 'default' || home === '' : about === home;
    if (!fits) errors.push(elsewhere);
  } else {
    if (about === '' && home !== 'default' && home !== 'kube-system') errors.push(elsewhere);
    errors.push(...validateReporter(event, controllerField), ...validateTexts(event));
  }
  return [...errors, ...whyNotDns1123Subdomain(home).map((why) => invalidField('namespace', home, why))];
}

function validateReporter({ reportingComponent = '', reportingInstance = '' }: Event, field: string): FieldError[] {
  return [
    ...(reportingComponent === '' ? [requiredField(field)] : []),
    ...whyNotQualifiedName(reportingComponent).map((why) => invalidField(field, reportingComponent, why)),
    ...(reportingInstance === '' ? [requiredField('reportingInstance')] : []),
    ...tooLong('reportingInstance', reportingInstance, 128),
  ];
}

function validateTexts({ action = '', reason = '', message = '' }: Event): FieldError[] {
  return [
    ...(action === '' ? [requiredField('action')] : []),
    ...tooLong('action', action, 128),
    ...(reason === '' ? [requiredField('reason')] : []),
    ...tooLong('reason', reason, 128),
    ...tooLong('message', message, 1024),
  ];
}

/** Absent, or the null that Go writes for its zero time. */
function isUnset(time: string | null | undefined): boolean {
  return (time ?? '') === '';
}

function tooLong(field: string, text: string, most: number): FieldError[] {
  return byteLength(text) > most ? [invalidField(field, '', `can have at most ${most} characters`)] : [];
}
