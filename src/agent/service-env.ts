/**
 * The variables that a container learns its services by: {SVC}_SERVICE_HOST, {SVC}_SERVICE_PORT[_NAME] and Docker's links.
 * Upstream: pkg/kubelet/envvars/envvars.go, and kubelet_pods.go getServiceEnvVarMap for which services.
 */
import type { Service } from '../api/gen/types.ts';
import type { KubeObject } from '../api/object.ts';

type ServiceLike = Service & KubeObject;

/** Services of the pod's namespace (when links are on), and `kubernetes` of `default` always. */
export function serviceEnvironment(
  services: Iterable<ServiceLike>,
  namespace: string,
  enableServiceLinks: boolean,
): Map<string, string> {
  const chosen = new Map<string, ServiceLike>();
  for (const service of services) {
    const clusterIp = service.spec?.clusterIP ?? '';
    if (clusterIp === '' || clusterIp === 'None') continue;
    const name = service.metadata?.name ?? '';
    const home = service.metadata?.namespace ?? '';
    // A `kubernetes` of the pod's own namespace wins over the API server's.
    if (home === namespace && enableServiceLinks) chosen.set(name, service);
    else if (home === 'default' && name === 'kubernetes' && !chosen.has(name)) chosen.set(name, service);
  }
  const env = new Map<string, string>();
  for (const service of chosen.values()) addService(env, service);
  return env;
}

function addService(env: Map<string, string>, service: ServiceLike): void {
  const prefix = variableName(service.metadata?.name ?? '');
  const host = service.spec?.clusterIP ?? '';
  const ports = service.spec?.ports ?? [];
  const first = ports[0];
  if (first === undefined) return;
  env.set(`${prefix}_SERVICE_HOST`, host);
  env.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const port of ports) {
    if (port.name !== undefined && port.name !== '') {
      env.set(`${prefix}_SERVICE_PORT_${variableName(port.name)}`, String(port.port));
    }
  }
  const address = host.includes(':') ? `[${host}]` : host;
  ports.forEach((port, index) => {
    const protocol = port.protocol ?? 'TCP';
    const url = `${protocol.toLowerCase()}://${address}:${String(port.port)}`;
    if (index === 0) env.set(`${prefix}_PORT`, url);
    const link = `${prefix}_PORT_${String(port.port)}_${protocol}`;
    env.set(link, url);
    env.set(`${link}_PROTO`, protocol.toLowerCase());
    env.set(`${link}_PORT`, String(port.port));
    env.set(`${link}_ADDR`, host);
  });
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
