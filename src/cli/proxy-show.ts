/**
 * `portolan proxy show [SERVICE]`: what the services mean on a node, what its kernel holds, and any difference. Exit code 1 when
 * there is one.
 *
 *   --kubeconfig given ── this machine, as `portolan proxy` runs on it
 *   else               ── the nodes of a local cluster
 */
import { Command } from 'commander';
import { isReason } from '../api/errors.ts';
import { resources } from '../api/resources.ts';
import type { ClosableClient } from '../client/index.ts';
import { findCluster, netnsPath, rangesOf, UsageError } from '../cluster/index.ts';
import type { Cluster, NodePlace } from '../cluster/index.ts';
import type { Shown, ShownKey, ShowOptions } from '../proxy/index.ts';
import { podLinks } from '../util/pod-links.ts';
import { nameOption, outputOption } from './flags.ts';
import { clientFor } from './part-process.ts';
import { proxyFlags, proxyOptions, readProxyFlags } from './proxy-flags.ts';
import type { ProxyFlags } from './proxy-flags.ts';
import { table } from './table.ts';

interface Flags extends ProxyFlags {
  readonly name: string;
  readonly node?: string;
  readonly namespace?: string;
  readonly output: 'table' | 'json';
}

/** A change that is under way is no difference: it is there a moment later. */
const looks = 3;
const pauseMs = 300;

export function proxyShowCommand(): Command {
  return proxyFlags(new Command('show'))
    .description(
      "Print the services' logical table and the kernel's side by side, and any difference. Exit code 1 if there is one.",
    )
    .argument('[service]', 'only this one')
    .option('-n, --namespace <namespace>', 'of the service (with SERVICE: default; else: all)')
    .option('--node <name>', 'only this node of a local cluster (default: all)')
    .addOption(nameOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      "\nExamples:\n  portolan proxy show\n  portolan proxy show web -n shop --node node-1\n  portolan proxy show -o json | jq '.[].keys[] | select(.differences != [])'\n  portolan proxy show --kubeconfig proxy.kubeconfig --cluster-cidr 10.244.0.0/16",
    )
    .action(async (service: string | undefined, _flags: Flags, command: Command) => {
      // Flags that the parent has too end up there.
      const flags = await readProxyFlags(command.optsWithGlobals<Flags>(), command);
      if (process.getuid?.() !== 0) throw new UsageError('reading kernel tables needs root: sudo portolan proxy show');
      const wanted = await targets(flags);
      try {
        const shown = await Promise.all(wanted.options.map(settled));
        const chosen = shown.map((one) => select(one, service, flags.namespace));
        if (service !== undefined && chosen.every(({ keys }) => keys.length === 0)) {
          throw new UsageError(await whyNothing(wanted.client, flags.namespace ?? 'default', service));
        }
        process.stdout.write(flags.output === 'json' ? `${JSON.stringify(chosen, undefined, 2)}\n` : text(chosen));
        process.exitCode = chosen.every(isClean) ? 0 : 1;
      } finally {
        wanted.client.close();
      }
    });
}

async function whyNothing(client: ClosableClient, namespace: string, name: string): Promise<string> {
  const named = `service "${name}" in namespace "${namespace}"`;
  try {
    const [service, { whyNotProxied }] = await Promise.all([
      client.get(resources.services, { namespace, name }),
      import('../model/index.ts'),
    ]);
    const why = whyNotProxied(service);
    return `${named} has no address that a node answers for${why === undefined ? '' : `: ${why}`}`;
  } catch (error) {
    if (isReason(error, 'NotFound')) return `there is no ${named}`;
    throw error;
  }
}

async function targets(flags: Flags): Promise<{ readonly client: ClosableClient; readonly options: ShowOptions[] }> {
  if (flags.kubeconfig !== undefined) {
    const client = await clientFor('proxy-show', flags.kubeconfig, flags.master);
    return { client, options: [proxyOptions(client, flags)] };
  }
  const cluster = findCluster(flags.name);
  const { nodes } = cluster.topology;
  const chosen = nodes.filter(({ name }) => flags.node === undefined || name === flags.node);
  if (chosen.length === 0) {
    const names = nodes.map(({ name }) => name).join(', ');
    throw new UsageError(`there is no node "${flags.node ?? ''}": choose one of ${names}`);
  }
  const client = await clientFor('proxy-show', cluster.paths.kubeconfig('admin'));
  return { client, options: chosen.map((node) => nodeOptions(client, cluster, node, flags)) };
}

/** As the node's agent runs its proxy (src/cluster/parts.ts); the flags that an agent may have been given beside are told again. */
function nodeOptions(client: ClosableClient, { settings }: Cluster, node: NodePlace, flags: Flags): ShowOptions {
  const ranges = rangesOf(settings);
  const { clusterIpClients, externalIpRange = settings.externalIpRange } = flags;
  return {
    client,
    nodeName: node.name,
    nodeIPs: node.addresses,
    clusterCidrs: ranges.map(({ podRange }) => podRange),
    podCidrs: node.podRanges,
    serviceCidrs: ranges.map(({ serviceRange }) => serviceRange),
    lanCidrs: ranges.map(({ lanRange }) => lanRange),
    podLinks,
    ...(clusterIpClients === undefined ? {} : { clusterIpClients }),
    ...(externalIpRange === undefined ? {} : { externalIpCidrs: externalIpRange }),
    netns: netnsPath(node.namespace),
  };
}

async function settled(options: ShowOptions): Promise<Shown> {
  const { showProxy } = await import('../proxy/index.ts');
  for (let look = 1; ; look++) {
    const shown = await showProxy(options);
    if (isClean(shown) || look === looks) return shown;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

function select(shown: Shown, service: string | undefined, namespace: string | undefined): Shown {
  if (service === undefined && namespace === undefined) return shown;
  const isWanted = (key: ShownKey): boolean =>
    service === undefined
      ? key.service.startsWith(`${namespace ?? ''}/`)
      : key.service === `${namespace ?? 'default'}/${service}`;
  return { ...shown, keys: shown.keys.filter(isWanted) };
}

function isClean({ keys, problems }: Shown): boolean {
  return problems.length === 0 && keys.every(({ differences }) => differences.length === 0);
}

function text(shown: readonly Shown[]): string {
  return `${shown.map(nodeText).join('\n\n')}\n`;
}

function nodeText({ node, keys, problems }: Shown): string {
  const sorted = [...keys].sort((a, b) => order(a).localeCompare(order(b)));
  const differing = sorted.filter(({ differences }) => differences.length > 0);
  const count = differing.length + problems.length;
  const verdict = count === 0 ? 'the kernel holds what it should' : `${String(count)} DIFFER`;
  const rows = sorted.map((key) => [
    key.service === '' ? '(nobody)' : key.service,
    key.kind,
    key.key,
    sideText(key.logical),
    sideText(key.kernel),
    key.differences.length === 0 ? 'ok' : 'DIFFERS',
  ]);
  const details = differing.flatMap(({ key, differences }) => differences.map((one) => `${key}: ${one}`));
  const reasons = sorted.flatMap(({ service, why }) => (why === undefined ? [] : [`${service}: ${why}`]));
  return [
    `${node}: ${String(keys.length)} addresses; ${verdict}`,
    ...(rows.length === 0 ? [] : [table(['SERVICE', 'KIND', 'ADDRESS', 'LOGICAL', 'KERNEL', 'SAME'], rows)]),
    ...new Set(reasons),
    ...problems,
    ...details,
  ].join('\n');
}

function order({ service, key }: ShownKey): string {
  return `${service === '' ? '~' : service} ${key}`;
}

/** One word where inside and outside meet the same. */
function sideText(outcome: ShownKey['logical']): string {
  if (outcome === undefined) return '(nothing)';
  const { inside, outside, sources } = outcome;
  const both = inside === outside || outside === '-' ? brief(inside) : `${brief(inside)} | outside: ${brief(outside)}`;
  return sources === undefined ? both : `${both} (from ${sources.join(', ')})`;
}

/** Of many endpoints, the first few. */
function brief(endpoints: string): string {
  const all = endpoints.split(' ');
  return all.length <= 3 ? endpoints : `${all.slice(0, 2).join(' ')} and ${String(all.length - 2)} more`;
}
