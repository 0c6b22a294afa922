/**
 * CustomResourceDefinitions are not served and not in discovery, yet their list has an answer: there are none. kubectl asks for
 * it before it says `no matches for kind`, and would stop at a 404 (k8s.io/cli-runtime/pkg/resource/crd_finder.go).
 */
import type { Exchange } from './context.ts';
import { negotiate } from './http/negotiate.ts';
import { sendJson } from './http/respond.ts';
import type { ResourceRequest } from './request-info.ts';

/** False: something else was asked. */
export async function serveNoDefinitions(exchange: Exchange, info: ResourceRequest): Promise<boolean> {
  const { group, version, plural, verb, namespace } = info;
  const asked = group === 'apiextensions.k8s.io' && version === 'v1' && plural === 'customresourcedefinitions';
  if (!asked || verb !== 'list' || namespace !== '') return false;
  negotiate(exchange.request, exchange.query);
  const resourceVersion = String(exchange.server.store.revision);
  const list = {
    kind: 'CustomResourceDefinitionList',
    apiVersion: `${group}/${version}`,
    metadata: { resourceVersion },
  };
  await sendJson(exchange, 200, JSON.stringify({ ...list, items: [] }));
  return true;
}
