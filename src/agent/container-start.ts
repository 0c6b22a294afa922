/**
 * From a container of a PodSpec to a running process, or to the reason why not.
 *
 *   image ─> environment ─> user ─> mounts ─> config.json ─> runtime.start
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Container, EphemeralContainer, Pod } from '../api/gen/types.ts';
import { hostSubmounts } from '../images/index.ts';
import { containerUser } from './container-user.ts';
import type { UserFiles } from './container-user.ts';
import { ConfigError, containerEnvironment } from './environment.ts';
import { ownHostName } from './hosts-file.ts';
import { ImageError } from './image-manager.ts';
import type { ReadyImage } from './image-manager.ts';
import { bind, etcMounts, terminationMount, volumeMounts } from './mounts.ts';
import { configReader } from './node-context.ts';
import type { NodeContext } from './node-context.ts';
import { commandLine, ociSpec } from './oci-spec.ts';
import type { PodRecord } from './pod-record.ts';
import { netnsPath } from './pod-network.ts';
import { isAlive } from './process.ts';
import type { StartResult } from './runtime.ts';
import { serviceEnvironment } from './service-env.ts';

export interface PodSetting {
  readonly pod: Pod;
  readonly record: PodRecord;
  readonly podIps: readonly string[];
  readonly volumes: ReadonlyMap<string, string>;
}

export type ContainerStart =
  | {
      readonly kind: 'started';
      readonly image: string;
      readonly imageId: string;
      readonly stopSignal?: string;
      readonly result: StartResult;
    }
  | { readonly kind: 'refused'; readonly reason: string; readonly message: string };

export type Tell = (type: 'Normal' | 'Warning', reason: string, message: string) => void;

export async function startContainer(
  context: NodeContext,
  setting: PodSetting,
  container: Container,
  id: string,
  logFile: string,
  tell: Tell,
): Promise<ContainerStart> {
  const { pod } = setting;
  const config = configReader(context.client, pod.metadata?.namespace ?? '');
  let spec: Record<string, unknown>;
  let ready: ReadyImage;
  try {
    ready = await context.images.ensure(pod, container, config, tell);
    spec = await makeSpec(context, setting, container, ready, id);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof ImageError) return { kind: 'refused', reason: error.reason, message };
    tell('Warning', 'Failed', `Error: ${message}`);
    const reason = error instanceof ConfigError ? 'CreateContainerConfigError' : 'CreateContainerError';
    return { kind: 'refused', reason, message };
  }
  tell('Normal', 'Created', 'Container created');
  context.logs.open(id, logFile);
  const result = await context.runtime.start({
    id,
    spec,
    layers: ready.layers,
    seed: ready.seed,
    stdin: stdinOf(container),
    hostPid: pod.spec?.hostPID === true,
  });
  if (result.kind === 'running') tell('Normal', 'Started', 'Container started');
  const [name = ''] = ready.image.references;
  const imageId = ready.hostRoot ? name : `${name.replace(/[:@][^/]*$/, '')}@${ready.image.digest}`;
  const stopSignal = ready.image.config.StopSignal;
  return {
    kind: 'started',
    image: container.image ?? '',
    imageId,
    ...(stopSignal === undefined ? {} : { stopSignal }),
    result,
  };
}

async function makeSpec(
  context: NodeContext,
  setting: PodSetting,
  container: Container,
  ready: ReadyImage,
  id: string,
): Promise<Record<string, unknown>> {
  const { pod, record } = setting;
  const namespace = pod.metadata?.namespace ?? '';
  await context.services.synced;
  const environment = await containerEnvironment({
    pod,
    container,
    podIps: setting.podIps,
    node: context.facts,
    services: serviceEnvironment(context.services.list(), namespace, pod.spec?.enableServiceLinks ?? true),
    config: configReader(context.client, namespace),
  });
  if (commandLine({ container, image: ready.image.config, environment }).length === 0) {
    throw new Error('no command specified');
  }
  const user = configured(() => containerUser(pod, container, ready.image.config.User ?? '', userFiles(ready.layers)));
  const podDir = context.records.dir(record.uid);
  const terminationDir = join(podDir, 'containers', container.name);
  mkdirSync(terminationDir, { recursive: true, mode: 0o711 });
  const host = pod.spec?.hostNetwork === true;
  return ociSpec({
    pod,
    container,
    image: ready.image.config,
    hostRoot: ready.hostRoot,
    environment,
    user,
    hostname: host ? context.facts.name : ownHostName(pod, context.options.clusterDomain),
    pidNamespace: pidNamespaceOf(container, record),
    netns: record.network === undefined ? undefined : netnsPath(record.network.netns),
    mounts: [
      ...(ready.hostRoot ? hostSubmounts().map((place) => bind(place, place, true)) : []),
      ...etcMounts(join(podDir, 'etc'), container, ['hosts', 'hostname', 'resolv.conf']),
      ...volumeMounts(container, setting.volumes, environment),
      // Its path may be inside of a volume.
      terminationMount(join(terminationDir, id.slice(0, 12)), container),
    ],
    cgroupsPath: context.runtime.cgroups.manager === 'disabled' ? undefined : `/portolan/pod${record.uid}/${id}`,
  });
}

/** `kubectl debug --target`: the processes of that container are seen. */
function pidNamespaceOf(container: EphemeralContainer, record: PodRecord): string | undefined {
  const target = container.targetContainerName ?? '';
  if (target === '') return undefined;
  const process = record.containers[target]?.process;
  if (process === undefined || !isAlive(process)) throw new ConfigError(`unable to find target container "${target}"`);
  return `/proc/${String(process.pid)}/ns/pid`;
}

/** What the security context or the image asks for and can't have is the user's to repair. */
function configured<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error));
  }
}

function userFiles(layers: readonly string[]): UserFiles {
  const passwd = firstText(layers, 'etc/passwd');
  const group = firstText(layers, 'etc/group');
  return { ...(passwd === undefined ? {} : { passwd }), ...(group === undefined ? {} : { group }) };
}

function firstText(layers: readonly string[], path: string): string | undefined {
  for (const layer of layers) {
    try {
      return readFileSync(join(layer, path), 'utf8');
    } catch {
      // Not in this layer.
    }
  }
  return undefined;
}

function stdinOf(container: Container): 'none' | 'open' | 'once' | 'tty' {
  if (container.tty === true) return 'tty';
  if (container.stdin !== true) return 'none';
  return container.stdinOnce === true ? 'once' : 'open';
}
