/** POST pods/NAME/eviction: a delete that disruption budgets may refuse; there are none yet. */
import { decodeBody } from '../../api/decode.ts';
import type { DeleteOptions, Eviction, Pod } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { admitNodeEviction } from '../admission/node-restriction.ts';
import { nodeNameOf } from '../auth/node-user.ts';
import type { ResourceExchange } from '../context.ts';
import { badRequest } from '../errors.ts';
import { bodyFormat, parseBody, readBody } from '../http/body.ts';
import { sendJson } from '../http/respond.ts';
import { deleteObject } from '../verbs/delete.ts';
import { parseDryRun } from '../write-options.ts';
import { slotOf } from '../write.ts';

export async function createEviction(exchange: ResourceExchange): Promise<void> {
  const { server, kind, info, request, query } = exchange;
  const value = await parseBody(await readBody(request), bodyFormat(request), 'Eviction');
  const resource = { ...kind.resource, group: 'policy', version: 'v1', kind: 'Eviction', schema: 'Eviction' };
  const eviction = decodeBody(resource, value, 'Ignore').object as Eviction;
  const name = eviction.metadata?.name ?? info.name;
  if (name !== info.name) throw badRequest('name in URL does not match name in Eviction object');
  const node = nodeNameOf(exchange.user);
  const pod = server.store.get(slotOf(kind.resource, info))?.value as Live<Pod> | undefined;
  if (node !== undefined && pod !== undefined) admitNodeEviction(node, pod);
  const options: DeleteOptions = eviction.deleteOptions ?? {};
  const isDryRun = parseDryRun([...query.getAll('dryRun'), ...(options.dryRun ?? [])], 'CreateOptions');
  await deleteObject(server.store, kind, info, { ...options, isDryRun, by: exchange });
  await sendJson(
    exchange,
    201,
    JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }),
  );
}
