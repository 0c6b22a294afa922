/**
 * DELETE an object: now, or step by step where finalizers, a grace period or the contents of a namespace hold it.
 * Upstream: registry/generic/registry/store.go (Delete), rest/delete.go (BeforeDelete), registry/core/namespace/storage.
 */
import { decodeBody } from '../../api/decode.ts';
import type { DeleteOptions, Status } from '../../api/gen/types.ts';
import type { KindDefinition } from '../../api/kind.ts';
import type { KubeObject, Live, ObjectKey } from '../../api/object.ts';
import type { Store, Tx } from '../../store/index.ts';
import { admit } from '../admission/index.ts';
import type { Requester } from '../admission/index.ts';
import { withWebhooks } from '../admission/webhooks/index.ts';
import type { AdmissionSession } from '../admission/webhooks/index.ts';
import type { ResourceExchange } from '../context.ts';
import { badRequest, conflict, forbidden, notFound } from '../errors.ts';
import { isTrue } from '../request-info.ts';
import { bodyFormat, parseBody, readBody } from '../http/body.ts';
import { negotiate } from '../http/negotiate.ts';
import { sendJson, sendRendered } from '../http/respond.ts';
import { addWarnings } from '../http/warnings.ts';
import { immortalNamespaces } from '../namespace-lifecycle.ts';
import { draftOf, normalized, timestamp } from '../object-meta.ts';
import type { Draft } from '../object-meta.ts';
import { renderObject } from '../render.ts';
import { checkPropagation, parseDryRun } from '../write-options.ts';
import { storedAs } from '../registry.ts';
import { isReleased, removeIn, shownAs, slotOf, storable } from '../write.ts';
import type { Written } from '../write.ts';
import { transactionView } from '../write-view.ts';
import { clone } from '../../api/clone.ts';
import { whenLoaded } from '../../util/lazy.ts';

export async function remove(exchange: ResourceExchange): Promise<void> {
  const { server, kind, info } = exchange;
  const form = negotiate(exchange.request, exchange.query, kind);
  const options = await readDeleteOptions(exchange);
  const warnings: string[] = [];
  const asking = { user: exchange.user, dryRun: options.isDryRun, warnings };
  const written = await withWebhooks(server, kind, asking, (admission) =>
    deleteObject(server.store, kind, info, { ...options, admission }),
  );
  addWarnings(exchange.response, warnings);
  if (written.outcome === 'deleted' && kind.returnsDeleted !== true) {
    await sendJson(exchange, 200, JSON.stringify(deletedStatus(kind, written)));
    return;
  }
  const waiting = written.outcome !== 'deleted' && options.propagationPolicy === 'Foreground';
  await sendRendered(exchange, waiting ? 202 : 200, renderObject(kind, written.stored, form), form);
}

function deletedStatus(kind: KindDefinition, { stored }: Written): Status {
  const { group, plural } = kind.resource;
  const uid = (stored.value as Live<KubeObject>).metadata.uid;
  const details = { name: stored.name, ...(group === '' ? {} : { group }), kind: plural, uid };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

export interface DeleteRequest extends DeleteOptions {
  readonly isDryRun: boolean;
  /** undefined: the server itself. */
  readonly by?: Requester;
  readonly admission?: AdmissionSession | undefined;
  /** Says more on the object, in the same write. */
  readonly annotate?: (object: KubeObject) => void;
}

/** From the body, and from the query where the body does not say. */
export async function readDeleteOptions(exchange: ResourceExchange): Promise<DeleteRequest> {
  const { request, query } = exchange;
  const bytes = await readBody(request);
  const body = bytes.length === 0 ? {} : await decodeOptions(exchange, bytes);
  const grace = body.gracePeriodSeconds ?? optionalNumber(query.get('gracePeriodSeconds'));
  const policy = body.propagationPolicy ?? query.get('propagationPolicy') ?? undefined;
  const orphan = body.orphanDependents ?? optionalBoolean(query.get('orphanDependents'));
  checkPropagation(policy, orphan);
  const dryRun = body.dryRun ?? query.getAll('dryRun');
  return {
    ...body,
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    ...(orphan === undefined ? {} : { orphanDependents: orphan }),
    isDryRun: parseDryRun(dryRun, 'DeleteOptions'),
    by: exchange,
  };
}

async function decodeOptions(exchange: ResourceExchange, bytes: Buffer): Promise<DeleteOptions> {
  const value = await parseBody(bytes, bodyFormat(exchange.request), 'DeleteOptions');
  const found = value as { readonly kind?: unknown } | null;
  // Clients send it as v1, meta.k8s.io/v1 or the group of the object.
  if (typeof found !== 'object' || found === null || (found.kind !== undefined && found.kind !== 'DeleteOptions')) {
    throw badRequest(`decoded object cannot be converted to DeleteOptions`);
  }
  const resource = {
    ...exchange.kind.resource,
    group: '',
    version: 'v1',
    kind: 'DeleteOptions',
    schema: 'DeleteOptions',
  };
  return decodeBody(resource, { ...found, kind: 'DeleteOptions', apiVersion: 'v1' }, 'Ignore').object;
}

function optionalBoolean(text: string | null): boolean | undefined {
  return text === null || text === '' ? undefined : isTrue(text);
}

function optionalNumber(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  if (/^-?\d{1,10}$/.test(text)) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

export function deleteObject(
  store: Store,
  kind: KindDefinition,
  key: ObjectKey,
  options: DeleteRequest,
): Promise<Written> {
  return whenLoaded(() => store.transact((tx) => deleteIn(tx, kind, key, options), { dryRun: options.isDryRun }));
}

export function deleteIn(tx: Tx, kind: KindDefinition, key: ObjectKey, options: DeleteRequest): Written {
  const { resource } = kind;
  const slot = slotOf(storedAs(kind), key);
  const current = tx.get(slot);
  if (current === undefined) throw notFound(resource, key.name);
  const old = shownAs(kind, current);
  if (resource.kind === 'Namespace' && immortalNamespaces.has(key.name)) {
    throw forbidden(resource, key.name, 'this namespace may not be deleted');
  }
  checkPreconditions(kind, old, options);
  const view = transactionView(tx, options.isDryRun);
  const { namespace, name } = key;
  const request = {
    verb: 'delete',
    by: options.by,
    resource,
    forms: kind.forms,
    subresource: '',
    namespace,
    name,
    object: undefined,
    old,
  } as const;
  admit(request, view);
  options.admission?.mutate(request);
  options.admission?.validate(request);
  const draft = draftOf(clone(old));
  options.annotate?.(draft);
  markDeleted(kind, draft, old, options);
  const object = normalized(resource, draft);
  if (isReleased(object)) return removeIn(tx, kind, slot, view, old);
  const isSame = JSON.stringify(object.metadata) === JSON.stringify(old.metadata);
  if (isSame && options.annotate === undefined) return { stored: current, outcome: 'unchanged' };
  kind.onWrite?.(view, object, old);
  return { stored: tx.put(slot, storable(kind, object)), outcome: 'updated' };
}

/** Upstream's conflicts of preconditions name the kind where the resource belongs. */
function asKind({ resource: { group, kind } }: KindDefinition): { readonly group: string; readonly plural: string } {
  return { group, plural: kind };
}

function checkPreconditions(kind: KindDefinition, old: Live<KubeObject>, options: DeleteOptions): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const { metadata } = old;
  if (uid !== undefined && uid !== metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`;
    throw conflict(asKind(kind), metadata.name, why);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`;
    throw conflict(asKind(kind), metadata.name, why);
  }
}

function markDeleted(kind: KindDefinition, draft: Draft, old: Live<KubeObject>, options: DeleteOptions): void {
  setFinalizers(kind, draft, options);
  if (draft.metadata.deletionTimestamp === undefined) kind.prepareForDelete?.(draft);
  const { metadata } = draft;
  const grace = graceOf(kind, old, options);
  if (metadata.deletionTimestamp === undefined) {
    metadata.deletionTimestamp = timestamp(Date.now() + grace * 1000);
    metadata.deletionGracePeriodSeconds = grace;
    if ((metadata.generation ?? 0) > 0) metadata.generation = (metadata.generation ?? 0) + 1;
    if (kind.resource.kind === 'Namespace') terminate(draft);
    return;
  }
  // A second delete can only shorten the wait.
  const before = metadata.deletionGracePeriodSeconds ?? 0;
  if (grace >= before) return;
  metadata.deletionTimestamp = timestamp(Date.parse(metadata.deletionTimestamp) - (before - grace) * 1000);
  metadata.deletionGracePeriodSeconds = grace;
}

/** 0 where the kind says no seconds: nobody has to stop anything, whatever the client asked for. */
function graceOf(kind: KindDefinition, old: Live<KubeObject>, options: DeleteOptions): number {
  const usual = kind.graceSeconds?.(old);
  if (usual === undefined) return 0;
  const asked = options.gracePeriodSeconds ?? usual;
  return asked < 0 ? 1 : asked;
}

/** Upstream: shouldOrphanDependents, shouldDeleteDependentsInForeground in registry/generic/registry/store.go. */
function setFinalizers(kind: KindDefinition, draft: Draft, options: DeleteOptions): void {
  const before = draft.metadata.finalizers ?? [];
  const others = before.filter((name) => name !== 'orphan' && name !== 'foregroundDeletion');
  const usual = kind.orphansDependents === true && others.length === before.length ? 'Orphan' : undefined;
  const asked = options.orphanDependents === undefined ? usual : options.orphanDependents ? 'Orphan' : 'Background';
  const policy = options.propagationPolicy ?? asked;
  if (policy === undefined) return;
  if (policy === 'Orphan') others.push('orphan');
  if (policy === 'Foreground') others.push('foregroundDeletion');
  if (others.length > 0) draft.metadata.finalizers = others;
  else delete draft.metadata.finalizers;
}

function terminate(draft: Draft): void {
  const namespace = draft as Draft & { status?: { phase?: string } };
  namespace.status = { ...namespace.status, phase: 'Terminating' };
}
