/**
 * `portolan from VANTAGE -- CMD…`: runs a command in a place of the cluster's network, with this terminal and its exit code.
 *
 *   node/NAME lan internet lb control ── nsenter into the place's network namespace
 *   pod/NS/NAME[/CONTAINER]           ── crun exec in its container: its files, its resolv.conf, its network
 *   host                              ── here
 */
import { Command } from 'commander';
// Past the door, behind which `up` and the API client are: this command is run again and again.
import { findCluster } from '../cluster/find.ts';
import type { Cluster } from '../cluster/find.ts';
import { netnsPath } from '../cluster/processes.ts';
import { UsageError } from '../cluster/usage-error.ts';
import { nameOption } from './flags.ts';
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
  if (kind === 'pod' && (names.length === 2 || names.length === 3)) {
    needRoot();
    // Only a pod is asked of the API server: its client costs the other places half of their time.
    const { inPod } = await import('./from-pod.ts');
    return inPod(cluster, names, command);
  }
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

function needRoot(): void {
  if (process.getuid?.() !== 0) throw new UsageError('entering a network namespace needs root: sudo ./portolan from …');
}
