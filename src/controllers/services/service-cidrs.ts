/**
 * ServiceCIDRs: a finalizer and Ready on each; one that is deleted goes when no address depends on it any more. Upstream:
 * pkg/controller/servicecidrs. Our allocator reads Ready in its own transactions, so there is no grace period to wait for.
 */
import type { Condition, ServiceCIDR } from '../../api/gen/types.ts';
import { keyOf, keyText } from '../../api/object.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { cidrContains, parseCidr, parseIp } from '../../util/ip.ts';
import type { Cidr } from '../../util/ip.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { applyWrites, mergePatch, strategicPatch } from '../writes.ts';
import type { Write } from '../writes.ts';

const finalizer = 'networking.k8s.io/service-cidr-finalizer';
const managedByLabel = 'ipaddress.kubernetes.io/managed-by';
const manager = 'ipallocator.k8s.io';

type LiveCidr = Live<ServiceCIDR>;

export function runServiceCidrs(context: ControllerContext): void {
  const cidrs = context.views.of(resources.serviceCIDRs);
  const addresses = context.views.of(resources.ipAddresses);
  const writer = context.writer('service-cidr-controller');
  const work = async (key: string): Promise<void> => {
    const cidr = cidrs.get(parseKey(key));
    if (cidr === undefined) return;
    const managed = function* (): Generator<string> {
      for (const { metadata } of addresses.list()) {
        if (metadata.labels?.[managedByLabel] === manager) yield metadata.name;
      }
    };
    await applyWrites(writer, planServiceCidr(cidr, [...cidrs.list()], managed, Date.now()));
  };
  const queue = startLoop(context, 'service-cidr', { views: [cidrs, addresses], work });
  const again = (deletedOnly: boolean): void => {
    for (const cidr of cidrs.list()) {
      if (!deletedOnly || cidr.metadata.deletionTimestamp !== undefined) queue.add(keyText(keyOf(cidr)));
    }
  };
  cidrs.onChange((current) => {
    if (current !== undefined) queue.add(keyText(keyOf(current)));
    // One that is added or gone decides what others may do.
    again(true);
  });
  addresses.onChange((current) => {
    if (current === undefined) again(true);
  });
}

/** Pure. `addresses`: the names of those that the allocator made; only asked for when it matters. */
function planServiceCidr(
  cidr: LiveCidr,
  all: readonly LiveCidr[],
  addresses: () => Iterable<string>,
  now: number,
): readonly Write[] {
  const held = cidr.metadata.finalizers?.includes(finalizer) === true;
  const key = keyOf(cidr);
  const lastTransitionTime = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  if (cidr.metadata.deletionTimestamp === undefined) {
    const metadata = { finalizers: [finalizer] };
    const message = 'Kubernetes Service CIDR is ready';
    const ready = { type: 'Ready', status: 'True', reason: '', message, lastTransitionTime };
    return [
      ...(held ? [] : [strategicPatch(resources.serviceCIDRs, key, { metadata })]),
      // The default one has another message from the API server, which is as good.
      ...(conditionOf(cidr)?.status === 'True' ? [] : setCondition(cidr, ready)),
    ];
  }
  if (!held) return [];
  if (isNeeded(cidr, all, addresses)) {
    const message =
      'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR';
    return setCondition(cidr, { type: 'Ready', status: 'False', reason: 'Terminating', message, lastTransitionTime });
  }
  const finalizers = (cidr.metadata.finalizers ?? []).filter((name) => name !== finalizer);
  const { resourceVersion } = cidr.metadata;
  return [mergePatch(resources.serviceCIDRs, key, { metadata: { finalizers, resourceVersion } })];
}

function setCondition(cidr: LiveCidr, condition: Condition): readonly Write[] {
  const known = conditionOf(cidr);
  if (known?.status === condition.status && known.message === condition.message) return [];
  const patch = { status: { conditions: [condition] } };
  return [strategicPatch(resources.serviceCIDRs, keyOf(cidr), patch, 'status')];
}

function conditionOf({ status }: LiveCidr): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

/** Some address would be in no range without it. */
function isNeeded(cidr: LiveCidr, all: readonly LiveCidr[], addresses: () => Iterable<string>): boolean {
  const own = rangesOf(cidr);
  const others = all.filter(({ metadata }) => metadata.uid !== cidr.metadata.uid).flatMap(rangesOf);
  const inOthers = (range: Cidr): boolean =>
    others.some(
      (other) => other.bits <= range.bits && cidrContains(other, { family: range.family, value: range.base }),
    );
  if (own.every(inOthers)) return false;
  for (const name of addresses()) {
    const ip = parseIp(name);
    if (ip === undefined || !own.some((range) => cidrContains(range, ip))) continue;
    if (!others.some((range) => cidrContains(range, ip))) return true;
  }
  return false;
}

function rangesOf({ spec }: ServiceCIDR): readonly Cidr[] {
  return (spec?.cidrs ?? []).map(parseCidr).filter((range) => range !== undefined);
}
