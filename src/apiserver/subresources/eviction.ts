/**
 * POST pods/NAME/eviction: a delete that a PodDisruptionBudget may refuse. The budget is read, and what it allows lowered, in the
 * transaction that deletes. Upstream: registry/core/pod/storage/eviction.go.
 */
import { apiError, forbiddenError } from '../../api/errors.ts';
import { decodeBody } from '../../api/decode.ts';
import type { DeleteOptions, Eviction, Pod, PodDisruptionBudget } from '../../api/gen/types.ts';
import type { WriteView } from '../../api/kind.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { labelSelectorMatches } from '../../api/selectors/index.ts';
import { admitNodeEviction } from '../admission/node-restriction.ts';
import { admitCall } from '../admission/webhooks/index.ts';
import { nodeNameOf } from '../auth/node-user.ts';
import type { ResourceExchange } from '../context.ts';
import { badRequest } from '../errors.ts';
import { bodyFormat, parseBody, readBody } from '../http/body.ts';
import { sendJson } from '../http/respond.ts';
import { timestamp } from '../object-meta.ts';
import { deleteIn } from '../verbs/delete.ts';
import { parseDryRun } from '../write-options.ts';
import { slotOf } from '../write.ts';
import { transactionView } from '../write-view.ts';
import { clone } from '../../api/clone.ts';

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
  const bodyKind = { group: 'policy', version: 'v1', kind: 'Eviction' };
  const warnings: string[] = [];
  const call = { user: exchange.user, dryRun: isDryRun, warnings, verb: 'create', bodyKind, object: eviction } as const;
  await admitCall(server, kind, info, call);
  await server.store.transact(
    (tx) => {
      const view = transactionView(tx, isDryRun);
      const current = view.get(resources.pods, info);
      if (current !== undefined && !goesAnyway(current)) spendBudget(view, current);
      return deleteIn(tx, kind, info, { ...options, isDryRun, by: exchange, annotate: markEvicted });
    },
    { dryRun: isDryRun },
  );
  await sendJson(
    exchange,
    201,
    JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }),
  );
}

/** Jobs tell by it that the pod did not fail by itself. Upstream: addConditionAndDeletePod. */
function markEvicted(object: KubeObject): void {
  const pod = object as Pod;
  const conditions = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget');
  const reason = 'EvictionByEvictionAPI';
  const message = 'Eviction API: evicting';
  conditions.push({ type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: timestamp() });
  pod.status = { ...pod.status, conditions };
}

/** It serves nobody, so no budget minds. */
function goesAnyway({ metadata, status }: Live<Pod>): boolean {
  const phase = status?.phase ?? '';
  return metadata.deletionTimestamp !== undefined || ['Succeeded', 'Failed', 'Pending'].includes(phase);
}

function spendBudget(view: WriteView, pod: Live<Pod>): void {
  const budgets = [...view.list(resources.podDisruptionBudgets, pod.metadata.namespace)].filter(({ spec }) =>
    labelSelectorMatches(spec?.selector, pod.metadata.labels),
  );
  if (budgets.length > 1) {
    const why = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw apiError(500, 'InternalError', why);
  }
  const [budget] = budgets;
  if (budget === undefined || mayGoUnready(budget, pod)) return;
  const { name, generation = 0 } = budget.metadata;
  const status = budget.status ?? { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
  if ((status.observedGeneration ?? 0) < generation) {
    throw tooMany(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  const { disruptionsAllowed = 0 } = status;
  if (disruptionsAllowed < 0) {
    const of = { group: 'policy', plural: 'poddisruptionbudget' };
    throw forbiddenError(of, name, 'pdb disruptions allowed is negative');
  }
  if (disruptionsAllowed === 0) throw tooMany(refusal(name, status), 0);
  const disruptedPods = { ...status.disruptedPods, [pod.metadata.name]: timestamp() };
  view.put<PodDisruptionBudget>(resources.podDisruptionBudgets, {
    ...(clone(budget) as PodDisruptionBudget),
    status: { ...clone(status), disruptionsAllowed: disruptionsAllowed - 1, disruptedPods },
  });
}

/** A pod that is not ready does no harm by going, when enough others are, or when the budget says so. */
function mayGoUnready({ spec, status }: Live<PodDisruptionBudget>, pod: Live<Pod>): boolean {
  if (pod.status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return (status?.currentHealthy ?? 0) >= (status?.desiredHealthy ?? 0) && (status?.desiredHealthy ?? 0) > 0;
}

function refusal(name: string, status: NonNullable<PodDisruptionBudget['status']>): string {
  const { currentHealthy = 0, desiredHealthy = 0 } = status;
  if (currentHealthy <= desiredHealthy) {
    return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  }
  return `The disruption budget ${name} does not allow evicting pods currently`;
}

function tooMany(message: string, retryAfterSeconds: number): Error {
  return apiError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message }],
    ...(retryAfterSeconds === 0 ? {} : { retryAfterSeconds }),
  });
}
