/**
 * What the caller decides about a node agent. The process runs inside the node's network namespace already (on a real
 * machine: the root one) but in the machine's own mount namespace, so that `/run/netns/*` is seen by everyone: start it
 * with `nsenter --net=…`, not with `ip netns exec`.
 */
import type { Node, Pod, Service } from '../api/gen/types.ts';
import type { Client, Informer } from '../client/index.ts';

export interface AgentOptions {
  readonly client: Client;
  /** For what is not of this node alone: pod routes need every Node. Default: `client`. */
  readonly networkClient?: Client;
  readonly nodeName: string;
  /** First one is the primary family. */
  readonly nodeIPs: readonly string[];
  /** Written to Node.spec.podCIDR(s) when the agent creates its Node; else it waits until a controller has set them. */
  readonly podCidrs?: readonly string[];
  /** State that outlives the machine's boot: pods, containers, logs, volumes. */
  readonly rootDir: string;
  /** State of this boot: crun's state, exit files, pipes. */
  readonly runDir: string;
  /** The image store, shared by all nodes of the machine. */
  readonly imageDir: string;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Pod network namespaces are `${netnsPrefix}-pod-<short id>`. */
  readonly netnsPrefix: string;
  /** PEM texts; without them there is no API on 10250 (no logs, no exec). */
  readonly serving?: AgentServing;
  /** The Node's Ready condition waits for it: proxy and DNS of the node are in. */
  readonly ready?: Promise<void>;
  /** Whole paths of this machine that pods of the host image must not see; rootDir, runDir and /root/.kube always are. */
  readonly hidden?: readonly string[];
  /** The resolv.conf of dnsPolicy Default and of upstream names (default /etc/resolv.conf). */
  readonly resolvConf?: string;
  /** Turn forwarding on in this network namespace (default: only when it is not the machine's root namespace). */
  readonly sysctls?: boolean;
  /** What the process watches already, of all namespaces; Nodes with spec and status.addresses. Default: its own. */
  readonly informers?: {
    readonly services?: Informer<Service>;
    readonly nodes?: Informer<Node>;
    /** Of this node. */
    readonly pods?: Informer<Pod>;
  };
}

export interface AgentServing {
  readonly cert: string;
  readonly key: string;
  /** Client certificates must be signed by it. */
  readonly clientCa: string;
  /** Common names that may call (default: those the API server uses, see node-api/authorize.ts), or organization system:masters. */
  readonly allowedNames?: readonly string[];
  readonly port?: number;
  /** Default: every address of the namespace. */
  readonly address?: string;
}
