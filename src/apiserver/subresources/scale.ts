/** /scale: the autoscaling/v1 Scale view of a kind; writing it changes the replicas and nothing else. */
import { decodeBody } from '../../api/decode.ts';
import type { Scale } from '../../api/gen/types.ts';
import type { Column, KindDefinition } from '../../api/kind.ts';
import { ageColumn, integerColumn, nameColumn } from '../../api/kinds/columns.ts';
import {
  applyConfiguration,
  builtInType,
  managedFieldsAfter,
  managedFieldsOfParent,
  managedFieldsOfScale,
  setOfPaths,
} from '../../api/managed-fields/index.ts';
import type { ManagedKind } from '../../api/managed-fields/index.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import { groupVersionOf } from '../../api/resources.ts';
import { withWebhooks } from '../admission/webhooks/index.ts';
import type { ResourceExchange } from '../context.ts';
import { methodNotAllowed, notFound } from '../errors.ts';
import { bodyFormat, parseBody, readBody } from '../http/body.ts';
import { negotiate } from '../http/negotiate.ts';
import { sendJson, sendRendered } from '../http/respond.ts';
import { timestamp } from '../object-meta.ts';
import { managerName } from '../ownership.ts';
import { storedAs } from '../registry.ts';
import { renderRows, valueOf, viewOf } from '../render.ts';
import { applyPatchType, checkStrict, readApplyBody } from '../verbs/patch-apply.ts';
import { patchType, readPatch } from '../verbs/patch.ts';
import { parsePatchOptions, parseWriteOptions } from '../write-options.ts';
import { refuseInvalid, slotOf, updateObject } from '../write.ts';
import type { UpdateRequest } from '../write.ts';
import { clone } from '../../api/clone.ts';

/** The Scale that shall be, with its managedFields. `old`: as it is, with its own. */
type ScaleOf = (old: Scale) => Scale;

export async function serveScale(exchange: ResourceExchange): Promise<void> {
  const { server, kind, info } = exchange;
  switch (info.verb) {
    case 'get': {
      const found = server.store.get(slotOf(storedAs(kind), info));
      if (found === undefined) throw notFound(kind.resource, info.name);
      return sendScale(exchange, scaleView(kind, valueOf(viewOf(kind, found))));
    }
    case 'update':
    case 'patch': {
      const write = info.verb === 'update' ? await readPut(exchange) : await readScalePatch(exchange);
      return writeScale(exchange, write);
    }
    default:
      throw methodNotAllowed();
  }
}

/** Upstream: pkg/printers/internalversion/printers.go (printScale). */
const columns: readonly Column<Scale>[] = [
  { ...nameColumn<Scale>(), format: '' },
  integerColumn(
    'Desired',
    'replicas is the desired number of instances for the scaled object.',
    ({ spec }) => spec?.replicas ?? 0,
  ),
  integerColumn(
    'Available',
    'replicas is the actual number of observed instances of the scaled object.',
    ({ status }) => status?.replicas ?? 0,
  ),
  ageColumn(),
];

async function sendScale(exchange: ResourceExchange, scale: Live<Scale>): Promise<void> {
  const form = negotiate(exchange.request, exchange.query);
  if (form.kind !== 'table') return sendJson(exchange, 200, JSON.stringify(scale));
  const { resourceVersion } = scale.metadata;
  return sendRendered(exchange, 200, renderRows(columns, [scale], form, { resourceVersion }, true), form);
}

const scaleResource = {
  group: 'autoscaling',
  version: 'v1',
  plural: 'scale',
  singular: 'scale',
  kind: 'Scale',
  namespaced: true,
  shortNames: [],
  categories: [],
  schema: 'Scale',
} as const;

const scaleKind: ManagedKind = {
  type: builtInType('Scale'),
  apiVersion: 'autoscaling/v1',
  kind: 'Scale',
  versions: new Set(['autoscaling/v1']),
  reset: setOfPaths([]),
};

interface ScaleWrite {
  readonly options: Pick<UpdateRequest, 'dryRun'>;
  readonly warnings: string[];
  readonly scaleOf: ScaleOf;
}

async function readPut(exchange: ResourceExchange): Promise<ScaleWrite> {
  const { request, query } = exchange;
  const options = parseWriteOptions(query, 'UpdateOptions');
  const value = await parseBody(await readBody(request), bodyFormat(request), 'Scale');
  const decoded = decodeBody(scaleResource, value, options.validation);
  const scaleOf = (old: Scale): Scale => owned(exchange, old, decoded.object);
  return { options, warnings: [...decoded.warnings], scaleOf };
}

async function readScalePatch(exchange: ResourceExchange): Promise<ScaleWrite> {
  const apply = patchType(exchange) === applyPatchType;
  const options = parsePatchOptions(exchange.query, apply);
  const warnings: string[] = [];
  if (!apply) {
    const patch = await readPatch(exchange, 'Scale');
    const scaleOf = (old: Scale): Scale => {
      const decoded = decodeBody(scaleResource, patch.apply(old), options.validation);
      warnings.push(...decoded.warnings);
      return owned(exchange, old, decoded.object);
    };
    return { options, warnings, scaleOf };
  }
  const { config, strictErrors } = await readApplyBody(exchange);
  const manager = managerName(exchange.query, exchange.request);
  const request = { kind: scaleKind, config, manager, subresource: 'scale', force: options.force, now: timestamp() };
  const scaleOf = (live: Scale): Scale => {
    const { object, managedFields } = applyConfiguration({ ...request, live });
    checkStrict(strictErrors, options.validation, warnings);
    const scale = decodeBody(scaleResource, object, 'Ignore').object;
    return { ...scale, metadata: { ...scale.metadata, ...(managedFields ? { managedFields } : {}) } };
  };
  return { options, warnings, scaleOf };
}

/** The Scale that was written, with who owns it. */
function owned({ query, request }: ResourceExchange, live: Scale, next: Scale): Scale {
  const manager = managerName(query, request);
  const update = { kind: scaleKind, live, next, asked: undefined, manager, subresource: 'scale', now: timestamp() };
  const managedFields = managedFieldsAfter(update);
  const { managedFields: _sent, ...metadata } = next.metadata ?? {};
  return { ...next, metadata: { ...metadata, ...(managedFields ? { managedFields } : {}) } };
}

async function writeScale(exchange: ResourceExchange, { options, warnings, scaleOf }: ScaleWrite): Promise<void> {
  const { server, kind, info, user } = exchange;
  const { dryRun } = options;
  const written = await withWebhooks(server, kind, { user, dryRun, warnings }, (admission) =>
    updateObject(server.store, kind, info, {
      by: exchange,
      dryRun,
      admission,
      warnings,
      ownership: { kind: 'given' },
      subresource: 'scale',
      change: (old) => {
        if (old === undefined) throw notFound(kind.resource, info.name);
        return scaled(kind, old, scaleOf(scaleView(kind, old)));
      },
    }),
  );
  await sendJson(exchange, 200, JSON.stringify(scaleView(kind, valueOf(viewOf(kind, written.stored)))), warnings);
}

function scaled(kind: KindDefinition, old: Live<KubeObject>, scale: Scale): KubeObject {
  const replicas = scale.spec?.replicas ?? 0;
  if (replicas < 0) {
    const message = `Invalid value: ${String(replicas)}: must be greater than or equal to 0`;
    refuseInvalid(scaleResource, old.metadata.name, [{ type: 'FieldValueInvalid', field: 'spec.replicas', message }]);
  }
  const object = clone(old);
  const { resourceVersion, managedFields } = scale.metadata ?? {};
  if (resourceVersion !== undefined) object.metadata.resourceVersion = resourceVersion;
  const version = groupVersionOf(kind.resource);
  const owners = managedFieldsOfParent(old.metadata.managedFields, managedFields, replicasPath(kind), version);
  if (owners === undefined) delete object.metadata.managedFields;
  else object.metadata.managedFields = owners;
  kind.scale?.set(object, replicas);
  return object;
}

function replicasPath({ scale }: KindDefinition): readonly string[] {
  return (scale?.replicasPath ?? ['spec', 'replicas']).map((name) => `f:${name}`);
}

function scaleView(kind: KindDefinition, object: Live<KubeObject>): Live<Scale> {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const view = kind.scale?.get(object);
  const managedFields = managedFieldsOfScale(object.metadata.managedFields, replicasPath(kind));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      resourceVersion,
      creationTimestamp,
      ...(managedFields === undefined ? {} : { managedFields }),
    },
    spec: { replicas: view?.replicas ?? 0 },
    status: { replicas: view?.statusReplicas ?? 0, selector: view?.selector ?? '' },
  };
}
