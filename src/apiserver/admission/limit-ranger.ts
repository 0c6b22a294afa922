/**
 * LimitRanger: what a container does not ask for it gets from the namespace's LimitRanges; then the ranges are enforced, for
 * each container and for the pod. Upstream: plugin/pkg/admission/limitranger.
 */
import type {
  Container,
  LimitRangeItem,
  PersistentVolumeClaim,
  Pod,
  ResourceRequirements,
} from '../../api/gen/types.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from './request.ts';
import { forbiddenError } from '../../api/errors.ts';
import { formatQuantity, parseQuantity } from '../../api/quantity.ts';
import { resources } from '../../api/resources.ts';
import { bodyOf } from './request.ts';

type Amounts = Readonly<Record<string, string>>;

export const limitDefaults: AdmissionPlugin = (request, view) => {
  const pod = bodyOf(request, resources.pods, ['create']);
  if (pod === undefined) return;
  for (const limit of limitsOf(request, view)) if (limit.type === 'Container') setDefaults(pod, limit);
};

export const limitRanger: AdmissionPlugin = (request, view) => {
  const pod = bodyOf(request, resources.pods, ['create']) ?? bodyOf(request, resources.pods, ['update'], 'resize');
  const claim = bodyOf(request, resources.persistentVolumeClaims, ['create', 'update']);
  if (pod === undefined && claim === undefined) return;
  const limits = limitsOf(request, view);
  const why = limits.flatMap((limit) => (pod === undefined ? claimBreaks(claim ?? {}, limit) : podBreaks(pod, limit)));
  if (why.length === 0) return;
  const text = why.length === 1 ? (why[0] ?? '') : `[${why.join(', ')}]`;
  throw forbiddenError(request.resource, request.name, text);
};

function limitsOf({ namespace }: AdmissionRequest, view: AdmissionView): readonly LimitRangeItem[] {
  const limits: LimitRangeItem[] = [];
  for (const { spec } of view.list(resources.limitRanges, namespace)) limits.push(...(spec?.limits ?? []));
  return limits;
}

function setDefaults(pod: Pod, limit: LimitRangeItem): void {
  const notes: string[] = [];
  const fill = (container: Container, kind: 'init container' | 'container'): void => {
    const wanted = (container.resources ??= {});
    for (const [part, from] of [
      ['request', limit.defaultRequest ?? {}],
      ['limit', limit.default ?? {}],
    ] as const) {
      const key = part === 'request' ? 'requests' : 'limits';
      const missing = Object.keys(from).filter((name) => wanted[key]?.[name] === undefined);
      if (missing.length === 0) continue;
      for (const name of missing) (wanted[key] ??= {})[name] = from[name] ?? '0';
      notes.push(`${missing.sort().join(', ')} ${part} for ${kind} ${container.name}`);
    }
  };
  for (const container of pod.spec?.containers ?? []) fill(container, 'container');
  for (const container of pod.spec?.initContainers ?? []) fill(container, 'init container');
  if (notes.length === 0) return;
  const annotations = { ...pod.metadata?.annotations };
  annotations['kubernetes.io/limit-ranger'] = `LimitRanger plugin set: ${notes.join('; ')}`;
  pod.metadata = { ...pod.metadata, annotations };
}

function podBreaks(pod: Pod, limit: LimitRangeItem): string[] {
  const containers = pod.spec?.containers ?? [];
  const all = [...containers, ...(pod.spec?.initContainers ?? [])];
  if (limit.type === 'Container') return all.flatMap((container) => breaks(limit, container.resources ?? {}));
  if (limit.type !== 'Pod') return [];
  return breaks(limit, { requests: sum(containers, 'requests'), limits: sum(containers, 'limits') });
}

function claimBreaks(claim: PersistentVolumeClaim, limit: LimitRangeItem): string[] {
  if (limit.type !== 'PersistentVolumeClaim') return [];
  const requests = claim.spec?.resources?.requests;
  return breaks({ ...limit, default: {} }, requests === undefined ? {} : { requests });
}

function breaks(limit: LimitRangeItem, { requests = {}, limits = {} }: ResourceRequirements): string[] {
  const out: string[] = [];
  const per = (name: string): string => `${name} usage per ${limit.type}`;
  for (const [name, least] of Object.entries(limit.min ?? {})) {
    const head = `minimum ${per(name)} is ${least}`;
    if (requests[name] === undefined) out.push(`${head}.  No request is specified`);
    else if (less(requests[name], least)) out.push(`${head}, but request is ${requests[name]}`);
    else if (limits[name] !== undefined && less(limits[name], least)) out.push(`${head}, but limit is ${limits[name]}`);
  }
  const isClaim = limit.type === 'PersistentVolumeClaim';
  for (const [name, most] of Object.entries(limit.max ?? {})) {
    const head = `maximum ${per(name)} is ${most}`;
    const bound = isClaim ? requests[name] : limits[name];
    const what = isClaim ? 'request' : 'limit';
    if (bound === undefined) out.push(`${head}.  No ${what} is specified`);
    else if (less(most, bound)) out.push(`${head}, but ${what} is ${bound}`);
    else if (requests[name] !== undefined && less(most, requests[name])) {
      out.push(`${head}, but request is ${requests[name]}`);
    }
  }
  return [...out, ...ratioBreaks(limit, requests, limits)];
}

function ratioBreaks(limit: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  return Object.entries(limit.maxLimitRequestRatio ?? {}).flatMap(([name, most]) => {
    const head = `${name} max limit to request ratio per ${limit.type} is ${most}`;
    const [request, bound] = [nanoOf(requests[name]), nanoOf(limits[name])];
    if (request === 0n) return [`${head}, but no request is specified or request is 0`];
    if (bound === 0n) return [`${head}, but no limit is specified or limit is 0`];
    const ratio = Number(bound) / Number(request);
    return ratio > Number(nanoOf(most)) / 1e9 ? [`${head}, but provided ratio is ${ratio.toFixed(6)}`] : [];
  });
}

function sum(containers: readonly Container[], key: 'requests' | 'limits'): Record<string, string> {
  const total: Record<string, string> = {};
  for (const { resources: wanted } of containers) {
    for (const [name, text] of Object.entries(wanted?.[key] ?? {})) {
      const nano = nanoOf(total[name]) + nanoOf(text);
      total[name] = formatQuantity({ nano, format: parseQuantity(text)?.format ?? 'decimal' });
    }
  }
  return total;
}

function nanoOf(text: string | undefined): bigint {
  return text === undefined ? 0n : (parseQuantity(text)?.nano ?? 0n);
}

function less(a: string, b: string): boolean {
  return nanoOf(a) < nanoOf(b);
}
