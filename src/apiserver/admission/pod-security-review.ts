/** What PodSecurity does where a namespace has labels for it; loaded by pod-security.ts. */
import type { Container, Namespace, Pod, PodTemplateSpec } from '../../api/gen/types.ts';
import { forbiddenError, invalidError } from '../../api/errors.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import {
  detailText,
  evaluate,
  minorOf,
  policyOf,
  reasonText,
  sameLevel,
  stricter,
  textOf,
} from '../../api/pod-security/index.ts';
import type { LevelVersion, Mode, PodLike, Policy } from '../../api/pod-security/index.ts';
import { resources } from '../../api/resources.ts';
import { version as served } from '../paths/version.ts';
import type { AdmissionRequest, AdmissionView } from './request.ts';

type Labels = Readonly<Record<string, string>>;

export function reviewNamespace(
  { verb, name, warnings }: AdmissionRequest,
  namespace: Namespace,
  old: Namespace | undefined,
  view: AdmissionView,
): void {
  const { policy, errors } = policyOf(namespace.metadata?.labels);
  const before = policyOf(old?.metadata?.labels);
  const isNew = verb === 'create' || JSON.stringify(errors) !== JSON.stringify(before.errors);
  if (errors.length > 0 && isNew) throw invalidError(resources.namespaces, name, errors);
  if (verb === 'update' && isStricter(policy, before.policy)) {
    warnings?.push(...existingPods(view, name, policy.enforce));
  }
}

export function reviewPod(
  request: AdmissionRequest,
  object: KubeObject,
  labels: Labels,
  subject: 'pod' | 'controller',
): void {
  const { policy, errors } = policyOf(labels);
  const enforces = subject === 'pod';
  const privileged = (mode: Mode): boolean => policy[mode].level === 'privileged';
  if (errors.length === 0 && privileged('audit') && privileged('warn') && (!enforces || privileged('enforce'))) {
    if (enforces) count(request, subject, 'allow', policy, 'enforce');
    return;
  }
  if (enforces && request.old !== undefined && isInsignificant(object, request.old)) return;
  const pod = enforces ? podOf(object) : podOf(templateOf(object));
  if (pod === undefined) return;
  if (errors.length > 0) countError(request, subject);
  judge(request, subject, policy, pod);
}

function judge(request: AdmissionRequest, subject: 'pod' | 'controller', policy: Policy, pod: PodLike): void {
  const known = new Map<string, string>();
  const violationsOf = (mode: Mode): string => {
    const at = policy[mode];
    return known.getOrInsertComputed(textOf(at), () => detailText(evaluate(at, pod)));
  };
  const refused = subject === 'pod' ? violationsOf('enforce') : '';
  if (subject === 'pod') count(request, subject, refused === '' ? 'allow' : 'deny', policy, 'enforce');
  if (violationsOf('audit') !== '') count(request, subject, 'deny', policy, 'audit');
  if (refused !== '') {
    const why = `violates PodSecurity ${JSON.stringify(textOf(policy.enforce))}: ${refused}`;
    throw forbiddenError(request.resource, request.name, why);
  }
  const warned = violationsOf('warn');
  if (warned === '') return;
  count(request, subject, 'deny', policy, 'warn');
  request.warnings?.push(`would violate PodSecurity ${JSON.stringify(textOf(policy.warn))}: ${warned}`);
}

function podOf(object: Pod | PodTemplateSpec | undefined): PodLike | undefined {
  if (object?.spec === undefined) return undefined;
  return { annotations: object.metadata?.annotations ?? {}, spec: object.spec };
}

/** A ReplicationController may have none; a PodTemplate has it beside its metadata. */
function templateOf(object: KubeObject): PodTemplateSpec | undefined {
  interface Templated {
    readonly template?: PodTemplateSpec;
    readonly jobTemplate?: { readonly spec?: { readonly template?: PodTemplateSpec } };
  }
  const { template, spec } = object as Templated & { readonly spec?: Templated };
  return template ?? spec?.template ?? spec?.jobTemplate?.spec?.template;
}

/** Of what a pod may change, only images and new containers count: nothing else is looked at again. */
function isInsignificant(pod: Pod, old: Pod): boolean {
  const same = (now: readonly Container[] = [], before: readonly Container[] = []): boolean =>
    now.length === before.length && now.every(({ image }, index) => image === before[index]?.image);
  const { ephemeralContainers = [] } = old.spec ?? {};
  return (
    same(pod.spec?.containers, old.spec?.containers) &&
    same(pod.spec?.initContainers, old.spec?.initContainers) &&
    (pod.spec?.ephemeralContainers ?? []).every(({ name, image }) =>
      ephemeralContainers.some((before) => before.name === name && before.image === image),
    )
  );
}

function isStricter({ enforce }: Policy, { enforce: before }: Policy): boolean {
  if (sameLevel(enforce, before) || enforce.level === 'privileged') return false;
  return enforce.version !== before.version || stricter(enforce.level, before.level) > 0;
}

/** So that labelling a large namespace does not hold everybody up. */
const mostPods = 3000;
const mostMs = 1000;

function existingPods(view: AdmissionView, namespace: string, enforce: LevelVersion): string[] {
  const end = performance.now() + mostMs;
  const pods = prioritized(view.list(resources.pods, namespace));
  const named = new Map<string, string[]>();
  let checked = 0;
  for (const pod of pods.slice(0, mostPods)) {
    const like = podOf(pod);
    const reason = like === undefined ? '' : reasonText(evaluate(enforce, like));
    if (reason !== '') named.getOrInsertComputed(reason, () => []).push(pod.metadata.name);
    checked++;
    if (performance.now() > end) break;
  }
  const warnings: string[] = [];
  if (checked < pods.length) {
    warnings.push(
      `new PodSecurity enforce level only checked against the first ${checked} of ${pods.length} existing pods`,
    );
  }
  if (named.size > 0) {
    const level = JSON.stringify(textOf(enforce));
    warnings.push(`existing pods in namespace "${namespace}" violate the new PodSecurity enforce level ${level}`);
  }
  return [...warnings, ...[...named].map(([reason, names]) => `${someOf(names)}: ${reason}`).sort()];
}

/** One pod of each controller first: the others are like it. */
function prioritized(pods: Iterable<Live<Pod>>): readonly Live<Pod>[] {
  const seen = new Set<string>();
  const first: Live<Pod>[] = [];
  const others: Live<Pod>[] = [];
  for (const pod of pods) {
    const controller = pod.metadata.ownerReferences?.find((owner) => owner.controller === true)?.uid;
    (controller !== undefined && seen.has(controller) ? others : first).push(pod);
    if (controller !== undefined) seen.add(controller);
  }
  return [...first, ...others];
}

function someOf(names: readonly string[]): string {
  const [first = ''] = names.toSorted();
  const others = names.length - 1;
  if (others === 0) return first;
  return `${first} (and ${others} other ${others === 1 ? 'pod' : 'pods'})`;
}

function count(
  { by, verb, subresource }: AdmissionRequest,
  subject: string,
  decision: 'allow' | 'deny',
  policy: Policy,
  mode: Mode,
): void {
  const { level, version } = policy[mode];
  const known = level === 'privileged' ? 'latest' : isFuture(version) ? 'future' : version;
  by?.server.metrics.podSecurity.add(`${decision} ${level} ${known} ${mode} ${verb} ${subject} ${subresource}`);
}

function isFuture(version: string): boolean {
  return version !== 'latest' && minorOf(version) > Number(served.minor);
}

function countError({ by, verb, subresource }: AdmissionRequest, subject: string): void {
  by?.server.metrics.podSecurityErrors.add(`false ${verb} ${subject} ${subresource}`);
}
