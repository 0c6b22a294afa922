/**
 * The fields of metadata that are the server's: names, uid, timestamps, resourceVersion.
 * Upstream: k8s.io/apiserver/pkg/registry/rest (meta.go, create.go, update.go), storage/names/generate.go.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { apiError } from '../api/errors.ts';
import type { KubeObject, Live, LiveMeta } from '../api/object.ts';
import { groupVersionOf } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import type { ObjectMeta } from '../api/gen/types.ts';
import { badRequest } from './errors.ts';

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A request body while it is made ready for the store. */
export type Draft = Mutable<KubeObject> & { metadata: ObjectMeta };

export function draftOf(object: KubeObject): Draft {
  const draft = object as Draft;
  draft.metadata ??= {};
  return draft;
}

export function timestamp(ms: number = Date.now()): string {
  const second = Math.floor(ms / 1000);
  // A write asks several times, and thousands of writes share a second: formatting was 2 % of a create.
  if (second !== latest.second) latest = { second, text: `${new Date(ms).toISOString().slice(0, 19)}Z` };
  return latest.text;
}

let latest = { second: Number.NaN, text: '' };

/** Letters and digits that spell no words (k8s.io/apimachinery/pkg/util/rand). */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

function generatedName(base: string): string {
  const suffix = Array.from(randomBytes(5), (byte) => alphabet[byte % alphabet.length]).join('');
  return `${base.slice(0, 63 - 5)}${suffix}`;
}

/** Upstream: endpoints/handlers/rest.go, checkName. */
export function checkName({ name = '' }: ObjectMeta, asked: string): void {
  if (name === '') {
    throw badRequest(`the name of the object (${asked} based on URL) was undeterminable: name must be provided`);
  }
  if (name !== asked) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${asked})`);
  }
}

export function checkNamespace(resource: Resource, metadata: ObjectMeta, namespace: string): void {
  // Whatever it says: upstream's EnsureObjectNamespaceMatchesRequestNamespace takes it away.
  if (!resource.namespaced) delete metadata.namespace;
  else if ((metadata.namespace ?? '') === '') metadata.namespace = namespace;
  else if (metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

export function fillForCreate(metadata: ObjectMeta, taken: (name: string) => boolean): void {
  if ((metadata.name ?? '') === '' && (metadata.generateName ?? '') !== '') {
    // KEP-4420: another name when this one is taken.
    for (let attempt = 0; attempt < 8; attempt++) {
      metadata.name = generatedName(metadata.generateName ?? '');
      if (!taken(metadata.name)) break;
    }
  }
  metadata.uid = randomUUID();
  metadata.creationTimestamp = timestamp();
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  delete metadata.managedFields;
}

/** The store's own refusal, so it comes last of all (apiserver/pkg/storage/etcd3/store.go, Create). */
export function refuseVersionOfNew({ resourceVersion = '' }: ObjectMeta): void {
  if (resourceVersion !== '' && resourceVersion !== '0') {
    throw apiError(500, '', 'resourceVersion should not be set on objects to be created');
  }
}

/** Before an update: what a client cannot change is the old object's. */
export function fillForUpdate(metadata: ObjectMeta, old: LiveMeta): void {
  metadata.uid ??= old.uid;
  metadata.creationTimestamp = old.creationTimestamp;
  keep(metadata, old, 'generation');
  keep(metadata, old, 'deletionTimestamp');
  keep(metadata, old, 'deletionGracePeriodSeconds');
  if ((metadata.generateName ?? '') === '') keep(metadata, old, 'generateName');
  delete metadata.selfLink;
  delete metadata.managedFields;
}

function keep<K extends keyof ObjectMeta>(metadata: ObjectMeta, old: ObjectMeta, key: K): void {
  if (old[key] === undefined) Reflect.deleteProperty(metadata, key);
  else metadata[key] = old[key];
}

/** kind and apiVersion first, as lists rely on; metadata next. */
export function normalized(resource: Resource, object: KubeObject): KubeObject {
  if (isNormal(resource, object)) return object;
  const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object;
  return { kind: resource.kind, apiVersion: groupVersionOf(resource), ...(metadata ? { metadata } : {}), ...rest };
}

function isNormal(resource: Resource, object: KubeObject): boolean {
  if (object.kind !== resource.kind || object.apiVersion !== groupVersionOf(resource)) return false;
  let at = 0;
  for (const key in object) {
    if (key !== beginning[at]) return false;
    if (++at === beginning.length) return object.metadata !== undefined;
  }
  return false;
}

const beginning = ['kind', 'apiVersion', 'metadata'];

/** The store's stamp: metadata.resourceVersion is the revision. What is frozen is copied. */
export function stampRevision(value: object, revision: number): object {
  const object = value as KubeObject;
  const { metadata } = object;
  if (metadata === undefined || Object.isFrozen(metadata)) {
    return { ...object, metadata: { ...metadata, resourceVersion: String(revision) } };
  }
  metadata.resourceVersion = String(revision);
  return object;
}

/**
 * Equal but for the resourceVersion and the times of managedFields: such a write is not done.
 * Upstream: apiserver handlers/fieldmanager/equality.go (IgnoreManagedFieldsTimestampsTransformer).
 */
export function sameObject(a: KubeObject, b: Live<KubeObject>): boolean {
  const { metadata: metaA, ...restA } = a;
  const { metadata: metaB, ...restB } = b;
  return equal(restA, restB) && equal(comparable(metaA), comparable(metaB));
}

function comparable(metadata: ObjectMeta | undefined): object {
  const managedFields = metadata?.managedFields?.map((entry) => ({ ...entry, time: undefined }));
  return { ...metadata, managedFields, resourceVersion: undefined };
}

function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const entriesA = Object.entries(a).filter(([, value]) => value !== undefined);
  const right = b as Readonly<Record<string, unknown>>;
  const sizeB = Object.values(right).filter((value) => value !== undefined).length;
  return entriesA.length === sizeB && entriesA.every(([key, value]) => equal(value, right[key]));
}
