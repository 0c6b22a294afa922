/**
 * `portolan from VANTAGE -- CMD…`: runs a command in a place of the cluster's network, with this terminal and its exit code.
 *
 *   node/NAME lan internet lb control ── nsenter into the place's network namespace
 *   pod/NS/NAME[/CONTAINER]           ── crun exec in its container: its files, its resolv.conf, its network
 *   host                              ── here
 */
import { join } from 'node:path';
import { Command } from 'commander';
import type { Pod } from '../api/gen/types.ts';
import { isReason } from '../api/errors.ts';
import type { Live } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import { findCluster, netnsPath, UsageError } from '../cluster/index.ts';
import type { Cluster } from '../cluster/index.ts';
import { nameOption } from './flags.ts';
import { clientFor } from './part-process.ts';
import { passThrough } from './pass-through.ts';

export function fromCommand(): Command {
  return new Command('from')
    .description(
      'Run a command in a place: pod/NAMESPACE/NAME[/CONTAINER], node/NAME, lan, internet, lb, control or host.',
    )
    .argument('<vantage>', 'the place')
    .argument('[command...]', 'what to run there, after "--" (default: a shell)')
    .addOption(nameOption())
    .configureOutput({
      outputError: (text, write) =>
        write(
          /unknown option/.test(text) ? `${text}(put "--" before the command: portolan from lan -- ls -l)\n` : text,
        ),
    })
    .addHelpText(
      'after',
      '\nExamples:\n  portolan from pod/default/web -- curl -s http://myservice\n  portolan from node/node-1 -- curl -s http://10.96.0.10:9153/metrics\n  portolan from internet -- curl -s http://198.51.100.128\n  portolan from lan',
    )
    .action(async (vantage: string, command: readonly string[], { name }: { readonly name: string }) => {
      const cluster = findCluster(name);
      const [program, ...args] = await commandIn(cluster, vantage, command);
      process.exitCode = await passThrough(program, args);
    });
}

/** The whole command line that runs it there. */
async function commandIn(
  cluster: Cluster,
  vantage: string,
  command: readonly string[],
): Promise<readonly [string, ...string[]]> {
  const [kind = '', ...names] = vantage.split('/');
  if (kind === 'pod' && (names.length === 2 || names.length === 3)) return inPod(cluster, names, command);
  const wanted = command.length > 0 ? command : [process.env['SHELL'] ?? '/bin/sh'];
  if (vantage === 'host') return wanted as [string, ...string[]];
  const namespace = namespaceOf(cluster, vantage);
  if (namespace === undefined) throw unknownVantage(cluster, vantage);
  needRoot();
  return ['nsenter', `--net=${netnsPath(namespace)}`, '--', ...wanted];
}

function namespaceOf({ topology }: Cluster, vantage: string): string | undefined {
  const { control, lan, lb, internet, nodes } = topology;
  const places = [control, lan, lb, internet].map((place) => [place.name, place.namespace] as const);
  return new Map([...places, ...nodes.map((node) => [`node/${node.name}`, node.namespace] as const)]).get(vantage);
}

function unknownVantage({ topology }: Cluster, vantage: string): UsageError {
  const nodes = topology.nodes.map((node) => `node/${node.name}`);
  const all = ['pod/NAMESPACE/NAME', ...nodes, 'lan', 'internet', 'lb', 'control', 'host'];
  return new UsageError(`there is no vantage "${vantage}": choose one of ${all.join(', ')}`);
}

async function inPod(
  cluster: Cluster,
  [namespace = '', name = '', container]: readonly string[],
  command: readonly string[],
): Promise<readonly [string, ...string[]]> {
  needRoot();
  const pod = await readPod(cluster, namespace, name);
  const id = runningContainer(pod, container);
  const node = pod.spec?.nodeName ?? '';
  // The node agent's crun state; the container's own cgroup, where it has one, is none of our business.
  const crunRoot = join(cluster.paths.nodeRun(node), 'crun');
  const tty = process.stdin.isTTY && process.stdout.isTTY ? ['--tty'] : [];
  const wanted = command.length > 0 ? command : ['sh'];
  return ['crun', '--root', crunRoot, '--cgroup-manager=disabled', 'exec', ...tty, id, ...wanted];
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

function needRoot(): void {
  if (process.getuid?.() !== 0) throw new UsageError('entering a network namespace needs root: sudo ./portolan from …');
}
