/** `portolan dns`: the cluster DNS alone, with an address and port of your choice. */
import { Command, Option } from 'commander';
import type { DnsOptions, Listen } from '../dns/index.ts';
import { UsageError } from '../cluster/usage-error.ts';
import { log } from '../util/log.ts';
import { dnsShowCommand } from './dns-show.ts';
import { kubeconfigOption, list } from './flags.ts';
import { aborted, clientFor, runPart } from './part-process.ts';

interface Flags {
  readonly kubeconfig?: string;
  readonly listen: readonly string[];
  readonly clusterDomain: string;
  readonly serviceClusterIpRange: readonly string[];
  readonly clusterCidr: readonly string[];
  readonly allowFrom?: readonly string[];
  readonly upstream?: readonly string[];
  readonly forward?: readonly string[];
  readonly autopath?: boolean;
  readonly pods: NonNullable<DnsOptions['podRecords']>;
  readonly log?: boolean;
  readonly resolvConf: string;
  readonly upstreamNetns?: string;
  readonly metrics?: readonly string[];
}

export function dnsCommand(): Command {
  return new Command('dns')
    .description("Answer the cluster's names; ask the machine's own name servers for all others.")
    .addOption(kubeconfigOption())
    .option('--listen <addresses>', 'address:port, UDP and TCP', list(), ['127.0.0.1:5353'])
    .option('--cluster-domain <name>', 'the zone', 'cluster.local')
    .option('--service-cluster-ip-range <cidrs>', 'their reverse zones are ours', list(), ['10.96.0.0/16'])
    .option('--cluster-cidr <cidrs>', 'pod ranges, likewise', list(), ['10.244.0.0/16'])
    .option('--allow-from <cidrs>', 'who may ask (default: everybody)', list())
    .option('--upstream <servers>', 'where other names are asked (default: as --resolv-conf says)', list())
    .option('--forward <zone=servers...>', 'ask for names in a zone elsewhere: corp.example=10.1.1.1,10.1.1.2:5353')
    .option('--autopath', "complete the search list of the pod that asks (watches the cluster's pods)")
    .addOption(
      new Option('--pods <mode>', 'records below pod.DOMAIN: verified watches the pods')
        .choices(['disabled', 'insecure', 'verified'])
        .default('insecure'),
    )
    .option('--log', 'log every question and its answer')
    .option('--resolv-conf <file>', 'names the upstream servers', '/etc/resolv.conf')
    .option('--upstream-netns <path>', 'network namespace to ask them from')
    .option('--metrics <addresses>', 'address:port for /metrics, /health and /ready', list())
    .addHelpText(
      'after',
      '\nExamples:\n  portolan dns --kubeconfig ~/.kube/config --listen 127.0.0.1:5353\n  dig @127.0.0.1 -p 5353 kubernetes.default.svc.cluster.local',
    )
    .addCommand(dnsShowCommand())
    .action((flags: Flags) =>
      runPart('dns', async (signal) => {
        const [{ runDns }, { staySmall }] = await Promise.all([
          import('../dns/index.ts'),
          import('../kernel/memory.ts'),
        ]);
        const options = optionsOf(flags);
        const client = await clientFor('dns', flags.kubeconfig);
        const dns = await runDns({ ...options, client }, signal);
        // This process does nothing else, and the list it has read is many times what is kept of it.
        void dns.synced.then(staySmall);
        await aborted(signal);
        await dns.stopped;
      }),
    );
}

function optionsOf(flags: Flags): Omit<DnsOptions, 'client'> {
  return {
    listen: flags.listen.map(parseListen),
    clusterDomain: flags.clusterDomain,
    serviceCidrs: flags.serviceClusterIpRange,
    podCidrs: flags.clusterCidr,
    upstreams: flags.upstream ?? { resolvConf: flags.resolvConf },
    podRecords: flags.pods,
    autopath: flags.autopath === true,
    ...(flags.forward === undefined ? {} : { forward: flags.forward }),
    ...(flags.log === true ? { queryLog: (line: string) => log('dns').info(line) } : {}),
    ...(flags.allowFrom === undefined ? {} : { allowFrom: flags.allowFrom }),
    ...(flags.upstreamNetns === undefined ? {} : { upstreamNetns: flags.upstreamNetns }),
    ...(flags.metrics === undefined ? {} : { metrics: flags.metrics.map(parseListen) }),
  };
}

/** `10.0.0.1:53`, `[::1]:53`. */
function parseListen(text: string): Listen {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text);
  const value = Number(match?.[3]);
  if (match === null || value > 65535)
    throw new UsageError(`${text}: want address:port, like 127.0.0.1:5353 or [::1]:5353`);
  return { address: match[1] ?? match[2] ?? '', port: value };
}
