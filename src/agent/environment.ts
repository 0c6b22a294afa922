/**
 * A container's environment: image, then services, then envFrom, then env; later wins; `$(VAR)` sees what came before.
 * Upstream: pkg/kubelet/kubelet_pods.go makeEnvironmentVariables.
 */
import type { ConfigMap, Container, EnvVar, Pod, Secret } from '../api/gen/types.ts';
import { expand } from './expand.ts';
import { fieldValue, resourceValue } from './downward.ts';
import type { NodeFacts } from './downward.ts';

/** Reads of the pod's namespace; undefined: there is none of that name. */
export interface ConfigReader {
  configMap(name: string): Promise<ConfigMap | undefined>;
  secret(name: string): Promise<Secret | undefined>;
}

export interface EnvironmentInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly podIps: readonly string[];
  readonly node: NodeFacts;
  readonly services: ReadonlyMap<string, string>;
  readonly config: ConfigReader;
}

/** What the user wrote asks for something that is not there: reason CreateContainerConfigError. */
export class ConfigError extends Error {}

export async function containerEnvironment(input: EnvironmentInput): Promise<Map<string, string>> {
  const result = new Map<string, string>();
  for (const source of input.container.envFrom ?? []) {
    const prefix = source.prefix ?? '';
    const reference = source.configMapRef ?? source.secretRef;
    if (reference === undefined) continue;
    const kind = source.configMapRef === undefined ? 'secret' : 'configmap';
    const data = await readData(input.config, kind, reference.name ?? '');
    if (data === undefined) {
      if (reference.optional === true) continue;
      throw new ConfigError(`${kind} "${reference.name ?? ''}" not found`);
    }
    for (const [key, value] of data) result.set(prefix + key, value.toString('utf8'));
  }
  const visible = (name: string): string | undefined => result.get(name) ?? input.services.get(name);
  for (const variable of input.container.env ?? []) {
    const value =
      variable.valueFrom === undefined ? expand(variable.value ?? '', visible) : await valueFrom(input, variable);
    if (value !== undefined) result.set(variable.name, value);
  }
  for (const [name, value] of input.services) if (!result.has(name)) result.set(name, value);
  return result;
}

async function valueFrom(input: EnvironmentInput, variable: EnvVar): Promise<string | undefined> {
  const from = variable.valueFrom ?? {};
  if (from.fieldRef !== undefined) return fieldValue(input.pod, from.fieldRef, input.podIps, input.node);
  if (from.resourceFieldRef !== undefined) {
    return resourceValue(input.pod, input.container, from.resourceFieldRef, input.node);
  }
  const selector = from.configMapKeyRef ?? from.secretKeyRef;
  if (selector === undefined) return undefined;
  const kind = from.configMapKeyRef === undefined ? 'secret' : 'configmap';
  const name = selector.name ?? '';
  const data = await readData(input.config, kind, name);
  const value = data?.get(selector.key);
  if (value !== undefined) return value.toString('utf8');
  if (selector.optional === true) return undefined;
  if (data === undefined) throw new ConfigError(`${kind} "${name}" not found`);
  const owner = `${input.pod.metadata?.namespace ?? ''}/${name}`;
  throw new ConfigError(`couldn't find key ${selector.key} in ${kind === 'secret' ? 'Secret' : 'ConfigMap'} ${owner}`);
}

/** Keys and bytes of a ConfigMap (data and binaryData) or a Secret; undefined: not found. */
export async function readData(
  config: ConfigReader,
  kind: 'configmap' | 'secret',
  name: string,
): Promise<Map<string, Buffer> | undefined> {
  const data = new Map<string, Buffer>();
  if (kind === 'secret') {
    const secret = await config.secret(name);
    if (secret === undefined) return undefined;
    for (const [key, value] of Object.entries(secret.data ?? {})) data.set(key, Buffer.from(value, 'base64'));
    return data;
  }
  const map = await config.configMap(name);
  if (map === undefined) return undefined;
  for (const [key, value] of Object.entries(map.data ?? {})) data.set(key, Buffer.from(value, 'utf8'));
  for (const [key, value] of Object.entries(map.binaryData ?? {})) data.set(key, Buffer.from(value, 'base64'));
  return data;
}
