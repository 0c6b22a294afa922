/**
 * MutatingAdmissionPolicies over a request, inside its transaction: they compute, and write nothing else.
 *
 *   policy (matchConstraints) ─ its bindings (matchResources) ─ their params ─ matchConditions ─ mutations in their order,
 *   each over what those before it left ─ the object as webhooks are shown it
 *
 * A failure refuses the request unless the failurePolicy is Ignore; the others are run all the same.
 * Upstream: apiserver/pkg/admission/plugin/policy/mutating/dispatcher.go, generic/policy_dispatcher.go.
 */
import type { CompiledMutatingPolicy } from '../../../api/admission-cel/index.ts';
import { clone } from '../../../api/clone.ts';
import { apiError } from '../../../api/errors.ts';
import type { ApiError } from '../../../api/errors.ts';
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from '../../../api/gen/types.ts';
import type { KindDefinition } from '../../../api/kind.ts';
import type { KubeObject } from '../../../api/object.ts';
import { sameJson } from '../../../api/patch/json.ts';
import { resources } from '../../../api/resources.ts';
import type { Resource } from '../../../api/resources.ts';
import type { Server } from '../../context.ts';
import { bucketOf } from '../../registry.ts';
import { expressions } from '../expressions.ts';
import type { Round } from '../reinvocation.ts';
import type { AdmissionRequest } from '../request.ts';
import type { Asking } from '../webhooks/review.ts';
import { isAboutPolicies, matchesResources, namespaceOf } from './match.ts';
import { ConfigurationError, kindOfParams, paramsOf } from './params.ts';

/** One policy for one binding and one of its params. */
interface Invocation {
  readonly policy: MutatingAdmissionPolicy;
  readonly binding: MutatingAdmissionPolicyBinding;
  readonly params: KubeObject | undefined;
  /** The version that the policy wants to see. */
  readonly as: Resource;
}

interface Failure {
  readonly policy: MutatingAdmissionPolicy;
  readonly message: string;
  readonly reason: string;
}

/** The object as they leave it; undefined: as it is. Throws the refusal, or NotLoaded. */
export function mutateByPolicies(
  server: Server,
  kind: KindDefinition,
  request: AdmissionRequest,
  asking: Asking,
  round: Round,
): KubeObject | undefined {
  if (request.verb === 'delete' || isAboutPolicies(request)) return undefined;
  const failures: Failure[] = [];
  const invocations = invocationsOf(server, request, failures);
  if (invocations.length === 0 && failures.length === 0) return undefined;
  const { policies } = round;
  policies.begin(request.object);
  let object = request.object;
  let dirty = false;
  for (const invocation of invocations) {
    const key = keyOf(invocation);
    const seen = { ...request, object };
    const patched = new Mutator(server, kind, seen, asking, invocation).run(policies.asks(key));
    failures.push(...patched.failures);
    if (!patched.asked) continue;
    dirty ||= patched.applied;
    if (!sameJson(object, patched.object)) {
      policies.changed();
      round.changed = true;
    }
    object = patched.object;
    policies.invoked(key, invocation.policy.spec?.reinvocationPolicy);
  }
  // Upstream counts what was set to what it was as a change, too.
  if (dirty) {
    policies.changed();
    round.changed = true;
  }
  policies.end(object);
  refuse(request, failures);
  return dirty ? object : undefined;
}

function keyOf({ policy, binding, params }: Invocation): string {
  return JSON.stringify([
    policy.metadata?.name,
    binding.metadata?.name,
    params?.metadata?.namespace,
    params?.metadata?.name,
  ]);
}

function invocationsOf(server: Server, request: AdmissionRequest, failures: Failure[]): readonly Invocation[] {
  const { store, registry } = server;
  const bindings = store.list(bucketOf(resources.mutatingAdmissionPolicyBindings));
  if (bindings.length === 0) return [];
  const found: Invocation[] = [];
  for (const item of store.list(bucketOf(resources.mutatingAdmissionPolicies))) {
    const policy = item.value as MutatingAdmissionPolicy;
    const { paramKind, matchConstraints } = policy.spec ?? {};
    const own = bindings
      .map(({ value }) => value as MutatingAdmissionPolicyBinding)
      .filter(({ spec }) => spec?.policyName === item.name);
    const as = own.length === 0 ? undefined : matchesResources(server, matchConstraints, request);
    if (as === undefined) continue;
    if (paramKind !== undefined && kindOfParams(registry, paramKind) === undefined) {
      const { apiVersion = '', kind = '' } = paramKind;
      const shown = `${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind}`;
      const why = `failed to configure policy: failed to find resource referenced by paramKind: '${shown}'`;
      const message = `policy ${JSON.stringify(item.name)} denied request: ${why}`;
      failures.push({ policy, message, reason: '' });
      continue;
    }
    for (const binding of own) {
      const { matchResources, paramRef } = binding.spec ?? {};
      if (matchResources !== undefined && matchesResources(server, matchResources, request) === undefined) continue;
      try {
        for (const params of paramsOf(store, registry, paramKind, paramRef, request.namespace)) {
          found.push({ policy, binding, params, as });
        }
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        failures.push(failureOf(policy, binding, `failed to configure binding: ${error.message}`, ''));
      }
    }
  }
  return found;
}

function failureOf(
  policy: MutatingAdmissionPolicy,
  binding: MutatingAdmissionPolicyBinding,
  why: string,
  reason: string,
): Failure {
  const [name, bound] = [policy.metadata?.name ?? '', binding.metadata?.name ?? ''];
  return { policy, message: `policy '${name}' with binding '${bound}' denied request: ${why}`, reason };
}

const compiled = new WeakMap<object, CompiledMutatingPolicy>();

interface Mutated {
  readonly object: KubeObject | undefined;
  /** Its conditions were met, and it was its turn. */
  readonly asked: boolean;
  /** A mutation was applied, though perhaps nothing changed. */
  readonly applied: boolean;
  readonly failures: readonly Failure[];
}

class Mutator {
  readonly #server: Server;
  readonly #kind: KindDefinition;
  readonly #request: AdmissionRequest;
  readonly #asking: Asking;
  readonly #invocation: Invocation;
  readonly #program: CompiledMutatingPolicy;

  constructor(server: Server, kind: KindDefinition, request: AdmissionRequest, asking: Asking, invocation: Invocation) {
    this.#server = server;
    this.#kind = kind;
    this.#request = request;
    this.#asking = asking;
    this.#invocation = invocation;
    const { policy } = invocation;
    this.#program = compiled.get(policy) ?? expressions().compileMutatingPolicy(policy.spec ?? {});
    compiled.set(policy, this.#program);
  }

  run(itsTurn: boolean): Mutated {
    const { policy, binding } = this.#invocation;
    const { object: before } = this.#request;
    const failed = (why: string): Failure => failureOf(policy, binding, why, 'Invalid');
    const { judgeConditions, mutateObject } = expressions();
    const verdict = judgeConditions(this.#program.matchConditions, this.#variables(before), policy.spec?.failurePolicy);
    const none = { object: before, asked: false, applied: false };
    if (verdict.kind === 'failed') return { ...none, failures: [failed(verdict.why)] };
    if (verdict.kind === 'skip' || !itsTurn) return { ...none, failures: [] };
    const failures: Failure[] = [];
    let object = before;
    let applied = false;
    for (const mutation of object === undefined ? [] : this.#program.mutations) {
      const { as } = this.#invocation;
      const result = mutateObject(this.#kind, { ...this.#request, object }, as, {
        mutation,
        policy: this.#program,
        variables: this.#variables(object),
      });
      if (typeof result === 'string') failures.push(failed(result));
      else {
        object = result;
        this.#kind.applyDefaults?.(object);
        applied = true;
      }
    }
    return { object, asked: true, applied, failures };
  }

  #variables(object: KubeObject | undefined): ReturnType<ReturnType<typeof expressions>['variablesOf']> {
    const { store, authorizer } = this.#server;
    const { as, params } = this.#invocation;
    const { user, dryRun } = this.#asking;
    const request = { ...this.#request, object: clone(object) };
    const namespace = namespaceOf(store, request);
    return expressions().variablesOf({ request, as, user, dryRun, authorizer, namespace, params });
  }
}

/** Forbidden, but with the words of the first failure and what all of them say. */
function refuse(request: AdmissionRequest, failures: readonly Failure[]): void {
  const told = failures.filter(({ policy }) => policy.spec?.failurePolicy !== 'Ignore');
  const [first] = told;
  if (first === undefined) return;
  throw denial(request, first, told);
}

function denial({ resource, name }: AdmissionRequest, first: Failure, all: readonly Failure[]): ApiError {
  return apiError(403, first.reason === '' ? 'Forbidden' : first.reason, first.message, {
    name: name === '' ? 'Unknown' : name,
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.plural,
    causes: all.map(({ message }) => ({ message })),
  });
}
