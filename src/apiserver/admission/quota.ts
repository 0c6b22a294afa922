/**
 * ResourceQuota: a write that would take more than a quota allows is refused. Usage is counted from the stored objects in the same
 * transaction that writes, so it never drifts and two writers never share the last place; upstream keeps it up by a controller
 * (pkg/quota) and compare-and-swap on the status (apiserver/pkg/admission/plugin/resourcequota).
 *
 *   admit    before the write: counted + what is new ≤ hard?      403 `exceeded quota: …`
 *   recount  after it: status.hard and status.used of the namespace's quotas, one commit for both
 */
import type { ResourceQuota } from '../../api/gen/types.ts';
import type { WriteView } from '../../api/kind.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import { forbiddenError } from '../../api/errors.ts';
import { formatQuantity, parseQuantity } from '../../api/quantity.ts';
import type { Quantity } from '../../api/quantity.ts';
import { groupResourceOf, resources } from '../../api/resources.ts';
import type { Resource } from '../../api/resources.ts';
import type { AdmissionPlugin, AdmissionView } from './request.ts';
import { inScope, missingRequests, resourceBehind, usageOf } from './quota-usage.ts';
import { clone } from '../../api/clone.ts';

type LiveQuota = Live<ResourceQuota>;

export const resourceQuota: AdmissionPlugin = (request, view) => {
  const { resource, namespace, object, old, subresource, verb } = request;
  if ((subresource !== '' && subresource !== 'resize') || object === undefined || namespace === '') return;
  for (const quota of view.list(resources.resourceQuotas, namespace)) {
    const names = namesAbout(quota, resource);
    if (names.length === 0 || !inScope(quota.spec ?? {}, resource, object)) continue;
    if (verb === 'create' && groupResourceOf(resource) === 'pods') {
      const missing = missingRequests(object, names);
      const why = `failed quota: ${quota.metadata.name}: must specify ${missing.join('; ')}`;
      if (missing.length > 0) throw forbiddenError(resource, request.name, why);
    }
    const change = { object, old, name: request.name };
    refuseOver(quota, names, resource, change, view);
  }
};

interface Change {
  /** As it was asked for: '' before a name is generated. */
  readonly name: string;
  readonly object: KubeObject;
  readonly old: Live<KubeObject> | undefined;
}

function refuseOver(
  quota: LiveQuota,
  names: readonly string[],
  resource: Resource,
  { name, object, old }: Change,
  view: AdmissionView,
): void {
  const added = usageOf(resource, object);
  const before = old === undefined ? undefined : usageOf(resource, old);
  const over: { readonly name: string; readonly asked: Quantity; readonly used: Quantity; readonly hard: string }[] =
    [];
  for (const limited of names) {
    const nano = (added.get(limited)?.nano ?? 0n) - (before?.get(limited)?.nano ?? 0n);
    if (nano <= 0n) continue;
    const hard = quota.spec?.hard?.[limited] ?? '0';
    const used = countUsed(quota, limited, view);
    if (used.nano + nano <= (parseQuantity(hard)?.nano ?? 0n)) continue;
    over.push({ name: limited, asked: { nano, format: added.get(limited)?.format ?? 'decimal' }, used, hard });
  }
  if (over.length === 0) return;
  over.sort((a, b) => (a.name < b.name ? -1 : 1));
  const list = (text: (entry: (typeof over)[number]) => string): string =>
    over.map((entry) => `${entry.name}=${text(entry)}`).join(',');
  const requested = list(({ asked }) => formatQuantity(asked));
  const used = list((entry) => formatQuantity(entry.used));
  const limited = list(({ hard }) => hard);
  const why = `exceeded quota: ${quota.metadata.name}, requested: ${requested}, used: ${used}, limited: ${limited}`;
  throw forbiddenError(resource, name, why);
}

function namesAbout(quota: LiveQuota, resource: Resource): readonly string[] {
  const about = groupResourceOf(resource);
  return Object.keys(quota.spec?.hard ?? {}).filter((name) => groupResourceOf(resourceBehind(name)) === about);
}

function countUsed(quota: LiveQuota, name: string, view: AdmissionView): Quantity {
  const resource = resourceBehind(name);
  let nano = 0n;
  let format: Quantity['format'] = parseQuantity(quota.spec?.hard?.[name] ?? '0')?.format ?? 'decimal';
  for (const object of view.list(resource, quota.metadata.namespace)) {
    if (!inScope(quota.spec ?? {}, resource, object)) continue;
    const used = usageOf(resource, object).get(name);
    if (used === undefined) continue;
    nano += used.nano;
    format = used.format;
  }
  return { nano, format };
}

/** After each write and removal. Namespaces without a quota cost one look at an empty list. */
export function recountQuotas(view: WriteView, resource: Resource, namespace: string): void {
  if (namespace === '' || view.dryRun) return;
  for (const quota of view.list(resources.resourceQuotas, namespace)) {
    const isItself = groupResourceOf(resource) === 'resourcequotas';
    if (!isItself && namesAbout(quota, resource).length === 0) continue;
    const hard = quota.spec?.hard ?? {};
    const used: Record<string, string> = {};
    for (const name of Object.keys(hard)) used[name] = formatQuantity(countUsed(quota, name, view));
    const status = { hard: { ...hard }, used };
    if (sameStatus(quota, status)) continue;
    view.put<ResourceQuota>(resources.resourceQuotas, { ...clone(quota as ResourceQuota), status });
  }
}

function sameStatus({ status }: LiveQuota, now: Required<NonNullable<ResourceQuota['status']>>): boolean {
  const text = (amounts: Readonly<Record<string, string>> | undefined): string =>
    JSON.stringify(Object.entries(amounts ?? {}).sort());
  return text(status?.hard) === text(now.hard) && text(status?.used) === text(now.used);
}
