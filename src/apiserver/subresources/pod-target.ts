/**
 * Pod and query → the node agent and the container that are meant. Upstream: registry/core/pod/strategy.go (LogLocation,
 * streamLocation, validateContainer).
 */
import { badRequest, notFound } from '../errors.ts';
import type { Server } from '../context.ts';
import type { ResourceRequest } from '../request-info.ts';
import type { Container, Node, Pod } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { slotOf } from '../write.ts';

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

export interface PodTarget {
  readonly pod: Live<Pod>;
  readonly container: string;
  readonly node: NodeAddress;
}

export function podTarget(server: Server, info: ResourceRequest, container: string): PodTarget {
  const pod = findPod(server, info);
  const name = containerOf(pod, container);
  return { pod, container: name, node: nodeAddress(server, pod) };
}

export function findPod(server: Server, info: ResourceRequest): Live<Pod> {
  const found = server.store.get(slotOf(resources.pods, info));
  if (found === undefined) throw notFound(resources.pods, info.name);
  return found.value as Live<Pod>;
}

/** `kubectl` annotates the default itself; the API asks for a name when there are several. */
function containerOf(pod: Live<Pod>, asked: string): string {
  const containers = pod.spec?.containers ?? [];
  const initial = pod.spec?.initContainers ?? [];
  const ephemeral = pod.spec?.ephemeralContainers ?? [];
  const { name } = pod.metadata;
  if (asked === '') {
    const [only] = containers;
    if (containers.length === 1 && only !== undefined) return only.name;
    if (containers.length === 0) throw badRequest(`a container name must be specified for pod ${name}`);
    const list = (items: readonly Pick<Container, 'name'>[]): string => items.map((item) => item.name).join(' ');
    let text = `a container name must be specified for pod ${name}, choose one of: [${list(containers)}]`;
    if (initial.length > 0) text += ` or one of the init containers: [${list(initial)}]`;
    throw badRequest(text);
  }
  if ([...containers, ...initial, ...ephemeral].some((item) => item.name === asked)) return asked;
  throw badRequest(`container ${asked} is not valid for pod ${name}`);
}

export function nodeAddress(server: Server, pod: Live<Pod>): NodeAddress {
  const nodeName = pod.spec?.nodeName ?? '';
  if (nodeName === '') throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  const found = server.store.get(slotOf(resources.nodes, { namespace: '', name: nodeName }));
  const node = found?.value as Live<Node> | undefined;
  if (node === undefined) throw notFound(resources.nodes, nodeName);
  const host = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  if (host === undefined) throw badRequest(`no preferred addresses found; known addresses: []`);
  return { host, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 10250 };
}
