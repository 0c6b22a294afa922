/** `portolan proxy`: a node's kernel tables alone, against any API server. Flags have kube-proxy's names. */
import { hostname, networkInterfaces } from 'node:os';
import { Command } from 'commander';
import { UsageError } from '../cluster/usage-error.ts';
import { kubeconfigOption, list } from './flags.ts';
import { aborted, clientFor, runPart } from './part-process.ts';

interface Flags {
  readonly kubeconfig?: string;
  readonly hostnameOverride?: string;
  readonly nodeIp?: readonly string[];
  readonly clusterCidr: readonly string[];
  readonly serviceClusterIpRange: readonly string[];
  readonly lanRange?: readonly string[];
}

export function proxyCommand(): Command {
  return new Command('proxy')
    .description("Keep this machine's kernel tables as the cluster's Services are.")
    .addOption(kubeconfigOption())
    .option('--hostname-override <name>', "the Node's name (default: this machine's)")
    .option(
      '--node-ip <ips>',
      'addresses of node ports until the Node tells them (default: all of this machine)',
      list(),
    )
    .option('--cluster-cidr <cidrs>', 'pods of all nodes', list(), ['10.244.0.0/16'])
    .option('--service-cluster-ip-range <cidrs>', 'cluster IPs', list(), ['10.96.0.0/16'])
    .option('--lan-range <cidrs>', 'networks of the nodes: pods keep their address towards them', list())
    .addHelpText(
      'after',
      '\nExamples:\n  portolan proxy --kubeconfig proxy.kubeconfig --hostname-override worker-1 --cluster-cidr 10.244.0.0/16',
    )
    .action((flags: Flags) => {
      if (process.getuid?.() !== 0) throw new UsageError('the proxy writes kernel tables: run it as root');
      return runPart('proxy', async (signal) => {
        const { runProxy } = await import('../proxy/index.ts');
        const proxy = runProxy(
          {
            client: await clientFor('proxy', flags.kubeconfig),
            nodeName: flags.hostnameOverride ?? hostname().toLowerCase(),
            nodeIPs: flags.nodeIp ?? ownAddresses(),
            clusterCidrs: flags.clusterCidr,
            serviceCidrs: flags.serviceClusterIpRange,
            ...(flags.lanRange === undefined ? {} : { lanCidrs: flags.lanRange }),
          },
          signal,
        );
        await aborted(signal);
        await proxy.stopped;
      });
    });
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((one) => one ?? [])
    .filter((one) => !one.internal && !one.address.startsWith('fe80:'))
    .map((one) => one.address);
}
