/**
 * The webhooks of one request: mutating ones one after the other, each seeing what those before it made; validating ones together.
 * Upstream: apiserver/pkg/admission/plugin/webhook/mutating/dispatcher.go and validating/dispatcher.go.
 */
import type { MutatingWebhook } from '../../../api/gen/types.ts';
import type { KindDefinition } from '../../../api/kind.ts';
import { managedFieldsError } from '../../../api/managed-fields/index.ts';
import type { KubeObject } from '../../../api/object.ts';
import { applyJsonPatch } from '../../../api/patch/index.ts';
import { sameJson } from '../../../api/patch/json.ts';
import { groupVersionOf } from '../../../api/resources.ts';
import type { Resource } from '../../../api/resources.ts';
import type { NamedExpression } from '../../../api/admission-cel/index.ts';
import type { Store } from '../../../store/index.ts';
import { whenLoaded } from '../../../util/lazy.ts';
import { log } from '../../../util/log.ts';
import { decodeFor } from '../../decode.ts';
import type { Server } from '../../context.ts';
import { forbidden, internalError } from '../../errors.ts';
import { converter } from '../../../api/views.ts';
import { expressions } from '../expressions.ts';
import type { Round } from '../reinvocation.ts';
import type { AdmissionRequest } from '../request.ts';
import { CallError, postReview } from './dial.ts';
import type { Match, Webhook } from './match.ts';
import { buildReview, callFailed, denied, noDryRun, readAnswer } from './review.ts';
import type { Answer, Asking } from './review.ts';

export interface Dispatch extends Asking {
  readonly server: Server;
  readonly store: Store;
  readonly kind: KindDefinition;
  readonly warnings: string[];
}

/** The object as the webhooks leave it; undefined for a deletion. */
export async function runMutating(
  dispatch: Dispatch,
  request: AdmissionRequest,
  matches: readonly Match[],
  round: Round,
): Promise<KubeObject | undefined> {
  let { object } = request;
  const { webhooks } = round;
  webhooks.begin(object);
  for (const match of matches) {
    if (!webhooks.asks(match.key)) continue;
    const before = object;
    object = await mutate(dispatch, { ...request, object }, match);
    if (!sameJson(before, object)) {
      webhooks.changed();
      round.changed = true;
    }
    webhooks.invoked(match.key, (match.webhook as MutatingWebhook).reinvocationPolicy);
  }
  webhooks.end(object);
  return object === undefined ? undefined : withSoundOwners(dispatch, object, request.object);
}

/** What webhooks made of managedFields stands if it can be read. Upstream: handlers/fieldmanager/admission.go. */
function withSoundOwners({ warnings }: Dispatch, object: KubeObject, before: KubeObject | undefined): KubeObject {
  const why = managedFieldsError(object.metadata?.managedFields);
  if (why === undefined) return object;
  warnings.push(
    `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${why}`,
  );
  const { managedFields: _broken, ...metadata } = object.metadata ?? {};
  const managedFields = before?.metadata?.managedFields;
  return { ...object, metadata: { ...metadata, ...(managedFields ? { managedFields } : {}) } };
}

async function mutate(dispatch: Dispatch, request: AdmissionRequest, match: Match): Promise<KubeObject | undefined> {
  const answer = await ask(dispatch, request, match, true);
  const { object } = request;
  if (answer?.patch === undefined) return object;
  const { name } = match.webhook;
  if (object === undefined) {
    throw internalError(
      `admission webhook ${JSON.stringify(name)} attempted to modify the object, which is not supported for this operation`,
    );
  }
  const { kind } = dispatch;
  const { forms, resource } = request;
  const shown = {
    ...converter(forms, resource, match.as)(object),
    apiVersion: groupVersionOf(match.as),
    kind: match.as.kind,
  };
  const patched = converter(forms, match.as, resource)(applyJsonPatch(shown, answer.patch) as KubeObject);
  const { object: read } = decodeFor(kind, { ...patched, apiVersion: groupVersionOf(kind.resource) }, 'Ignore');
  return { ...read, metadata: { ...read.metadata, ...identityOf(object) } };
}

/** Who it is, a webhook does not say. */
function identityOf({ metadata = {} }: KubeObject): object {
  const { name, namespace, uid, creationTimestamp, resourceVersion } = metadata;
  const own = { name, namespace, uid, creationTimestamp, resourceVersion };
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
}

/** The first refusal in order is the answer. */
export async function runValidating(
  dispatch: Dispatch,
  request: AdmissionRequest,
  matches: readonly Match[],
): Promise<void> {
  const results = await Promise.allSettled(matches.map((match) => ask(dispatch, request, match, false)));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** Upstream: webhook/generic/webhook.go ShouldCallHook. */
async function meetsConditions(
  { server, user, dryRun }: Dispatch,
  request: AdmissionRequest,
  webhook: Webhook,
  as: Resource,
): Promise<boolean> {
  if ((webhook.matchConditions ?? []).length === 0) return true;
  const { authorizer } = server;
  const verdict = await whenLoaded(() => {
    const { compileConditions, judgeConditions, variablesOf } = expressions();
    const input = variablesOf({ request, as, user, dryRun, authorizer, namespace: undefined, params: undefined });
    const conditions = compiled.get(webhook) ?? compileConditions(webhook.matchConditions, false);
    compiled.set(webhook, conditions);
    return Promise.resolve(judgeConditions(conditions, input, webhook.failurePolicy));
  });
  if (verdict.kind === 'failed') throw forbidden(request.resource, request.name, verdict.why);
  return verdict.kind === 'matches';
}

const compiled = new WeakMap<object, readonly NamedExpression[]>();

/** undefined: the call failed and does not matter, or it was not for this webhook. */
async function ask(
  dispatch: Dispatch,
  request: AdmissionRequest,
  { webhook, as }: Match,
  mutating: boolean,
): Promise<Answer | undefined> {
  const { name } = webhook;
  if (!(await meetsConditions(dispatch, request, webhook, as))) return undefined;
  if (dispatch.dryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun') throw noDryRun(name);
  const { uid, body } = buildReview(webhook, as, request, dispatch);
  try {
    const value = await postReview(dispatch.store, webhook.clientConfig, webhook.timeoutSeconds ?? 10, body);
    const answer = readAnswer(value, uid, body, mutating);
    dispatch.warnings.push(...answer.warnings);
    if (!answer.allowed) throw denied(name, answer.status);
    return answer;
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    if (webhook.failurePolicy !== 'Ignore') throw callFailed(name, error.message);
    log('apiserver').warn({ webhook: name, error: error.message }, 'webhook failed, going on without it');
    return undefined;
  }
}
