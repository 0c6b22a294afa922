/**
 * The write path, in the order of upstream's registry store: every write of every verb is one of these, inside one transaction.
 *
 *   createObject   meta ─ defaults ─ owners ─ admit ─ settle ─ prepareForCreate ─ validate ─ confirm ─ onWrite ─ put
 *   updateObject   read ─ change ─ preconditions ─ defaults ─ owners ─ admit ─ settle ─ prepareForUpdate ─ validate ─ confirm ─ onWrite ─ put (or remove)
 *
 * Webhooks are asked in the middle of admission and before the put (admission/webhooks/session.ts).
 */
import { admit, confirm, recountQuotas, settle } from './admission/index.ts';
import type { AdmissionRequest, Requester } from './admission/index.ts';
import type { AdmissionSession } from './admission/webhooks/index.ts';
import { isPart } from '../api/kind.ts';
import type { KindDefinition, PartName } from '../api/kind.ts';
import type { FieldError } from '../api/field-errors.ts';
import type { KubeObject, Live, ObjectKey } from '../api/object.ts';
import { validateAnyUpdate } from '../api/validation/index.ts';
import type { Resource } from '../api/resources.ts';
import type { Slot, Store, Stored, Tx } from '../store/index.ts';
import { alreadyExists, conflict, invalid, modifiedText, notFound, otherUid } from './errors.ts';
import { checkNamespaceLives } from './namespace-lifecycle.ts';
import {
  checkName,
  checkNamespace,
  draftOf,
  fillForCreate,
  fillForUpdate,
  normalized,
  refuseVersionOfNew,
  sameObject,
} from './object-meta.ts';
import type { Draft } from './object-meta.ts';
import { ownersOf, setOwners } from './ownership.ts';
import type { Ownership } from './ownership.ts';
import { bucketOf, storedAs } from './registry.ts';
import { transactionView } from './write-view.ts';
import { clone } from '../api/clone.ts';
import { whenLoaded } from '../util/lazy.ts';

export interface WriteOptions {
  /** undefined: the server itself. */
  readonly by?: Requester;
  readonly dryRun: boolean;
  /** Filled for the Warning headers. */
  readonly warnings: string[];
  /** Without: the server's own write. */
  readonly ownership?: Ownership;
  /** Absent: nobody wants to see writes. */
  readonly admission?: AdmissionSession | undefined;
}

export interface Written {
  readonly stored: Stored;
  readonly outcome: 'created' | 'updated' | 'deleted' | 'unchanged';
}

/** As the store has it, in the one form in which its objects are kept. `object`: normalized, in this kind's. */
export function storable({ kept }: KindDefinition, object: KubeObject): KubeObject {
  return kept === undefined ? object : normalized(kept.resource, kept.write?.(object) ?? object);
}

export function shownAs(kind: KindDefinition, stored: Stored): Live<KubeObject> {
  const value = stored.value as Live<KubeObject>;
  return kind.kept?.read(value) ?? value;
}

export function slotOf(resource: Pick<Resource, 'group' | 'plural'>, key: ObjectKey): Slot {
  return { resource: bucketOf(resource), namespace: key.namespace, name: key.name };
}

export function createObject(
  store: Store,
  kind: KindDefinition,
  namespace: string,
  body: KubeObject,
  options: WriteOptions,
): Promise<Written> {
  return attempted(options, () =>
    store.transact((tx) => createIn(tx, kind, namespace, clone(body), options), { dryRun: options.dryRun }),
  );
}

export function createIn(
  tx: Tx,
  kind: KindDefinition,
  namespace: string,
  body: KubeObject,
  options: WriteOptions,
): Written {
  const { resource } = kind;
  const draft = draftOf(body);
  const { metadata } = draft;
  const { managedFields: sent } = metadata;
  checkNamespace(resource, metadata, namespace);
  fillForCreate(metadata, (name) => tx.get(slotOf(storedAs(kind), { namespace, name })) !== undefined);
  const view = transactionView(tx, options.dryRun);
  checkNamespaceLives(view, resource, namespace, metadata.name ?? '');
  kind.applyDefaults?.(draft);
  setOwners(draft, ownersOf(kind, draft, undefined, sent, options));
  const asked = {
    verb: 'create',
    by: options.by,
    resource,
    forms: kind.forms,
    subresource: '',
    namespace,
    object: draft,
    old: undefined,
    warnings: options.warnings,
  } as const;
  admit({ ...asked, name: metadata.name ?? '' }, view);
  mutateBy(options.admission, kind, { ...asked, name: metadata.name ?? '' }, draft, view);
  const name = draft.metadata.name ?? '';
  const request = { ...asked, name };
  settle(request, view);
  kind.prepareForCreate?.(draft, options.warnings);
  refuseInvalid(storedAs(kind), name, kind.validate(draft));
  options.warnings.push(...(kind.warnings?.(draft, undefined) ?? []));
  confirm(request, view);
  const slot = slotOf(storedAs(kind), { namespace, name });
  if (tx.get(slot) !== undefined) {
    // Who may not create it is told so first.
    options.admission?.validate(request);
    throw alreadyExists(resource, slot.name);
  }
  kind.onWrite?.(view, draft, undefined);
  options.admission?.validate(request);
  refuseVersionOfNew(draft.metadata);
  const stored = tx.put(slot, storable(kind, normalized(resource, draft)));
  recountQuotas(view, resource, namespace);
  return { stored, outcome: 'created' };
}

export interface UpdateRequest extends WriteOptions {
  readonly subresource: '' | 'finalize' | 'scale' | 'binding' | PartName;
  /** The object as it shall be; `old` is frozen, undefined when there is none (then createOnUpdate decides). */
  readonly change: (old: Live<KubeObject> | undefined) => KubeObject;
  /** A precondition, of a PUT only: a patch's is a change of what cannot change. */
  readonly uid?: string | undefined;
  /** Apply creates what is not there, whatever the kind. */
  readonly allowCreate?: boolean;
}

export function updateObject(
  store: Store,
  kind: KindDefinition,
  key: ObjectKey,
  request: UpdateRequest,
): Promise<Written> {
  return attempted(request, () => store.transact((tx) => updateIn(tx, kind, key, request), { dryRun: request.dryRun }));
}

/** Again with the module that it was missing; what was to be warned of is said again, too. */
function attempted({ warnings }: WriteOptions, write: () => Promise<Written>): Promise<Written> {
  const before = warnings.length;
  return whenLoaded(() => {
    warnings.length = before;
    return write();
  });
}

export function updateIn(tx: Tx, kind: KindDefinition, key: ObjectKey, request: UpdateRequest): Written {
  const { resource } = kind;
  const slot = slotOf(storedAs(kind), key);
  const current = tx.get(slot);
  if (current === undefined) {
    const creates = kind.createOnUpdate === true || request.allowCreate === true;
    if (!creates || request.subresource !== '') throw notFound(resource, key.name);
    const body = clone(request.change(undefined));
    delete draftOf(body).metadata.resourceVersion;
    return createIn(tx, kind, key.namespace, body, request);
  }
  const old = shownAs(kind, current);
  checkPrecondition(kind, old, request);
  const draft = draftOf(clone(request.change(old)));
  const { managedFields: sent } = draft.metadata;
  checkIdentity(kind, draft, key, old);
  fillForUpdate(draft.metadata, old.metadata);
  const view = transactionView(tx, request.dryRun);
  kind.applyDefaults?.(draft);
  setOwners(draft, ownersOf(kind, draft, old, sent, request));
  const asked = requestOf(kind, key, request, draft, old);
  admit(asked, view);
  mutateBy(request.admission, kind, asked, draft, view);
  settle(asked, view);
  const { managedFields } = draft.metadata;
  prepareUpdate(kind, draft, old, request, key);
  confirm(asked, view);
  // A strategy that takes the old metadata back does not mean these.
  setOwners(draft, managedFields);
  draft.metadata.resourceVersion = old.metadata.resourceVersion;
  const object = normalized(resource, draft);
  if (isReleased(object)) {
    request.admission?.validate(requestOf(kind, key, request, object, old));
    return removeIn(tx, kind, slot, view, old);
  }
  const same = sameObject(storable(kind, object), current.value as Live<KubeObject>);
  if (!same) kind.onWrite?.(view, object, old);
  request.admission?.validate(requestOf(kind, key, request, object, old));
  if (same) return { stored: current, outcome: 'unchanged' };
  const stored = tx.put(slot, storable(kind, object));
  recountQuotas(view, resource, key.namespace);
  return { stored, outcome: 'updated' };
}

function prepareUpdate(
  kind: KindDefinition,
  draft: Draft,
  old: Live<KubeObject>,
  request: UpdateRequest,
  key: ObjectKey,
): void {
  const { resource } = kind;
  const { subresource } = request;
  const check = (own: readonly FieldError[] = []): void => {
    refuseInvalid(storedAs(kind), key.name, [...validateAnyUpdate(draft, old, resource.namespaced), ...own]);
  };
  if (isPart(subresource)) {
    const strategy = kind[subresource];
    strategy?.prepareForUpdate?.(draft, old);
    check(strategy?.validateUpdate?.(draft, old));
    return;
  }
  // What /finalize and /binding may change, kind.prepareForUpdate takes back.
  if (subresource === '' || subresource === 'scale') kind.prepareForUpdate?.(draft, old);
  if (subresource === 'finalize' || subresource === 'binding') {
    check();
    return;
  }
  check((kind.validateUpdate ?? kind.validate)(draft, old));
  request.warnings.push(...(kind.warnings?.(draft, old) ?? []));
}

/** What admission is told. A verb hands over its whole RequestInfo as a key. */
function requestOf(
  { resource, forms }: KindDefinition,
  { namespace, name }: ObjectKey,
  { by, subresource, warnings }: UpdateRequest,
  object: KubeObject,
  old: Live<KubeObject>,
): AdmissionRequest {
  return { verb: 'update', by, resource, forms, subresource, namespace, name, object, old, warnings };
}

/** The draft becomes what policies and webhooks make of it; who it is they cannot change. */
function mutateBy(
  session: AdmissionSession | undefined,
  kind: KindDefinition,
  request: AdmissionRequest,
  draft: Draft,
  view: ReturnType<typeof transactionView>,
): void {
  const first = session?.mutate(request);
  become(kind, draft, first?.object);
  if (first?.again !== true) return;
  admit(request, view);
  become(kind, draft, session?.mutate(request, true).object);
}

function become(kind: KindDefinition, draft: Draft, changed: KubeObject | undefined): void {
  if (changed === undefined) return;
  for (const key of Object.keys(draft)) Reflect.deleteProperty(draft, key);
  Object.assign(draft, changed);
  kind.applyDefaults?.(draft);
}

function checkPrecondition(
  kind: KindDefinition,
  { metadata }: Live<KubeObject>,
  { uid = '', dryRun }: UpdateRequest,
): void {
  if (uid !== '' && uid !== metadata.uid) throw otherUid(storedAs(kind), metadata, uid, dryRun);
}

function checkIdentity(kind: KindDefinition, draft: Draft, key: ObjectKey, old: Live<KubeObject>): void {
  const { resource } = kind;
  const { metadata } = draft;
  checkName(metadata, key.name);
  checkNamespace(resource, metadata, key.namespace);
  const asked = metadata.resourceVersion ?? '';
  if (asked === '' || asked === '0') {
    if (kind.unconditionalUpdate === false) refuseInvalid(resource, key.name, [unconditional]);
  } else if (asked !== old.metadata.resourceVersion) {
    throw conflict(resource, key.name, modifiedText);
  }
  if (metadata.uid === '') delete metadata.uid;
}

const unconditional: FieldError = {
  type: 'FieldValueInvalid',
  field: 'metadata.resourceVersion',
  message: 'Invalid value: 0x0: must be specified for an update',
};

export function refuseInvalid(resource: Resource, name: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid(resource, name, errors);
}

/** Deleted, its grace over, and nobody holds it any more. */
export function isReleased(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata ?? {};
  if (deletionTimestamp === undefined || (deletionGracePeriodSeconds ?? 0) !== 0) return false;
  const held = (object as { readonly spec?: { readonly finalizers?: readonly string[] } }).spec?.finalizers ?? [];
  return (finalizers ?? []).length === 0 && (object.kind !== 'Namespace' || held.length === 0);
}

export function removeIn(
  tx: Tx,
  kind: KindDefinition,
  slot: Slot,
  view: ReturnType<typeof transactionView>,
  old: Live<KubeObject>,
): Written {
  kind.onWrite?.(view, undefined, old);
  const stored = tx.delete(slot);
  if (stored === undefined) throw notFound(kind.resource, slot.name);
  recountQuotas(view, kind.resource, slot.namespace);
  return { stored, outcome: 'deleted' };
}
