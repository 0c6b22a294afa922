/** core/v1 Event. Upstream: pkg/apis/core/validation/events.go, printEvent. */
import type { Event } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { invalidField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { age } from '../time.ts';
import { dns1123SubdomainName, validateMetadata, validateMetadataUpdate } from '../validation/index.ts';
import { column, wideColumn } from './columns.ts';

export const eventKind = defineKind<Event>({
  resource: resources.events,
  validate: validateEvent,
  validateUpdate: (event, old) => [...validateMetadataUpdate(event, old), ...validateEvent(event)],
  columns: [
    column('Last Seen', 'The time at which the most recent occurrence of this event was recorded.', lastSeen),
    column('Type', 'Type of this event (Normal, Warning), new types could be added in the future', (e) => e.type ?? ''),
    column(
      'Reason',
      "This should be a short, machine understandable string that gives the reason for the transition into the object's current status.",
      (e) => e.reason ?? '',
    ),
    column('Object', 'The object that this event is about.', objectText),
    wideColumn(
      'Subobject',
      'fieldPath of the object that this event is about.',
      (e) => e.involvedObject.fieldPath ?? '',
    ),
    wideColumn('Source', 'The component reporting this event.', sourceText),
    column('Message', 'A human-readable description of the status of this operation.', (e) => (e.message ?? '').trim()),
    wideColumn('First Seen', 'The time at which the event was first recorded.', firstSeen),
    wideColumn('Count', 'The number of times this event has occurred.', (e) => e.series?.count ?? (e.count || 1)),
    wideColumn('Name', 'Name must be unique within a namespace.', (e) => e.metadata.name),
  ],
  fieldSelectors: {
    'involvedObject.kind': (e) => e.involvedObject.kind ?? '',
    'involvedObject.namespace': (e) => e.involvedObject.namespace ?? '',
    'involvedObject.name': (e) => e.involvedObject.name ?? '',
    'involvedObject.uid': (e) => e.involvedObject.uid ?? '',
    'involvedObject.apiVersion': (e) => e.involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': (e) => e.involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': (e) => e.involvedObject.fieldPath ?? '',
    reason: (e) => e.reason ?? '',
    reportingComponent: (e) => e.reportingComponent ?? '',
    source: (e) => e.source?.component || (e.reportingComponent ?? ''),
    type: (e) => e.type ?? '',
  },
  createOnUpdate: true,
  unconditionalUpdate: true,
});

function validateEvent(event: Event): FieldError[] {
  const errors = validateMetadata(event, true, dns1123SubdomainName);
  const about = event.involvedObject?.namespace ?? '';
  const home = event.metadata?.namespace ?? '';
  // Cluster-scoped objects have their events in `default`.
  const fits = about === '' ? home === 'default' || home === '' : about === home;
  if (!fits) errors.push(invalidField('involvedObject.namespace', about, 'does not match event.namespace'));
  return errors;
}

function firstSeen(event: Live<Event>, now: number): string {
  return age(event.firstTimestamp ?? event.eventTime, now);
}

function lastSeen(event: Live<Event>, now: number): string {
  if (event.series?.lastObservedTime !== undefined) return age(event.series.lastObservedTime, now);
  return event.lastTimestamp === undefined ? firstSeen(event, now) : age(event.lastTimestamp, now);
}

function objectText(event: Live<Event>): string {
  const { kind = '', name = '' } = event.involvedObject;
  return name === '' ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`;
}

function sourceText(event: Live<Event>): string {
  const component = event.source?.component || (event.reportingComponent ?? '');
  const host = event.source?.host || (event.reportingInstance ?? '');
  return host === '' ? component : `${component}, ${host}`;
}
