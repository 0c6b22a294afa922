/**
 * Which webhooks a request is shown to. Upstream: apiserver/pkg/admission/plugin/webhook (generic/webhook.go, predicates).
 *
 *   configurations by name ─ webhooks in their order ─ rules (and their equivalents) ─ namespaceSelector ─ objectSelector
 */
import type {
  LabelSelector,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  Namespace,
  RuleWithOperations,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../../../api/gen/types.ts';
import { resources } from '../../../api/resources.ts';
import type { Resource } from '../../../api/resources.ts';
import { labelSelectorMatches } from '../../../api/selectors/index.ts';
import type { Store } from '../../../store/index.ts';
import { bucketOf } from '../../registry.ts';
import type { Registry } from '../../registry.ts';
import type { AdmissionRequest } from '../request.ts';

export type Webhook = MutatingWebhook | ValidatingWebhook;

export interface Match {
  /** Which it is, of all. */
  readonly key: string;
  readonly webhook: Webhook;
  /** The version in which the webhook wants to see the object. */
  readonly as: Resource;
}

export type Phase = 'mutating' | 'validating';

const configurations = {
  mutating: resources.mutatingWebhookConfigurations,
  validating: resources.validatingWebhookConfigurations,
} as const;

/** Nothing to ask anybody about: the common case, and cheap. */
export function noWebhooks(store: Store): boolean {
  const { mutating, validating } = configurations;
  return store.list(bucketOf(mutating)).length === 0 && store.list(bucketOf(validating)).length === 0;
}

export function matching(store: Store, registry: Registry, phase: Phase, request: AdmissionRequest): readonly Match[] {
  // A webhook that could refuse its own removal could never be removed.
  if (request.resource.group === 'admissionregistration.k8s.io') return [];
  const found: Match[] = [];
  for (const item of store.list(bucketOf(configurations[phase]))) {
    const { webhooks } = item.value as MutatingWebhookConfiguration | ValidatingWebhookConfiguration;
    for (const [index, webhook] of (webhooks ?? []).entries()) {
      const as = matchedAs(store, registry, webhook, request);
      const key = `${item.name}/${webhook.name}/${String(index)}`;
      if (as !== undefined) found.push({ key, webhook, as });
    }
  }
  return found;
}

/** What webhooks and policies say of the requests that they are for. */
export interface Matching {
  readonly rules?: readonly Rule[] | undefined;
  readonly matchPolicy?: string | undefined;
  readonly namespaceSelector?: LabelSelector | undefined;
  readonly objectSelector?: LabelSelector | undefined;
}

type Rule = Partial<RuleWithOperations> & { readonly resourceNames?: readonly string[] };

/** The version in which the object is to be shown; undefined: this request is not for them. */
export function matchedAs(
  store: Store,
  registry: Registry,
  matching: Matching,
  request: AdmissionRequest,
): Resource | undefined {
  const as = ruledAs(matching, request, registry);
  return as !== undefined && selected(store, matching, request) ? as : undefined;
}

function ruledAs(matching: Matching, request: AdmissionRequest, registry: Registry): Resource | undefined {
  const rules = matching.rules ?? [];
  const { resource } = request;
  if (rules.some((rule) => ruleMatches(rule, request, resource))) return resource;
  if (matching.matchPolicy === 'Exact') return undefined;
  return registry
    .equivalentsOf(resource)
    .map((kind) => kind.resource)
    .find((equivalent) => rules.some((rule) => ruleMatches(rule, request, equivalent)));
}

function ruleMatches(rule: Rule, request: AdmissionRequest, resource: Resource): boolean {
  const { subresource, verb, name } = request;
  const has = (list: readonly string[] | undefined, value: string): boolean =>
    list !== undefined && (list.includes('*') || list.includes(value));
  if (rule.scope === 'Cluster' && resource.namespaced) return false;
  // The Namespace itself is cluster-scoped.
  if (rule.scope === 'Namespaced' && !resource.namespaced) return false;
  const names = rule.resourceNames ?? [];
  return (
    (names.length === 0 || names.includes(name)) &&
    has(rule.operations, verb.toUpperCase()) &&
    has(rule.apiGroups, resource.group) &&
    has(rule.apiVersions, resource.version) &&
    (rule.resources ?? []).some((text) => resourceMatches(text, resource.plural, subresource))
  );
}

function resourceMatches(text: string, plural: string, subresource: string): boolean {
  const [name = '', sub = ''] = text.split('/');
  return (name === '*' || name === plural) && (sub === subresource || (sub === '*' && text.includes('/')));
}

function selected(store: Store, matching: Matching, request: AdmissionRequest): boolean {
  const labels = namespaceLabels(store, request);
  if (labels !== undefined && !labelSelectorMatches(matching.namespaceSelector ?? {}, labels)) return false;
  const selector = matching.objectSelector ?? {};
  return [request.object, request.old].some(
    (object) => object !== undefined && labelSelectorMatches(selector, object.metadata?.labels),
  );
}

/** undefined: cluster-scoped, which no namespaceSelector leaves out. */
function namespaceLabels(store: Store, request: AdmissionRequest): Readonly<Record<string, string>> | undefined {
  const { resource, namespace, name } = request;
  const isNamespace = resource.group === '' && resource.plural === 'namespaces';
  if (isNamespace) return (request.object ?? request.old)?.metadata?.labels ?? {};
  if (!resource.namespaced) return undefined;
  const slot = { resource: bucketOf(resources.namespaces), namespace: '', name: namespace === '' ? name : namespace };
  return (store.get(slot)?.value as Namespace | undefined)?.metadata?.labels ?? {};
}
