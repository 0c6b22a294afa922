/**
 * Admission of what is not a write of an object: bindings, evictions, tokens, and CONNECT (exec, attach, portforward, proxy). Webhooks and
 * policies see the body, or the options of the connection, under its own kind; what they change of it is not taken.
 * Upstream: apiserver/pkg/endpoints/handlers/create.go (createHandler of named subresources) and rest.go (ConnectResource).
 */
import type { KindDefinition } from '../../../api/kind.ts';
import type { KubeObject } from '../../../api/object.ts';
import { whenLoaded } from '../../../util/lazy.ts';
import type { User } from '../../auth/user.ts';
import type { Server } from '../../context.ts';
import type { ResourceRequest } from '../../request-info.ts';
import { enforcePolicies, mutateByPolicies, noPolicies } from '../policies/index.ts';
import { Round } from '../reinvocation.ts';
import type { AdmissionRequest, BodyKind } from '../request.ts';
import { runMutating, runValidating } from './dispatch.ts';
import { matching, noWebhooks } from './match.ts';

export interface Call {
  readonly user: User;
  readonly dryRun: boolean;
  readonly warnings: string[];
  readonly verb: 'create' | 'connect';
  readonly bodyKind: BodyKind;
  readonly object: KubeObject;
}

/** Throws the refusal. */
export async function admitCall(
  server: Server,
  kind: KindDefinition,
  info: ResourceRequest,
  call: Call,
): Promise<void> {
  const { store, registry } = server;
  if (noWebhooks(store) && noPolicies(store)) return;
  const { user, dryRun, warnings, verb, bodyKind, object } = call;
  const { namespace, name, subresource } = info;
  const request: AdmissionRequest = {
    verb,
    resource: kind.resource,
    subresource,
    namespace,
    name,
    object,
    old: undefined,
    warnings,
    bodyKind,
  };
  const dispatch = { server, store, kind, user, dryRun, warnings };
  await whenLoaded(() => Promise.resolve(mutateByPolicies(server, kind, request, { user, dryRun }, new Round())));
  await runMutating(dispatch, request, matching(store, registry, 'mutating', request), new Round());
  await whenLoaded(() => {
    enforcePolicies(server, request, { user, dryRun });
    return Promise.resolve();
  });
  await runValidating(dispatch, request, matching(store, registry, 'validating', request));
}

const optionKinds: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  pods: {
    exec: 'PodExecOptions',
    attach: 'PodAttachOptions',
    portforward: 'PodPortForwardOptions',
    proxy: 'PodProxyOptions',
  },
  services: { proxy: 'ServiceProxyOptions' },
  nodes: { proxy: 'NodeProxyOptions' },
};

/** Before a connection is made. */
export async function admitConnect(
  server: Server,
  kind: KindDefinition,
  info: ResourceRequest,
  query: URLSearchParams,
  user: User,
): Promise<void> {
  if (noWebhooks(server.store) && noPolicies(server.store)) return;
  const name = optionKinds[kind.resource.plural]?.[info.subresource];
  if (name === undefined) return;
  const bodyKind = { group: '', version: 'v1', kind: name };
  const object = connectOptions(name, info, query) as KubeObject;
  await admitCall(server, kind, info, { user, dryRun: false, warnings: [], verb: 'connect', bodyKind, object });
}

/** The options as their type has them: upstream decodes them from the query. */
function connectOptions(kind: string, { rest }: ResourceRequest, query: URLSearchParams): object {
  const base = { kind, apiVersion: 'v1' };
  if (kind.endsWith('ProxyOptions')) return rest === '' ? base : { ...base, path: `/${rest}` };
  if (kind === 'PodPortForwardOptions') {
    const ports = query
      .getAll('ports')
      .flatMap((text) => text.split(','))
      .map(Number);
    return ports.length === 0 ? base : { ...base, ports };
  }
  const flags = ['stdin', 'stdout', 'stderr', 'tty'].filter((flag) => ['1', 'true'].includes(query.get(flag) ?? ''));
  const container = query.get('container') ?? '';
  const command = query.getAll('command');
  return {
    ...base,
    ...Object.fromEntries(flags.map((flag) => [flag, true])),
    ...(container === '' ? {} : { container }),
    ...(kind === 'PodExecOptions' ? { command } : {}),
  };
}
