/**
 * core/v1 Events, as client-go's record package writes them: named `OBJECT.<hex nanoseconds>`, repeated ones counted.
 *
 *   event() ─> spam filter (25 at once per object, then one in 5 min)
 *           ─> more than 10 alike in 10 min, differing only in the message: "(combined from similar events): …"
 *           ─> seen before: PATCH count and lastTimestamp; else POST
 *
 * Upstream: client-go/tools/record/events_cache.go. Never throws and never makes the caller wait.
 */
import { ApiError } from '../api/errors.ts';
import type { Event, ObjectReference } from '../api/gen/types.ts';
import type { KubeObject } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import { sleep } from '../util/backoff.ts';
import { log } from '../util/log.ts';
import type { Client } from './types.ts';

export type EventType = 'Normal' | 'Warning';

export interface EventRecorder {
  /** `fieldPath`: `spec.containers{web}` for an event about one container. */
  event(object: KubeObject, type: EventType, reason: string, message: string, fieldPath?: string): void;
  /** Resolves when everything said so far is written or given up. */
  flush(): Promise<void>;
}

export interface EventSourceOptions {
  /** `kubelet`, `replicaset-controller`: shown as FROM by kubectl describe. */
  readonly component: string;
  /** The node, where the source is one per node. */
  readonly host?: string;
  readonly signal?: AbortSignal;
}

interface Sent {
  readonly name: string;
  count: number;
}

interface Similar {
  messages: Set<string>;
  last: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

const logger = log('events');
const cacheSize = 4096;
const maxPending = 1000;
const similarLimit = 10;
const similarWindowMs = 600_000;
const burst = 25;
const refillMs = 300_000;
const tries = 5;
const headStartMs = 50;

export function createEventRecorder(client: Client, source: EventSourceOptions): EventRecorder {
  const signal = source.signal ?? new AbortController().signal;
  const sent = new Map<string, Sent>();
  const similar = new Map<string, Similar>();
  const buckets = new Map<string, Bucket>();
  const makeName = nameMaker();
  let pending = 0;
  let chain = Promise.resolve();

  const write = async (key: string, event: Event): Promise<void> => {
    const known = sent.get(key);
    if (known !== undefined) {
      known.count += 1;
      const patch = { count: known.count, lastTimestamp: event.lastTimestamp, message: event.message };
      const at = { namespace: event.metadata.namespace ?? '', name: known.name };
      try {
        await client.patch(resources.events, at, 'strategic', patch);
        return;
      } catch (error) {
        // Expired on the server: begin a new one.
        if (!(error instanceof ApiError) || error.code !== 404) throw error;
      }
    }
    await client.create(resources.events, event);
    remember(sent, key, { name: event.metadata.name ?? '', count: 1 }, cacheSize);
  };

  const deliver = async (key: string, event: Event): Promise<void> => {
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await write(key, event);
        return;
      } catch (error) {
        // A refusal stays one (the namespace is terminating, the object is gone); a lost connection may come back.
        if (error instanceof ApiError || attempt === tries) {
          logger.debug({ event: event.metadata.name, reason: event.reason, err: String(error) }, 'event not written');
          return;
        }
        await sleep(200 * 2 ** attempt, signal);
      }
    }
  };

  return {
    event(object, type, reason, message, fieldPath) {
      const now = Date.now();
      const about = referenceTo(object, fieldPath);
      const subject = `${about.kind}/${about.namespace ?? ''}/${about.name}/${about.uid ?? ''}/${fieldPath ?? ''}`;
      if (signal.aborted || pending >= maxPending || !takeToken(buckets, subject, now)) return;
      const group = `${subject}/${type}/${reason}`;
      const combined = isCrowded(similar, group, message, now);
      const body = combined ? `(combined from similar events): ${message}` : message;
      const said = { type, reason, message: body };
      const event = newEvent(source, about, said, makeName(about.name ?? '', now), now);
      // What is said about a change must not delay the change: the server has that to write first.
      if (pending === 0) chain = chain.then(() => sleep(headStartMs, signal));
      pending += 1;
      chain = chain.then(() => deliver(combined ? group : `${group}/${message}`, event)).finally(() => (pending -= 1));
    },
    flush: () => chain,
  };
}

function referenceTo(object: KubeObject, fieldPath?: string): ObjectReference {
  const { name, namespace, uid, resourceVersion } = object.metadata ?? {};
  return {
    kind: object.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(uid === undefined ? {} : { uid }),
    apiVersion: object.apiVersion,
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}

function newEvent(
  source: EventSourceOptions,
  about: ObjectReference,
  said: { readonly type: EventType; readonly reason: string; readonly message: string },
  name: string,
  now: number,
): Event {
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    apiVersion: 'v1',
    kind: 'Event',
    // Events about cluster-scoped objects live in `default`.
    metadata: { name, namespace: about.namespace ?? 'default' },
    involvedObject: about,
    ...said,
    source: { component: source.component, ...(source.host === undefined ? {} : { host: source.host }) },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
    reportingComponent: source.component,
    reportingInstance: source.host ?? '',
  };
}

/** `%v.%x` of the object's name and the time in nanoseconds; never the same twice. */
function nameMaker(): (object: string, now: number) => string {
  let last = 0n;
  return (object, now) => {
    const stamp = BigInt(now) * 1_000_000n + (process.hrtime.bigint() % 1_000_000n);
    last = stamp > last ? stamp : last + 1n;
    return `${object}.${last.toString(16)}`;
  };
}

function takeToken(buckets: Map<string, Bucket>, subject: string, now: number): boolean {
  const bucket = buckets.get(subject) ?? { tokens: burst, at: now };
  bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.at) / refillMs);
  bucket.at = now;
  remember(buckets, subject, bucket, cacheSize);
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

function isCrowded(groups: Map<string, Similar>, group: string, message: string, now: number): boolean {
  let entry = groups.get(group);
  if (entry === undefined || now - entry.last > similarWindowMs) entry = { messages: new Set(), last: now };
  entry.last = now;
  if (entry.messages.size < similarLimit) entry.messages.add(message);
  remember(groups, group, entry, cacheSize);
  return entry.messages.size >= similarLimit && !entry.messages.has(message);
}

/** Least recently used goes first. */
function remember<V>(cache: Map<string, V>, key: string, value: V, limit: number): void {
  cache.delete(key);
  cache.set(key, value);
  if (cache.size <= limit) return;
  for (const oldest of cache.keys()) {
    cache.delete(oldest);
    return;
  }
}
