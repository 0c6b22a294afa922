/** What the workers of all pods of a node share. */
import type { ConfigMap, Secret, Service } from '../api/gen/types.ts';
import { isReason } from '../api/errors.ts';
import { resources } from '../api/resources.ts';
import type { EventRecorder } from '../client/index.ts';
import type { Client, Informer } from '../client/index.ts';
import type { NodeFacts } from './downward.ts';
import type { ConfigReader } from './environment.ts';
import type { HostPorts } from './host-ports.ts';
import type { ImageManager } from './image-manager.ts';
import type { Ipam } from './ipam.ts';
import type { LogPump } from './log-pump.ts';
import type { AgentOptions } from './options.ts';
import type { AgentPaths } from './paths.ts';
import type { PodRecords } from './pod-record.ts';
import type { Runtime } from './runtime.ts';
import type { TokenSource } from './tokens.ts';

export interface NodeContext {
  readonly options: AgentOptions;
  readonly client: Client;
  readonly paths: AgentPaths;
  readonly runtime: Runtime;
  readonly logs: LogPump;
  readonly records: PodRecords;
  readonly images: ImageManager;
  readonly hostPorts: HostPorts;
  readonly tokens: TokenSource;
  readonly events: EventRecorder;
  readonly facts: NodeFacts;
  readonly services: Informer<Service>;
  /** There when the node's pod ranges are known. */
  readonly ipam: Promise<Ipam>;
  readonly signal: AbortSignal;
}

/** Reads by single GETs: a node sees only what its pods name. */
export function configReader(client: Client, namespace: string): ConfigReader {
  const optional = async <T>(read: Promise<T>): Promise<T | undefined> => {
    try {
      return await read;
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    }
  };
  return {
    configMap: (name): Promise<ConfigMap | undefined> =>
      optional(client.get(resources.configMaps, { namespace, name })),
    secret: (name): Promise<Secret | undefined> => optional(client.get(resources.secrets, { namespace, name })),
  };
}
