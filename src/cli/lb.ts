/** `portolan lb`: the load balancer alone, on a host between the clients and the nodes. */
import { Command } from 'commander';
import { kubeconfigOption, list, port } from './flags.ts';
import { clientFor, runPart, serverAnswers } from './part-process.ts';

interface Flags {
  readonly kubeconfig?: string;
  readonly pool: readonly string[];
  readonly lanInterface: string;
  readonly publicInterface: string;
  readonly lanRange: readonly string[];
  readonly clusterCidr?: readonly string[];
  readonly serviceClusterIpRange?: readonly string[];
  readonly healthPort?: number;
}

export function lbCommand(): Command {
  return new Command('lb')
    .description('Give LoadBalancer services their addresses and forward to the node ports of Ready nodes.')
    .addOption(kubeconfigOption())
    .requiredOption('--pool <ranges>', 'addresses to give away: CIDRs, first-last, or single ones', list())
    .requiredOption('--lan-interface <name>', 'the leg to the nodes')
    .requiredOption('--public-interface <name>', 'the leg to the clients')
    .requiredOption('--lan-range <cidrs>', "the nodes' networks: clients in them are masqueraded", list())
    .option('--cluster-cidr <cidrs>', 'pod ranges', list())
    .option('--service-cluster-ip-range <cidrs>', 'no pool may touch these', list())
    .option('--health-port <port>', '/healthz and /metrics on 127.0.0.1 (default 10258; 0: none)', port)
    .addHelpText(
      'after',
      '\nExamples:\n  portolan lb --kubeconfig lb.kubeconfig --pool 198.51.100.128/25 --lan-interface lan0 --public-interface wan0 --lan-range 10.10.10.0/24',
    )
    .action((flags: Flags) =>
      runPart('lb', async (signal) => {
        const { runLb } = await import('../lb/index.ts');
        const client = await clientFor('lb', flags.kubeconfig);
        await serverAnswers(client, signal);
        await runLb(
          {
            client,
            pools: flags.pool,
            lanInterface: flags.lanInterface,
            publicInterface: flags.publicInterface,
            lanCidrs: flags.lanRange,
            ...(flags.clusterCidr === undefined ? {} : { podCidrs: flags.clusterCidr }),
            ...(flags.serviceClusterIpRange === undefined ? {} : { reservedCidrs: flags.serviceClusterIpRange }),
            ...(flags.healthPort === undefined ? {} : { healthPort: flags.healthPort }),
          },
          signal,
        );
      }),
    );
}
