/**
 * ValidatingAdmissionPolicies over a request, inside its transaction: they only read. (Those that mutate: mutate.ts.) Upstream:
 * apiserver/pkg/admission/plugin/policy/validating/dispatcher.go.
 *
 *   policy (matchConstraints) ─ its bindings (matchResources) ─ their params ─ judge ─ Deny: refuse │ Warn: warn │ Audit: nobody reads it here
 */
import type { CompiledPolicy } from '../../../api/admission-cel/index.ts';
import { apiError } from '../../../api/errors.ts';
import type { ApiError } from '../../../api/errors.ts';
import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '../../../api/gen/types.ts';
import { groupResourceOf, resources } from '../../../api/resources.ts';
import type { Resource } from '../../../api/resources.ts';
import type { Store } from '../../../store/index.ts';
import type { Server } from '../../context.ts';
import { bucketOf } from '../../registry.ts';
import { expressions } from '../expressions.ts';
import type { AdmissionRequest } from '../request.ts';
import type { Asking } from '../webhooks/review.ts';
import { isAboutPolicies, matchesResources, namespaceOf } from './match.ts';
import { ConfigurationError, paramsOf } from './params.ts';
import type { Refusal } from './judge.ts';

export { mutateByPolicies } from './mutate.ts';

/** Policies do nothing without: the common case, and cheap. */
export function noPolicies(store: Store): boolean {
  return (
    store.list(bucketOf(resources.validatingAdmissionPolicyBindings)).length === 0 &&
    store.list(bucketOf(resources.mutatingAdmissionPolicyBindings)).length === 0
  );
}

/** Throws the refusal, or NotLoaded. */
export function enforcePolicies(server: Server, request: AdmissionRequest, asking: Asking): void {
  if (isAboutPolicies(request)) return;
  const { store } = server;
  const bindings = store.list(bucketOf(resources.validatingAdmissionPolicyBindings));
  if (bindings.length === 0) return;
  let refused: ApiError | undefined;
  for (const item of store.list(bucketOf(resources.validatingAdmissionPolicies))) {
    const policy = item.value as ValidatingAdmissionPolicy;
    const as = matchesResources(server, policy.spec?.matchConstraints, request);
    if (as === undefined) continue;
    for (const bound of bindings) {
      const binding = bound.value as ValidatingAdmissionPolicyBinding;
      if (binding.spec?.policyName !== item.name) continue;
      const { matchResources } = binding.spec;
      if (matchResources !== undefined && matchesResources(server, matchResources, request) === undefined) continue;
      refused ??= applyBinding(server, policy, binding, as, request, asking);
    }
  }
  if (refused !== undefined) throw refused;
}

const compiled = new WeakMap<object, CompiledPolicy>();

function applyBinding(
  server: Server,
  policy: ValidatingAdmissionPolicy,
  binding: ValidatingAdmissionPolicyBinding,
  as: Resource,
  request: AdmissionRequest,
  asking: Asking,
): ApiError | undefined {
  const name = policy.metadata?.name ?? '';
  const bindingName = binding.metadata?.name ?? '';
  const actions = binding.spec?.validationActions ?? [];
  let refused: ApiError | undefined;
  for (const { message, reason, always } of judged(server, policy, binding, as, request, asking)) {
    if (always === true || actions.includes('Deny')) {
      const text = `ValidatingAdmissionPolicy '${name}' with binding '${bindingName}' denied request: ${message}`;
      refused ??= denial(request, text, reason);
    }
    if (always !== true && actions.includes('Warn')) {
      const text = `Validation failed for ValidatingAdmissionPolicy '${name}' with binding '${bindingName}': ${message}`;
      request.warnings?.push(text);
    }
  }
  return refused;
}

/** `always`: whatever the binding says, because it cannot be applied. */
type Judged = Refusal & { readonly always?: boolean };

function judged(
  { store, registry, authorizer }: Server,
  policy: ValidatingAdmissionPolicy,
  binding: ValidatingAdmissionPolicyBinding,
  as: Resource,
  request: AdmissionRequest,
  { user, dryRun }: Asking,
): readonly Judged[] {
  const { compilePolicy, judgePolicy, variablesOf } = expressions();
  const spec = policy.spec ?? {};
  try {
    const params = paramsOf(store, registry, spec.paramKind, binding.spec?.paramRef, request.namespace);
    const program = compiled.get(policy) ?? compilePolicy(spec);
    compiled.set(policy, program);
    const namespace = namespaceOf(store, request);
    return params.flatMap((param) => {
      const input = variablesOf({ request, as, user, dryRun, authorizer, namespace, params: param });
      return judgePolicy(program, spec.failurePolicy, input);
    });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    if (spec.failurePolicy === 'Ignore') return [];
    return [{ message: `failed to configure binding: ${error.message}`, reason: '', always: true }];
  }
}

const codes: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

/** Forbidden in its words, but with the reason that the policy gives. */
function denial({ resource, name, namespace: _namespace }: AdmissionRequest, text: string, reason: string): ApiError {
  const given = reason === '' ? 'Invalid' : reason;
  const shown = name === '' ? 'Unknown' : name;
  const message = `${groupResourceOf(resource)} ${JSON.stringify(shown)} is forbidden: ${text}`;
  return apiError(codes[given] ?? 422, given, message, {
    name: shown,
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.plural,
    causes: [{ message: text }],
  });
}
