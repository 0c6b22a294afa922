/**
 * Event: core/v1 is how it is stored, events.k8s.io/v1 another view of it. Upstream: pkg/apis/events/v1/conversion.go,
 * pkg/registry/core/event, printEvent.
 */
import type { Event, EventsEvent, EventsEventSeries } from '../gen/types.ts';
import type { Live } from '../object.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { age } from '../time.ts';
import { withViews } from '../views.ts';
import { column, wideColumn } from './columns.ts';
import {
  validateEvent,
  validateEventStrictly,
  validateEventUpdate,
  validateEventUpdateStrictly,
} from './event-validation.ts';

const stored = defineKind<Event>({
  resource: resources.events,
  applyDefaults(event) {
    event.reportingComponent ??= '';
    event.reportingInstance ??= '';
    fillTimes(event, ['firstTimestamp', 'lastTimestamp', 'eventTime']);
    if (event.series !== undefined) fillTimes(event.series, ['lastObservedTime']);
  },
  validate: validateEvent,
  validateUpdate: validateEventUpdate,
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

export const [eventKind, eventsEventKind] = withViews<Event, EventsEvent>(stored, {
  resource: resources.eventsEvents,
  applyDefaults(event) {
    fillTimes(event, ['deprecatedFirstTimestamp', 'deprecatedLastTimestamp', 'eventTime']);
    if (event.series !== undefined) fillTimes(event.series, ['lastObservedTime']);
  },
  read({ involvedObject, message, reportingComponent, source, firstTimestamp, lastTimestamp, count, ...event }) {
    const { eventTime, series, reportingInstance, ...rest } = event;
    return {
      ...rest,
      // Never left out, whatever the type says of `null`.
      eventTime: eventTime ?? (null as unknown as string),
      regarding: involvedObject ?? {},
      ...present({
        series: series as EventsEventSeries | undefined,
        note: message,
        // Core/v1 never leaves these out.
        reportingController: reportingComponent || undefined,
        reportingInstance: reportingInstance || undefined,
        deprecatedSource: source,
        deprecatedFirstTimestamp: firstTimestamp,
        deprecatedLastTimestamp: lastTimestamp,
        deprecatedCount: count,
      }),
    };
  },
  write({ regarding, note, reportingController, deprecatedSource, deprecatedFirstTimestamp, ...event }) {
    const { deprecatedLastTimestamp, deprecatedCount, eventTime, metadata, reportingInstance, ...rest } = event;
    return {
      metadata: metadata ?? {},
      ...rest,
      involvedObject: regarding ?? {},
      ...present({
        eventTime,
        message: note,
        reportingComponent: reportingController ?? '',
        reportingInstance: reportingInstance ?? '',
        source: deprecatedSource,
        firstTimestamp: deprecatedFirstTimestamp,
        lastTimestamp: deprecatedLastTimestamp,
        count: deprecatedCount,
      }),
    };
  },
  validate: validateEventStrictly,
  validateUpdate: validateEventUpdateStrictly,
  fieldNames: {
    ...Object.fromEntries(
      ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map((name) => [
        `regarding.${name}`,
        `involvedObject.${name}`,
      ]),
    ),
    reason: 'reason',
    reportingController: 'reportingComponent',
    type: 'type',
  },
});

/** Go holds these times by value, and writes the zero time as null whatever the types say. */
function fillTimes<T extends object>(object: T, fields: readonly (keyof T & string)[]): void {
  for (const field of fields) (object as Record<string, unknown>)[field] ??= null;
}

function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function firstSeen(event: Live<Event>, now: number): string {
  return age(event.firstTimestamp ?? event.eventTime ?? undefined, now);
}

function lastSeen(event: Live<Event>, now: number): string {
  const last = event.series?.lastObservedTime ?? event.lastTimestamp ?? undefined;
  return last === undefined ? firstSeen(event, now) : age(last, now);
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
