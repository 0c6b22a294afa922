/** `portolan from pod/NAMESPACE/NAME[/CONTAINER]`: the command line that enters the pod's container. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod } from '../api/gen/types.ts';
import { isReason } from '../api/errors.ts';
import type { Live } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import { UsageError } from '../cluster/index.ts';
import type { Cluster } from '../cluster/index.ts';
import { clientFor } from './part-process.ts';

export async function inPod(
  cluster: Cluster,
  [namespace = '', name = '', container]: readonly string[],
  command: readonly string[],
): Promise<readonly [string, ...string[]]> {
  const pod = await readPod(cluster, namespace, name);
  const id = runningContainer(pod, container);
  const node = pod.spec?.nodeName ?? '';
  // The node agent's crun state; the container's own cgroup, where it has one, is none of our business.
  const crunRoot = join(cluster.paths.nodeRun(node), 'crun');
  const tty = process.stdin.isTTY && process.stdout.isTTY ? ['--tty', ...onTerminal(join(crunRoot, id))] : [];
  const wanted = command.length > 0 ? command : ['sh'];
  return ['crun', '--root', crunRoot, '--cgroup-manager=disabled', 'exec', ...tty, id, ...wanted];
}

/** Its own environment and the terminal's kind: crun's --env takes the place of all that the container has. */
function onTerminal(state: string): readonly string[] {
  const { process } = JSON.parse(readFileSync(join(state, 'config.json'), 'utf8')) as {
    readonly process: { readonly env?: readonly string[] };
  };
  const own = (process.env ?? []).filter((one) => !one.startsWith('TERM='));
  return [...own, 'TERM=xterm'].flatMap((one) => ['--env', one]);
}

async function readPod(cluster: Cluster, namespace: string, name: string): Promise<Live<Pod>> {
  const client = await clientFor('from', cluster.paths.kubeconfig('admin'));
  try {
    return await client.get(resources.pods, { namespace, name });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    throw new UsageError(`there is no pod "${name}" in namespace "${namespace}": kubectl get pods -A shows all`);
  } finally {
    client.close();
  }
}

function runningContainer(pod: Live<Pod>, wanted: string | undefined): string {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const status = wanted === undefined ? statuses[0] : statuses.find((one) => one.name === wanted);
  const where = `pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name}`;
  if (
    wanted !== undefined &&
    status === undefined &&
    pod.spec?.containers.every((one) => one.name !== wanted) !== false
  ) {
    const names = (pod.spec?.containers ?? []).map((one) => one.name).join(', ');
    throw new UsageError(`${where} has no container "${wanted}": it has ${names}`);
  }
  const id = status?.containerID?.replace(/^[a-z]+:\/\//, '');
  if (status?.state?.running === undefined || id === undefined) {
    const why = status?.state?.waiting?.reason ?? status?.state?.terminated?.reason ?? pod.status?.phase ?? 'Pending';
    throw new UsageError(`${where} is not running (${why}): kubectl describe pod ${pod.metadata.name} says why`);
  }
  return id;
}
