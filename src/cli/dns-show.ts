/** `portolan dns show NAME`: an answer, and the object it comes from. */
import { Command, Option } from 'commander';
import { resources } from '../api/resources.ts';
import type { ShowOptions, Shown } from '../dns/show.ts';
import { UsageError } from '../cluster/usage-error.ts';
import { outputOption } from './flags.ts';
import { clientFor } from './part-process.ts';

/** Those of `portolan dns` itself, which stand before `show` or after it. */
export interface ShowFlags {
  readonly kubeconfig?: string;
  readonly name?: string;
  readonly clusterDomain: string;
  readonly serviceClusterIpRange: readonly string[];
  readonly clusterCidr: readonly string[];
  readonly pods: ShowOptions['podRecords'];
  readonly namespace: string;
  readonly type?: string;
  readonly output: string;
}

const types = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33 } as const;

export function dnsShowCommand(): Command {
  return new Command('show')
    .description('Print what a name is answered with and the object behind it, or why there is nothing.')
    .argument('<name>', 'as a pod would ask it: `web`, `web.default`, `web.default.svc.cluster.local`, an address')
    .option('--name <name>', 'of a local cluster (default: the cluster of --kubeconfig)')
    .option('-n, --namespace <name>', 'of the pod that asks', 'default')
    .addOption(new Option('-t, --type <type>', 'one record type (default: all there are)').choices(Object.keys(types)))
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  portolan dns show web -n shop\n  portolan dns show 10.96.0.10\n  portolan dns show _http._tcp.web.shop.svc.cluster.local -t SRV',
    )
    .action(async (name: string, _flags: unknown, command: Command) => {
      const flags: ShowFlags = command.optsWithGlobals();
      const shown = await explain(name, flags);
      process.stdout.write(flags.output === 'json' ? `${JSON.stringify(shown, undefined, 2)}\n` : table(shown));
      if (shown.code === 'NXDOMAIN') process.exitCode = 1;
    });
}

async function explain(asked: string, given: ShowFlags): Promise<Shown> {
  const flags = given.name === undefined ? given : { ...given, ...(await ofCluster(given.name)) };
  const [{ show, reverseName }, client] = await Promise.all([
    import('../dns/show.ts'),
    clientFor('dns-show', flags.kubeconfig),
  ]);
  const name = reverseName(asked) ?? asked;
  try {
    const [services, endpointSlices, namespaces, pods, serviceCIDRs] = await Promise.all([
      client.list(resources.services),
      client.list(resources.endpointSlices),
      client.list(resources.namespaces),
      flags.pods === 'verified' ? client.list(resources.pods) : { items: [] },
      // A server may not have them, or not for everybody's eyes.
      client.list(resources.serviceCIDRs).catch(() => ({ items: [] })),
    ]);
    return show(
      name,
      flags.type === undefined ? undefined : types[flags.type as keyof typeof types],
      {
        services: services.items,
        endpointSlices: endpointSlices.items,
        namespaces: namespaces.items,
        pods: pods.items,
        serviceCIDRs: serviceCIDRs.items,
      },
      {
        clusterDomain: flags.clusterDomain,
        serviceCidrs: flags.serviceClusterIpRange,
        podCidrs: flags.clusterCidr,
        podRecords: flags.pods,
        namespace: flags.namespace,
      },
    );
  } catch (error) {
    if (error instanceof Error && error.name === 'WireError') throw new UsageError(`${asked}: ${error.message}`);
    throw error;
  } finally {
    client.close();
  }
}

async function ofCluster(
  name: string,
): Promise<Pick<ShowFlags, 'kubeconfig' | 'serviceClusterIpRange' | 'clusterCidr'>> {
  const { findCluster, rangesOf } = await import('../cluster/index.ts');
  const { paths, settings } = findCluster(name);
  const ranges = rangesOf(settings);
  return {
    kubeconfig: paths.kubeconfig('admin'),
    serviceClusterIpRange: ranges.map(({ serviceRange }) => serviceRange),
    clusterCidr: ranges.map(({ podRange }) => podRange),
  };
}

function table({ name, code, records, why }: Shown): string {
  const rows = records.map((record) => [record.name, String(record.ttl), record.type, record.data, record.from]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const head = records.length > 0 ? [] : [`${name} ${code}`];
  return [...head, ...lines, ...why.map((reason) => `  ${reason}`), ''].join('\n');
}
