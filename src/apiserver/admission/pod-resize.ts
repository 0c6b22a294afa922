/**
 * What a node must be able to do when a pod on it is resized.
 *
 *   NodeDeclaredFeatureValidator   the node says that it knows how       plugin/pkg/admission/nodedeclaredfeatures
 *   PodResizeValidator             the node is Linux, and large enough   plugin/pkg/admission/podresize
 */
import type { Container, Node, Pod, PodSpec } from '../../api/gen/types.ts';
import { sameValue } from '../../api/kinds/equal.ts';
import { totals } from '../../api/kinds/pod/resources.ts';
import type { Live } from '../../api/object.ts';
import { milliValue, parseQuantity, quantityValue } from '../../api/quantity.ts';
import type { Quantity } from '../../api/quantity.ts';
import { resources } from '../../api/resources.ts';
import { forbidden } from '../errors.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from './request.ts';
import { bodyOf } from './request.ts';

export const nodeDeclaredFeatures: AdmissionPlugin = (request, view) => {
  const pod = bodyOf(request, resources.pods, ['update']) ?? bodyOf(request, resources.pods, ['update'], 'resize');
  const old: Pod | undefined = request.old;
  if (pod === undefined || old === undefined || !isChange(pod, old)) return;
  const wanted = featuresOf(pod.spec ?? { containers: [] }, old.spec ?? { containers: [] });
  if (wanted.length === 0) return;
  const node = nodeOf(request, pod, view);
  const missing = wanted.filter((feature) => !(node.status?.declaredFeatures ?? []).includes(feature));
  if (missing.length === 0) return;
  const name = JSON.stringify(node.metadata.name);
  throw refusal(request, `pod update requires features ${missing.join(', ')} which are not available on node ${name}`);
};

export const podResize: AdmissionPlugin = (request, view) => {
  const pod = bodyOf(request, resources.pods, ['update'], 'resize');
  const old = request.old;
  if (pod === undefined || old === undefined || !isChange(pod, old)) return;
  const node = nodeOf(request, pod, view);
  const system = node.metadata.labels?.['kubernetes.io/os'] ?? 'linux';
  if (system !== 'linux') {
    const name = JSON.stringify(node.metadata.name);
    const why = `pod resize is only supported on linux nodes, node ${name} is ${JSON.stringify(system)}`;
    throw refusal(request, why, 'UnsupportedPlatform');
  }
  const short = shortages(pod.spec ?? { containers: [] }, node);
  if (short.length === 0) return;
  const why = `node didn't have enough allocatable resources: ${short.join('; ')}`;
  throw refusal(request, why, 'NodeCapacity');
};

/** The generation changes with the spec only; a pod without a node has nobody to ask. */
function isChange(pod: Pod, old: Pod): boolean {
  return (pod.spec?.nodeName ?? '') !== '' && pod.metadata?.generation !== old.metadata?.generation;
}

function nodeOf(request: AdmissionRequest, { spec }: Pod, view: AdmissionView): Live<Node> {
  const name = spec?.nodeName ?? '';
  const node = view.get(resources.nodes, { namespace: '', name });
  if (node === undefined) throw refusal(request, `node ${JSON.stringify(name)} not found`);
  return node;
}

/** Of upstream's features (component-helpers/nodedeclaredfeatures), those that an update can ask for. */
function featuresOf(now: PodSpec, was: PodSpec): string[] {
  const features: string[] = [];
  if (!sameValue(now.resources, was.resources)) features.push('InPlacePodLevelResourcesVerticalScaling');
  const isResized = ({ restartPolicy, resources: before }: Container, index: number): boolean =>
    restartPolicy !== 'Always' && !sameValue(before, now.initContainers?.[index]?.resources);
  if ((was.initContainers ?? []).some(isResized)) features.push('InPlacePodVerticalScalingInitContainers');
  return features;
}

const scales = [
  { name: 'cpu', valueOf: milliValue },
  { name: 'memory', valueOf: quantityValue },
] as const;

function shortages(spec: PodSpec, { status }: Live<Node>): string[] {
  const sums = totals(spec, 'requests');
  return scales.flatMap(({ name, valueOf }) => {
    const own = parseQuantity(spec.resources?.requests?.[name] ?? '') ?? sums.get(name) ?? none;
    const overhead = parseQuantity(spec.overhead?.[name] ?? '') ?? none;
    const asked = { ...own, nano: own.nano + overhead.nano };
    const allocatable = parseQuantity(status?.allocatable?.[name] ?? '') ?? none;
    if (asked.nano <= allocatable.nano) return [];
    return [`${name}, requested: ${valueOf(asked)}, allocatable: ${valueOf(allocatable)}`];
  });
}

const none: Quantity = { nano: 0n, format: 'decimal' };

function refusal({ resource, name }: AdmissionRequest, why: string, cause?: string): Error {
  return forbidden(resource, name, why, cause === undefined ? undefined : [{ reason: cause }]);
}
