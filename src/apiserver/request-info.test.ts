import assert from 'node:assert/strict';
import test from 'node:test';
import { parseRequest, splitTarget } from './request-info.ts';

/** METHOD target → verb group version namespace plural name subresource rest. */
const cases: readonly [request: string, expected: string][] = [
  ['GET /api/v1/namespaces/ns/pods', 'list||v1|ns|pods|||'],
  ['GET /api/v1/namespaces/ns/pods?watch=true', 'watch||v1|ns|pods|||'],
  ['GET /api/v1/namespaces/ns/pods?watch=false', 'list||v1|ns|pods|||'],
  ['GET /api/v1/watch/namespaces/ns/pods/p', 'watch||v1|ns|pods|p||'],
  ['GET /api/v1/pods', 'list||v1||pods|||'],
  ['GET /api/v1/namespaces/ns/pods/p/log', 'get||v1|ns|pods|p|log|'],
  ['POST /api/v1/namespaces/ns/pods/p/exec', 'connect||v1|ns|pods|p|exec|'],
  ['GET /api/v1/namespaces/ns/services/s/proxy/a/b', 'connect||v1|ns|services|s|proxy|a/b'],
  ['GET /api/v1/namespaces', 'list||v1||namespaces|||'],
  ['GET /api/v1/namespaces/ns', 'get||v1||namespaces|ns||'],
  ['PUT /api/v1/namespaces/ns/finalize', 'update||v1||namespaces|ns|finalize|'],
  ['PATCH /api/v1/namespaces/ns/status', 'patch||v1||namespaces|ns|status|'],
  ['DELETE /apis/apps/v1/namespaces/ns/deployments', 'deletecollection|apps|v1|ns|deployments|||'],
  ['DELETE /apis/apps/v1/namespaces/ns/deployments/d', 'delete|apps|v1|ns|deployments|d||'],
  ['GET /apis/apps/v1/namespaces/ns/deployments/d/scale', 'get|apps|v1|ns|deployments|d|scale|'],
  ['GET /apis', 'path'],
  ['GET /apis/apps/v1', 'path'],
  ['GET /readyz/ping', 'path'],
  ['GET //', 'path'],
  ['GET /api/v1/%zz', 'path'],
];

test('URLs as upstream reads them', () => {
  for (const [request, expected] of cases) {
    const [method = '', target = ''] = request.split(' ');
    const { path, query } = splitTarget(target);
    const info = parseRequest(method, path, query);
    const text =
      info.kind === 'path'
        ? 'path'
        : [
            info.verb,
            info.group,
            info.version,
            info.namespace,
            info.plural,
            info.name,
            info.subresource,
            info.rest,
          ].join('|');
    assert.equal(text, expected, request);
  }
});
