/**
 * Which pods each service selects, kept up to date so that one pod's change costs its own services and not all of them.
 *
 *   services by one (namespace, key=value) of their selector ─┐
 *   pod changed: its labels and its old ones ─────────────────┴─> the services to look at again
 */
import type { Pod, Service } from '../../api/gen/types.ts';
import { keyOf, keyText } from '../../api/object.ts';
import type { Live } from '../../api/object.ts';
import { labelsMatch } from '../../api/selectors/index.ts';
import type { View } from '../view.ts';

type LivePod = Live<Pod>;
type LiveService = Live<Service>;

export interface Selection {
  /** The pods that the service selects; none when it has no selector. */
  podsOf(service: LiveService): LivePod[];
  onAffected(handler: (serviceKey: string) => void): void;
}

export function createSelection(services: View<Service>, pods: View<Pod>): Selection {
  /** `namespace/key=value` → service key → its selector. */
  const byPair = new Map<string, Map<string, Readonly<Record<string, string>>>>();
  /** Service key → keys of its pods. */
  const members = new Map<string, Set<string>>();
  const handlers: ((serviceKey: string) => void)[] = [];
  const tell = (key: string): void => {
    for (const handler of handlers) handler(key);
  };

  services.onChange((current, old) => {
    const key = keyText(keyOf(current ?? old ?? {}));
    if (!sameSelector(current, old)) {
      const before = pairOf(old);
      if (before !== undefined) byPair.get(before)?.delete(key);
      members.delete(key);
      const selector = selectorOf(current);
      const pair = pairOf(current);
      if (current !== undefined && selector !== undefined && pair !== undefined) {
        let bucket = byPair.get(pair);
        if (bucket === undefined) byPair.set(pair, (bucket = new Map<string, Readonly<Record<string, string>>>()));
        bucket.set(key, selector);
        members.set(key, scan(pods, current.metadata.namespace ?? '', selector));
      }
    }
    tell(key);
  });

  pods.onChange((current, old) => {
    const affected = new Map<string, boolean>();
    for (const pod of [old, current]) {
      for (const [key, selector] of selecting(byPair, pod)) {
        affected.set(key, pod === current && labelsMatch(selector, pod?.metadata.labels));
      }
    }
    const podKey = keyText(keyOf(current ?? old ?? {}));
    for (const [key, selected] of affected) {
      if (selected) members.get(key)?.add(podKey);
      else members.get(key)?.delete(podKey);
      if (current === undefined || old === undefined || matters(current, old)) tell(key);
    }
  });

  return {
    podsOf(service) {
      const found: LivePod[] = [];
      const namespace = service.metadata.namespace ?? '';
      for (const key of members.get(keyText(keyOf(service))) ?? []) {
        const pod = pods.get({ namespace, name: key.slice(namespace.length + 1) });
        if (pod !== undefined) found.push(pod);
      }
      return found;
    },
    onAffected(handler) {
      handlers.push(handler);
    },
  };
}

/** An empty selector selects nothing here, as upstream: such a service's endpoints are somebody else's. */
export function selectorOf(service: LiveService | undefined): Readonly<Record<string, string>> | undefined {
  const selector = service?.spec?.selector;
  return selector === undefined || Object.keys(selector).length === 0 ? undefined : selector;
}

function sameSelector(a: LiveService | undefined, b: LiveService | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const left = selectorOf(a);
  const right = selectorOf(b);
  if (left === undefined || right === undefined) return left === right;
  return labelsMatch(left, right) && labelsMatch(right, left);
}

/** The last pair: `app` comes first in most, and tells the fewest apart. */
function pairOf(service: LiveService | undefined): string | undefined {
  const last = Object.entries(selectorOf(service) ?? {}).at(-1);
  return last === undefined ? undefined : `${service?.metadata.namespace}/${last[0]}=${last[1]}`;
}

function* selecting(
  byPair: ReadonlyMap<string, ReadonlyMap<string, Readonly<Record<string, string>>>>,
  pod: LivePod | undefined,
): Generator<[string, Readonly<Record<string, string>>]> {
  for (const [key, value] of Object.entries(pod?.metadata.labels ?? {})) {
    for (const entry of byPair.get(`${pod?.metadata.namespace}/${key}=${value}`) ?? []) {
      if (labelsMatch(entry[1], pod?.metadata.labels)) yield entry;
    }
  }
}

function scan(pods: View<Pod>, namespace: string, selector: Readonly<Record<string, string>>): Set<string> {
  const found = new Set<string>();
  for (const pod of pods.list(namespace)) {
    if (labelsMatch(selector, pod.metadata.labels)) found.add(keyText(keyOf(pod)));
  }
  return found;
}

/** Heartbeats of probes and restart counts do not change an endpoint. Upstream: podEndpointsChanged. */
function matters(current: LivePod, old: LivePod): boolean {
  return fingerprint(current) !== fingerprint(old);
}

function fingerprint({ metadata, spec, status }: LivePod): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return JSON.stringify([
    metadata.uid,
    metadata.labels,
    metadata.deletionTimestamp === undefined,
    spec?.nodeName,
    spec?.hostname,
    spec?.subdomain,
    status?.phase,
    status?.podIP,
    status?.podIPs,
    ready?.status,
  ]);
}
