/**
 * Webhooks about CONNECT: exec, attach, port-forward of a pod. There is nothing to store, so they are asked once, before the stream
 * opens; what they see is the options of the call. Upstream: apiserver/pkg/endpoints/handlers/rest.go (ConnectResource).
 */
import type { KindDefinition } from '../../../api/kind.ts';
import type { KubeObject } from '../../../api/object.ts';
import type { User } from '../../auth/user.ts';
import type { Server } from '../../context.ts';
import { isTrue } from '../../request-info.ts';
import type { ResourceRequest } from '../../request-info.ts';
import type { AdmissionRequest } from '../request.ts';
import { runMutating, runValidating } from './dispatch.ts';
import { matching, noWebhooks } from './match.ts';

const optionKinds: Readonly<Record<string, string>> = {
  exec: 'PodExecOptions',
  attach: 'PodAttachOptions',
  portforward: 'PodPortForwardOptions',
};

/** Throws the refusal. */
export async function admitConnect(
  server: Server,
  kind: KindDefinition,
  user: User,
  info: ResourceRequest,
  query: URLSearchParams,
): Promise<void> {
  const { store, registry } = server;
  if (noWebhooks(store)) return;
  const { namespace, name, subresource } = info;
  const resource = { ...kind.resource, kind: optionKinds[subresource] ?? kind.resource.kind };
  const object = optionsOf(subresource, query);
  const request: AdmissionRequest = { verb: 'connect', resource, subresource, namespace, name, object, old: undefined };
  const dispatch = { user, dryRun: false, store, kind, warnings: [] };
  await runMutating(dispatch, request, matching(store, registry, 'mutating', request));
  await runValidating(dispatch, request, matching(store, registry, 'validating', request));
}

function optionsOf(subresource: string, query: URLSearchParams): KubeObject {
  if (subresource === 'portforward') return { ports: query.getAll('ports').map(Number) } as KubeObject;
  const flags = ['stdin', 'stdout', 'stderr', 'tty'].filter((flag) => isTrue(query.get(flag)));
  const container = query.get('container') ?? '';
  const command = query.getAll('command');
  return {
    ...Object.fromEntries(flags.map((flag) => [flag, true])),
    ...(container === '' ? {} : { container }),
    ...(command.length === 0 ? {} : { command }),
  } as KubeObject;
}
