/**
 * The end of a namespace: everything in it is deleted, kind by kind, and when nothing is left the finalizer `kubernetes` goes, and
 * the namespace with it. Upstream: pkg/controller/namespace/deletion/namespaced_resources_deleter.go.
 */
import type { Namespace, NamespaceCondition } from '../../api/gen/types.ts';
import { ApiError, isReason } from '../../api/errors.ts';
import { resources } from '../../api/resources.ts';
import { collectionPath } from '../../client/index.ts';
import type { Client } from '../../client/index.ts';
import { startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { discover } from '../discovery.ts';
import type { DiscoveredResource } from '../discovery.ts';
import { applyWrites, mergePatch } from '../writes.ts';

interface Left {
  readonly resource: DiscoveredResource;
  readonly count: number;
  /** Finalizer → how many objects wait for it. */
  readonly finalizers: ReadonlyMap<string, number>;
}

/** Objects that take their time (pods, finalizers) are looked at again so soon; their deletion events come sooner still. */
const againMs = 500;

export function runNamespaceDeletion(context: ControllerContext): void {
  const { client, views } = context;
  const namespaces = views.of(resources.namespaces);
  const writer = context.writer('namespace-controller');

  const work = async (name: string): Promise<number | void> => {
    const namespace = namespaces.get({ namespace: '', name });
    if (namespace?.metadata.deletionTimestamp === undefined) return;
    const { found, failed } = await discover(client);
    const deletable = found
      .filter(({ namespaced, verbs }) => namespaced && verbs.includes('delete') && verbs.includes('list'))
      .sort((a, b) => Number(isPods(b)) - Number(isPods(a)));
    const left: Left[] = [];
    const failures: string[] = [];
    for (const resource of deletable) {
      try {
        const remains = await deleteAll(client, resource, name);
        if (remains.count > 0) left.push(remains);
        // KEP-5080: what pods run with (policies, secrets) stays until they are gone.
        if (remains.count > 0 && isPods(resource)) break;
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error));
      }
    }
    const conditions = deletionConditions(namespace, left, failed, failures, Date.now());
    if (left.length > 0 || failed.length > 0 || failures.length > 0) {
      if (conditions !== undefined) {
        const patch = { status: { conditions } };
        await applyWrites(writer, [mergePatch(resources.namespaces, { namespace: '', name }, patch, 'status')]);
      }
      return againMs;
    }
    await finalize(client, namespaces.get({ namespace: '', name }) ?? namespace);
  };
  const queue = startLoop(context, 'namespace-deletion', { views: [namespaces], work, concurrency: 4 });

  namespaces.onChange((current) => {
    if (current?.metadata.deletionTimestamp !== undefined) queue.add(current.metadata.name);
  });
  // What takes longest are pods: the last one to go lets the namespace go.
  views.of(resources.pods).onChange((current, old) => {
    const name = old?.metadata.namespace ?? '';
    if (current !== undefined) return;
    if (namespaces.get({ namespace: '', name })?.metadata.deletionTimestamp !== undefined) queue.add(name);
  });
}

function isPods({ group, plural }: DiscoveredResource): boolean {
  return group === '' && plural === 'pods';
}

async function deleteAll(client: Client, resource: DiscoveredResource, namespace: string): Promise<Left> {
  const before = await client.list(resource, { namespace });
  if (before.items.length === 0) return { resource, count: 0, finalizers: new Map() };
  if (resource.verbs.includes('deletecollection')) {
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' };
    await client.raw('DELETE', collectionPath(resource, namespace), body).catch((error: unknown) => {
      if (!(error instanceof ApiError) || error.code !== 405) throw error;
      return deleteEach(client, resource, before.items);
    });
  } else await deleteEach(client, resource, before.items);
  const after = await client.list(resource, { namespace });
  const finalizers = new Map<string, number>();
  for (const { metadata } of after.items) {
    for (const finalizer of metadata.finalizers ?? []) finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
  }
  return { resource, count: after.items.length, finalizers };
}

async function deleteEach(
  client: Client,
  resource: DiscoveredResource,
  items: readonly { readonly metadata: { readonly name: string; readonly namespace?: string } }[],
): Promise<void> {
  for (const { metadata } of items) {
    const key = { namespace: metadata.namespace ?? '', name: metadata.name };
    await client.delete(resource, key, { propagationPolicy: 'Background' }).catch((error: unknown) => {
      if (!isReason(error, 'NotFound')) throw error;
    });
  }
}

async function finalize(client: Client, namespace: Namespace): Promise<void> {
  const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== 'kubernetes');
  const body = { ...namespace, apiVersion: 'v1', kind: 'Namespace', spec: { ...namespace.spec, finalizers } };
  await client.update(resources.namespaces, body, { subresource: 'finalize' }).catch((error: unknown) => {
    if (!isReason(error, 'NotFound')) throw error;
  });
}

/** undefined: they say so already. */
function deletionConditions(
  namespace: Namespace,
  left: readonly Left[],
  failed: readonly string[],
  failures: readonly string[],
  now: number,
): NamespaceCondition[] | undefined {
  const lastTransitionTime = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  const finalizers = new Map<string, number>();
  for (const one of left) for (const [name, n] of one.finalizers) finalizers.set(name, (finalizers.get(name) ?? 0) + n);
  const remaining = left.map(({ resource, count }) => {
    const group = resource.group === '' ? '' : `.${resource.group}`;
    return `${resource.plural}${group === '' ? '.' : group} has ${count} resource instances`;
  });
  const waits = [...finalizers].map(([name, count]) => `${name} in ${count} resource instances`);
  const wanted: [string, boolean, string, string, string, string][] = [
    [
      'NamespaceDeletionDiscoveryFailure',
      failed.length > 0,
      'DiscoveryFailed',
      `Discovery failed for some groups, ${failed.length} failing: ${failed.join(', ')}`,
      'ResourcesDiscovered',
      'All resources successfully discovered',
    ],
    [
      'NamespaceDeletionGroupVersionParsingFailure',
      false,
      '',
      '',
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ],
    [
      'NamespaceDeletionContentFailure',
      failures.length > 0,
      'ContentDeletionFailed',
      `Failed to delete all resource types, ${failures.length} remaining: ${failures.join(', ')}`,
      'ContentDeleted',
      'All content successfully deleted, may be waiting on finalization',
    ],
    [
      'NamespaceContentRemaining',
      left.length > 0,
      'SomeResourcesRemain',
      `Some resources are remaining: ${remaining.join(', ')}`,
      'ContentRemoved',
      'All content successfully removed',
    ],
    [
      'NamespaceFinalizersRemaining',
      finalizers.size > 0,
      'SomeFinalizersRemain',
      `Some content in the namespace has finalizers remaining: ${waits.join(', ')}`,
      'ContentHasNoFinalizers',
      'All content-preserving finalizers finished',
    ],
  ];
  let changed = false;
  const conditions = wanted.map(([type, bad, badReason, badMessage, reason, message]): NamespaceCondition => {
    const old = namespace.status?.conditions?.find((condition) => condition.type === type);
    const next = bad
      ? { status: 'True', reason: badReason, message: badMessage }
      : { status: 'False', reason, message };
    if (old?.status === next.status && old.reason === next.reason && old.message === next.message) return old;
    changed = true;
    const since = old?.status === next.status ? (old.lastTransitionTime ?? lastTransitionTime) : lastTransitionTime;
    return { type, lastTransitionTime: since, ...next };
  });
  return changed ? conditions : undefined;
}
