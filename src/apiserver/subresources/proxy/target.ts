/**
 * `[SCHEME:]NAME[:PORT]` of a proxied pod, service or node → the address to dial.
 * Upstream: registry/core/{pod,service,node} ResourceLocation; apimachinery's net.SplitSchemeNamePort.
 */
import type { RequestOptions } from 'node:https';
import type { EndpointSlice, Node, Pod, Service } from '../../../api/gen/types.ts';
import type { KubeObject, Live } from '../../../api/object.ts';
import { resources } from '../../../api/resources.ts';
import type { Server } from '../../context.ts';
import { badRequest, notFound, serviceUnavailable } from '../../errors.ts';
import { bucketOf } from '../../registry.ts';
import type { ResourceRequest } from '../../request-info.ts';
import { slotOf } from '../../write.ts';
import { nodeRequest } from '../node-tls.ts';
import { checkedAddress } from './address.ts';

export interface ProxyTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** TLS settings and credentials for this target alone. */
  readonly tls: RequestOptions;
}

export function proxyTarget(server: Server, info: ResourceRequest): ProxyTarget {
  switch (info.plural) {
    case 'pods':
      return podTarget(server, info);
    case 'services':
      return serviceTarget(server, info);
    default:
      return nodeTarget(server, info);
  }
}

interface Name {
  readonly scheme: 'http' | 'https' | '';
  readonly name: string;
  readonly port: string;
}

export function splitName(text: string): Name | undefined {
  const parts = text.split(':');
  const [scheme = '', name = '', port = ''] =
    parts.length === 1 ? ['', parts[0]] : parts.length === 2 ? ['', parts[0], parts[1]] : parts;
  if (parts.length > 3 || name === '' || (scheme !== '' && scheme !== 'http' && scheme !== 'https')) return undefined;
  return parts.length === 3 && scheme === '' ? undefined : { scheme, name, port };
}

/** Back ends of pods and services have certificates that nobody here can check; upstream does not either. */
const anyCertificate: RequestOptions = { rejectUnauthorized: false };

function found<T extends KubeObject>(
  server: Server,
  resource: Parameters<typeof slotOf>[0],
  namespace: string,
  name: string,
): Live<T> {
  const item = server.store.get(slotOf(resource, { namespace, name }));
  if (item === undefined) throw notFound(resource, name);
  return item.value as Live<T>;
}

function podTarget(server: Server, info: ResourceRequest): ProxyTarget {
  const wish = splitName(info.name);
  if (wish === undefined) throw badRequest(`invalid pod request ${JSON.stringify(info.name)}`);
  const pod = found<Pod>(server, resources.pods, info.namespace, wish.name);
  const scheme = wish.scheme === '' ? 'http' : wish.scheme;
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  const fallback = ports[0]?.containerPort ?? (scheme === 'https' ? 443 : 80);
  const port =
    wish.port === ''
      ? fallback
      : portNumber(wish.port, () => badRequest(`invalid pod request ${JSON.stringify(info.name)}`));
  const address = pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? '';
  return { scheme, host: checkedAddress(address, ownAddresses(server)), port, tls: anyCertificate };
}

function serviceTarget(server: Server, info: ResourceRequest): ProxyTarget {
  const wish = splitName(info.name);
  if (wish === undefined) throw badRequest(`invalid service request ${JSON.stringify(info.name)}`);
  const service = found<Service>(server, resources.services, info.namespace, wish.name);
  const none = (): Error => serviceUnavailable(`no endpoints available for service ${JSON.stringify(info.name)}`);
  // Its name is somebody else's to choose and leads anywhere.
  if (service.spec?.type === 'ExternalName') throw none();
  const portName = servicePort(service, wish.port, info.name);
  const endpoints = readyEndpoints(server, info.namespace, wish.name, portName);
  const chosen = endpoints[Math.floor(Math.random() * endpoints.length)];
  if (chosen === undefined) throw none();
  const scheme = wish.scheme === '' ? 'http' : wish.scheme;
  return { scheme, host: checkedAddress(chosen.address, ownAddresses(server)), port: chosen.port, tls: anyCertificate };
}

/** A number means the service's port of that number. */
function servicePort(service: Live<Service>, port: string, id: string): string {
  if (!/^\d+$/.test(port)) return port;
  const match = (service.spec?.ports ?? []).find((candidate) => candidate.port === Number(port));
  if (match === undefined) throw serviceUnavailable(`no service port ${port} found for service ${JSON.stringify(id)}`);
  return match.name ?? '';
}

interface Address {
  readonly address: string;
  readonly port: number;
}

/** Only those that a pod of the same namespace stands behind, with that very address. */
function readyEndpoints(server: Server, namespace: string, service: string, portName: string): readonly Address[] {
  const list: Address[] = [];
  for (const { value } of server.store.list(bucketOf(resources.endpointSlices), namespace)) {
    const slice = value as Live<EndpointSlice>;
    if (slice.metadata.labels?.['kubernetes.io/service-name'] !== service) continue;
    const port = (slice.ports ?? []).find(({ name = '' }) => name === portName)?.port;
    if (port === undefined) continue;
    for (const { addresses, conditions, targetRef } of slice.endpoints ?? []) {
      const [address = ''] = addresses;
      if (conditions?.ready === false || targetRef?.kind !== 'Pod' || targetRef.namespace !== namespace) continue;
      const pod = server.store.get(slotOf(resources.pods, { namespace, name: targetRef.name ?? '' }));
      const ips = (pod?.value as Live<Pod> | undefined)?.status?.podIPs ?? [];
      if (ips.some(({ ip }) => ip === address)) list.push({ address, port });
    }
  }
  return list;
}

function nodeTarget(server: Server, info: ResourceRequest): ProxyTarget {
  const wish = splitName(info.name);
  if (wish === undefined) throw badRequest(`invalid node request ${JSON.stringify(info.name)}`);
  const node = found<Node>(server, resources.nodes, '', wish.name);
  const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  if (address === undefined) throw badRequest('no preferred addresses found; known addresses: []');
  const host = checkedAddress(address, ownAddresses(server));
  const kubelet = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 10250;
  const asked =
    wish.port === ''
      ? kubelet
      : portNumber(wish.port, () => badRequest(`invalid node request ${JSON.stringify(info.name)}`));
  // The API server's own certificate is for the agent alone.
  if (asked === kubelet)
    return { scheme: 'https', host, port: asked, tls: nodeRequest(server, { host, port: asked }, '/') };
  return { scheme: wish.scheme === '' ? 'http' : wish.scheme, host, port: asked, tls: anyCertificate };
}

function ownAddresses(server: Server): readonly string[] {
  return [server.options.advertiseAddress];
}

function portNumber(text: string, refuse: () => Error): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535) throw refuse();
  return port;
}
