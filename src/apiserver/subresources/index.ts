/** Subresource → what serves it. Streams and tokens are loaded when first used. */
import { admitConnect } from '../admission/webhooks/index.ts';
import type { PartName } from '../../api/kind.ts';
import type { ResourceExchange } from '../context.ts';
import { methodNotAllowed, noSuchResource } from '../errors.ts';
import { getObject } from '../verbs/get.ts';
import { patch } from '../verbs/patch.ts';
import { update } from '../verbs/update.ts';
import { createBinding } from './binding.ts';
import { createEviction } from './eviction.ts';
import { subresourcesOf } from './list.ts';
import { serveScale } from './scale.ts';

export { createNamelessBinding } from './binding.ts';

export async function serveSubresource(exchange: ResourceExchange): Promise<void> {
  const { info, kind } = exchange;
  if (!subresourcesOf(kind).some(({ name }) => name === info.subresource)) throw noSuchResource();
  if (info.rest !== '' && info.subresource !== 'proxy') throw noSuchResource();
  if (kind.resource.namespaced && info.namespace === '') throw noSuchResource();
  switch (info.subresource) {
    case 'status':
    case 'approval':
    case 'ephemeralcontainers':
    case 'resize':
      return servePart(exchange, info.subresource);
    case 'scale':
      return serveScale(exchange);
    case 'finalize':
      if (info.verb !== 'update') throw methodNotAllowed();
      return update(exchange, 'finalize');
    case 'binding':
      if (info.verb !== 'create') throw methodNotAllowed();
      return createBinding(exchange);
    case 'eviction':
      if (info.verb !== 'create') throw methodNotAllowed();
      return createEviction(exchange);
    case 'token': {
      if (info.verb !== 'create') throw methodNotAllowed();
      const { createToken } = await import('./token.ts');
      return createToken(exchange);
    }
    case 'log': {
      if (info.verb !== 'get') throw methodNotAllowed();
      const { serveLog } = await import('./log.ts');
      return serveLog(exchange);
    }
    case 'proxy': {
      await admitConnect(exchange.server, kind, info, exchange.query, exchange.user);
      const { serveProxy } = await import('./proxy/index.ts');
      return serveProxy(exchange);
    }
    default: {
      const { refuseWithoutUpgrade } = await import('./stream.ts');
      return refuseWithoutUpgrade();
    }
  }
}

function servePart(exchange: ResourceExchange, part: PartName): Promise<void> {
  switch (exchange.info.verb) {
    case 'get':
      return getObject(exchange);
    case 'update':
      return update(exchange, part);
    case 'patch':
      return patch(exchange, part);
    default:
      throw methodNotAllowed();
  }
}
