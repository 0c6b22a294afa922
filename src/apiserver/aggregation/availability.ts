/**
 * The condition Available of each APIService that leads elsewhere: its Service is there, listens, has endpoints, and answers its discovery.
 * Looked at when one of them changes, every half minute, and sooner while it fails.
 * Upstream: kube-aggregator pkg/controllers/status/remote/remote_available_controller.go.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isReason } from '../../api/errors.ts';
import type { APIService, APIServiceCondition, EndpointSlice, Service } from '../../api/gen/types.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { clone } from '../../api/clone.ts';
import { log } from '../../util/log.ts';
import type { User } from '../auth/user.ts';
import type { Server } from '../context.ts';
import { timestamp } from '../object-meta.ts';
import { bucketOf } from '../registry.ts';
import { DialError } from '../service-address.ts';
import { slotOf, updateObject } from '../write.ts';
import { addressOf, hostText } from './connect.ts';
import { fetchFrom } from './fetch.ts';
import { remotesOf } from './remote.ts';
import type { Remote } from './remote.ts';

const everyMs = 30_000;
const firstRetryMs = 250;
/** Changes come in bursts. */
const burstMs = 50;

/** May always look. */
export const aggregatorUser: User = { name: 'system:kube-aggregator', groups: ['system:masters'] };

interface Known {
  /** What was looked at. */
  readonly seen: string;
  readonly dueAt: number;
  readonly retryMs: number;
}

export async function watchAvailability(server: Server): Promise<void> {
  const { store, stopping } = server;
  let wake = Promise.withResolvers<undefined>();
  const rouse = (): void => wake.resolve(undefined);
  const cursors = [resources.apiServices, resources.services, resources.endpointSlices].map((resource) =>
    store.watch(bucketOf(resource), store.revision, rouse),
  );
  stopping.addEventListener('abort', () => {
    for (const cursor of cursors) cursor.close();
    rouse();
  });
  const known = new Map<string, Known>();
  while (!stopping.aborted) {
    await lookAtAll(server, known);
    const due = Math.min(...[...known.values()].map(({ dueAt }) => dueAt), Date.now() + everyMs);
    const timer = new AbortController();
    const until = sleep(Math.max(due - Date.now(), burstMs), undefined, { signal: timer.signal, ref: false });
    await Promise.race([wake.promise, until.catch(() => undefined)]);
    timer.abort();
    wake = Promise.withResolvers<undefined>();
    if (!stopping.aborted) await sleep(burstMs);
  }
}

async function lookAtAll(server: Server, known: Map<string, Known>): Promise<void> {
  const remotes = remotesOf(server.store);
  for (const name of known.keys()) if (!remotes.some((remote) => remote.name === name)) known.delete(name);
  await Promise.all(
    remotes.map(async (remote) => {
      const before = known.get(remote.name);
      const seen = fingerprint(server, remote);
      if (before?.seen === seen && before.dueAt > Date.now()) return;
      const condition = await conditionOf(server, remote);
      await write(server, remote, condition).catch((error: unknown) => {
        if (!isReason(error, 'NotFound') && !server.stopping.aborted)
          log('apiserver').warn({ error: String(error), apiService: remote.name }, 'condition not written');
      });
      const failed = condition.reason === 'FailedDiscoveryCheck';
      const retryMs = failed ? Math.min((before?.retryMs ?? firstRetryMs / 2) * 2, everyMs) : firstRetryMs / 2;
      known.set(remote.name, { seen, retryMs, dueAt: Date.now() + (failed ? retryMs : everyMs) });
    }),
  );
}

/** Changes with whatever the answer depends on, but for the server itself. */
function fingerprint({ store }: Server, { service, caBundle, insecure, group, version }: Remote): string {
  const { namespace, name, port } = service;
  const found = store.get(slotOf(resources.services, { namespace, name }));
  const slices = slicesOf(store, service).map(({ metadata }) => metadata.resourceVersion);
  const own = [namespace, name, port, caBundle, insecure, group, version];
  return JSON.stringify([own, (found?.value as Live<Service> | undefined)?.metadata.resourceVersion, slices]);
}

function slicesOf(store: Server['store'], { namespace, name }: Remote['service']): readonly Live<EndpointSlice>[] {
  return store
    .list(bucketOf(resources.endpointSlices), namespace)
    .map(({ value }) => value as Live<EndpointSlice>)
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name);
}

type Condition = Omit<APIServiceCondition, 'lastTransitionTime'>;

function available(status: 'True' | 'False', reason: string, message: string): Condition {
  return { type: 'Available', status, reason, message };
}

async function conditionOf(server: Server, remote: Remote): Promise<Condition> {
  const { store } = server;
  const { namespace, name, port } = remote.service;
  const where = `service/${name} in ${JSON.stringify(namespace)}`;
  const service = store.get(slotOf(resources.services, { namespace, name }))?.value as Live<Service> | undefined;
  if (service === undefined) return available('False', 'ServiceNotFound', `${where} is not present`);
  if (service.spec?.type === 'ClusterIP') {
    const found = service.spec.ports?.find((one) => one.port === port);
    if (found === undefined) {
      return available('False', 'ServicePortError', `${where} is not listening on port ${String(port)}`);
    }
    const slices = slicesOf(store, remote.service);
    if (slices.length === 0) {
      return available('False', 'EndpointsNotFound', `cannot find endpointslices for ${where}`);
    }
    if (!slices.some((slice) => hasReady(slice, found.name ?? ''))) {
      const why = `endpointslices for ${where} have no addresses with port name ${JSON.stringify(found.name ?? '')}`;
      return available('False', 'MissingEndpoints', why);
    }
  }
  const why = await probe(server, remote);
  return why === undefined
    ? available('True', 'Passed', 'all checks passed')
    : available('False', 'FailedDiscoveryCheck', why);
}

function hasReady({ endpoints, ports }: Live<EndpointSlice>, portName: string): boolean {
  return (
    (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false) &&
    (ports ?? []).some(({ name = '', port }) => name === portName && port !== undefined)
  );
}

/** One endpoint may hang: if the first does not answer well, some more are asked together. undefined: one answered. */
async function probe(server: Server, remote: Remote): Promise<string | undefined> {
  const first = await probeOnce(server, remote);
  if (first === undefined) return undefined;
  const more = await Promise.all(Array.from({ length: 4 }, () => probeOnce(server, remote)));
  return more.includes(undefined) ? undefined : more.at(-1);
}

async function probeOnce(server: Server, remote: Remote): Promise<string | undefined> {
  const { group, version } = remote;
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  let url = '';
  try {
    const address = addressOf(server, remote);
    url = `https://${hostText(address)}${path}`;
    const { code } = await fetchFrom(server, remote, address, path, aggregatorUser);
    if (code >= 200 && code <= 299) return undefined;
    return `failing or missing response from ${url}: bad status from ${url}: ${String(code)}`;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return error instanceof DialError
      ? why
      : `failing or missing response from ${url}: Get ${JSON.stringify(url)}: ${why}`;
  }
}

/** Nothing is written when nothing changed; the time is that of the last change of the status. */
async function write({ store, registry, stopping }: Server, { name }: Remote, condition: Condition): Promise<void> {
  const { group, version, plural } = resources.apiServices;
  const kind = registry.find(group, version, plural);
  if (kind === undefined || stopping.aborted) return;
  const change = (old: Live<KubeObject> | undefined): KubeObject => {
    const object = clone(old) as unknown as APIService;
    const conditions = object.status?.conditions ?? [];
    const before = conditions.find(({ type }) => type === 'Available');
    const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : timestamp();
    const next = { ...condition, ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }) };
    const rest = conditions.filter(({ type }) => type !== 'Available');
    return { ...object, status: { ...object.status, conditions: [...rest, next] } } as KubeObject;
  };
  await updateObject(
    store,
    kind,
    { namespace: '', name },
    { subresource: 'status', dryRun: false, warnings: [], change },
  );
}
