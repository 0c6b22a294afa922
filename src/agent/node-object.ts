/**
 * The Node object of this machine: pure, from facts. Upstream: pkg/kubelet/nodestatus/setters.go (reasons and messages).
 */
import type { Node, NodeCondition, NodeStatus } from '../api/gen/types.ts';
import type { Image } from '../images/index.ts';

export interface NodeMachine {
  readonly arch: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly kernel: string;
  readonly osImage: string;
  readonly machineId: string;
  readonly bootId: string;
}

export interface NodeInput {
  readonly name: string;
  readonly ips: readonly string[];
  readonly machine: NodeMachine;
  /** `crun://1.8.1` */
  readonly runtime: string;
  readonly images: readonly Image[];
  readonly port: number;
  /** undefined: Ready; else why not. */
  readonly notReady: string | undefined;
  readonly routesReady: boolean;
  readonly now: string;
  /** What the API server has: transition times stay while a status stays. */
  readonly previous: readonly NodeCondition[];
}

const maxPods = 110;
export const version = 'v1.36.0+portolan';

export function nodeLabels(
  name: string,
  arch: string,
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': arch,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': arch,
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    ...extra,
  };
}

export function nodeObject(
  input: NodeInput,
  labels: Readonly<Record<string, string>>,
  podCidrs: readonly string[] | undefined,
): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: input.name, labels: nodeLabels(input.name, input.machine.arch, labels) },
    spec: podCidrs?.[0] === undefined ? {} : { podCIDR: podCidrs[0], podCIDRs: [...podCidrs] },
    status: nodeStatus(input),
  };
}

export function nodeStatus(input: NodeInput): NodeStatus {
  const { machine } = input;
  const capacity = {
    cpu: String(machine.cpus),
    'ephemeral-storage': `${String(Math.floor(machine.diskBytes / 1024))}Ki`,
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: `${String(Math.floor(machine.memoryBytes / 1024))}Ki`,
    pods: String(maxPods),
  };
  return {
    addresses: [
      ...input.ips.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: input.name },
    ],
    capacity,
    allocatable: capacity,
    conditions: conditions(input),
    daemonEndpoints: { kubeletEndpoint: { Port: input.port } },
    images: input.images.map((image) => ({ names: [...image.references], sizeBytes: image.size })),
    nodeInfo: {
      architecture: machine.arch,
      bootID: machine.bootId,
      containerRuntimeVersion: input.runtime,
      kernelVersion: machine.kernel,
      kubeProxyVersion: '',
      kubeletVersion: version,
      machineID: machine.machineId,
      operatingSystem: 'linux',
      osImage: machine.osImage,
      systemUUID: machine.machineId,
    },
  };
}

function conditions(input: NodeInput): NodeCondition[] {
  const condition = (type: string, status: boolean, reason: string, message: string): NodeCondition => {
    const text = status ? 'True' : 'False';
    const before = input.previous.find((candidate) => candidate.type === type);
    const since = before?.status === text ? (before.lastTransitionTime ?? input.now) : input.now;
    return { type, status: text, lastHeartbeatTime: input.now, lastTransitionTime: since, reason, message };
  };
  const ready =
    input.notReady === undefined
      ? condition('Ready', true, 'KubeletReady', 'kubelet is posting ready status')
      : condition('Ready', false, 'KubeletNotReady', input.notReady);
  return [
    input.routesReady
      ? condition('NetworkUnavailable', false, 'RouteCreated', 'RouteController created a route')
      : condition('NetworkUnavailable', true, 'NoRouteCreated', 'Node created without a route'),
    condition('MemoryPressure', false, 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    condition('DiskPressure', false, 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    condition('PIDPressure', false, 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    ready,
  ];
}
