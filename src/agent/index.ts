/**
 * The door of the node agent (Kubernetes: the kubelet).
 *
 * What `down` must sweep after a crash, nothing else is left behind:
 *   - network namespaces `${netnsPrefix}-pod-*` in /run/netns (with them go the pods' veth pairs),
 *   - processes: the containers' own (`runDir/events/ID.pid` has the first one of each; with it its whole pid namespace ends),
 *     and per container `sh runDir/monitor.sh`, `crun`, two `cat` (four to six), which end by themselves when it does,
 *   - no mounts: each container's mounts live in a private mount namespace that ends with its processes,
 *   - the directories rootDir and runDir.
 */
export { runAgent } from './agent.ts';
/** For finding a pod's network namespace from its uid: `/run/netns/NETNS`. */
export type { AgentOptions, AgentServing } from './options.ts';
