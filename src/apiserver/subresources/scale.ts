/** /scale: the autoscaling/v1 Scale view of a kind; writing it changes the replicas and nothing else. */
import { decodeBody } from '../../api/decode.ts';
import type { Scale } from '../../api/gen/types.ts';
import type { KindDefinition } from '../../api/kind.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import type { ResourceExchange } from '../context.ts';
import { methodNotAllowed, notFound } from '../errors.ts';
import { bodyFormat, parseBody, readBody } from '../http/body.ts';
import { sendJson } from '../http/respond.ts';
import { clone } from '../object-meta.ts';
import { valueOf } from '../render.ts';
import { readPatch } from '../verbs/patch.ts';
import { parseDryRun, parseFieldValidation } from '../write-options.ts';
import { refuseInvalid, slotOf, updateObject } from '../write.ts';

type ScaleOf = (old: Live<KubeObject>) => Scale;

export async function serveScale(exchange: ResourceExchange): Promise<void> {
  const { server, kind, info } = exchange;
  switch (info.verb) {
    case 'get': {
      const found = server.store.get(slotOf(kind.resource, info));
      if (found === undefined) throw notFound(kind.resource, info.name);
      return sendJson(exchange, 200, JSON.stringify(scaleView(kind, valueOf(found))));
    }
    case 'update':
    case 'patch': {
      const scaleOf = info.verb === 'update' ? await readPut(exchange) : await readScalePatch(exchange);
      return writeScale(exchange, scaleOf);
    }
    default:
      throw methodNotAllowed();
  }
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

function decodeScale(exchange: ResourceExchange, value: unknown): Scale {
  const validation = parseFieldValidation(exchange.query.get('fieldValidation'), 'UpdateOptions');
  return decodeBody(scaleResource, value, validation).object;
}

async function readPut(exchange: ResourceExchange): Promise<ScaleOf> {
  const format = bodyFormat(exchange.request);
  const value = await parseBody(await readBody(exchange.request), format, 'Scale');
  const scale = decodeScale(exchange, value);
  return () => scale;
}

async function readScalePatch(exchange: ResourceExchange): Promise<ScaleOf> {
  const patcher = await readPatch(exchange, 'Scale');
  return (old) => decodeScale(exchange, patcher(scaleView(exchange.kind, old) as Live<KubeObject>));
}

async function writeScale(exchange: ResourceExchange, scaleOf: ScaleOf): Promise<void> {
  const { server, kind, info, query } = exchange;
  const warnings: string[] = [];
  const written = await updateObject(server.store, kind, info, {
    by: exchange,
    dryRun: parseDryRun(query.getAll('dryRun'), 'UpdateOptions'),
    warnings,
    subresource: 'scale',
    change: (old) => {
      if (old === undefined) throw notFound(kind.resource, info.name);
      const scale = scaleOf(old);
      const replicas = scale.spec?.replicas ?? 0;
      if (replicas < 0) {
        const message = `Invalid value: ${String(replicas)}: must be greater than or equal to 0`;
        refuseInvalid(scaleResource, info.name, [{ type: 'FieldValueInvalid', field: 'spec.replicas', message }]);
      }
      const object = clone(old);
      const { resourceVersion } = scale.metadata ?? {};
      if (resourceVersion !== undefined) object.metadata.resourceVersion = resourceVersion;
      kind.scale?.set(object, replicas);
      return object;
    },
  });
  await sendJson(exchange, 200, JSON.stringify(scaleView(kind, valueOf(written.stored))), warnings);
}

function scaleView(kind: KindDefinition, object: Live<KubeObject>): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const view = kind.scale?.get(object);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: view?.replicas ?? 0 },
    status: { replicas: view?.statusReplicas ?? 0, selector: view?.selector ?? '' },
  };
}
