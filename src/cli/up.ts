/** `portolan up`: starts a cluster in the background and returns when it answers. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { defaultName, rangeFlags, up } from '../cluster/index.ts';
import type { ClusterFlags, UpResult } from '../cluster/index.ts';
import { cidrs, nameOption, wholeNumber } from './flags.ts';
import { kernelReport } from './kernel-report.ts';

interface Flags extends Omit<ClusterFlags, 'podRange' | 'serviceRange'> {
  readonly clusterCidr?: string;
  readonly serviceClusterIpRange?: string;
  readonly wait: number;
}

const examples = `
Examples:
  sudo portolan up                        three nodes, in about a second
  sudo portolan up --name dev --nodes 5   another cluster beside it
  sudo portolan up --data /srv/portolan   keeps its objects over "portolan down"
  sudo portolan up                        again: starts what died, mends what is missing`;

export function upCommand(): Command {
  return new Command('up')
    .description('Start a cluster in the background and return when it is Ready. On a running cluster: mend it.')
    .addOption(nameOption())
    .option('--nodes <n>', 'how many nodes (default 3)', wholeNumber)
    .option(
      '--zones <n>',
      'spread them over this many zones: topology.kubernetes.io/zone (default: no zones)',
      wholeNumber,
    )
    .option(
      '--data <dir>',
      'keep the state here; "down" then leaves it (default /var/lib/portolan/NAME, which "down" removes)',
    )
    .option('--images <dir>', 'image store (default /var/lib/portolan/images)')
    .option(`${rangeFlags.lanRange} <cidr>`, "the nodes' LAN (default 10.10.10.0/24)")
    .option(`${rangeFlags.publicRange} <cidr>`, 'the internet side (default 198.51.100.0/24)')
    .option(`${rangeFlags.poolRange} <cidr>`, 'load balancer addresses (default: upper half of the public range)')
    .option(`${rangeFlags.podRange} <cidr>`, 'pod addresses, a /24 per node (default 10.244.0.0/16)')
    .option(`${rangeFlags.serviceRange} <cidr>`, 'cluster IPs (default 10.96.0.0/16)')
    .option(
      '--external-ip-range <cidrs>',
      'Services may have externalIPs, and those in these ranges count (default: refused)',
      cidrs(),
    )
    .option('--ipv6', 'IPv6 alone, in ranges of fd00::/16')
    .option('--dual-stack', 'IPv4 and IPv6: IPv4 is the primary family')
    .option('--wait <seconds>', 'how long to wait until it is Ready', wholeNumber, 60)
    .addHelpText('after', examples)
    .action(async (flags: Flags) => {
      const started = performance.now();
      const result = await up({
        flags: clusterFlags(flags),
        main: process.argv[1] ?? '',
        say: (line) => process.stderr.write(` • ${line}\n`),
        signal: interrupted(),
        timeoutMs: flags.wait * 1000,
        probe: kernelReport,
      });
      process.stdout.write(farewell(result, performance.now() - started));
    });
}

function clusterFlags({ clusterCidr, serviceClusterIpRange, wait: _, ...rest }: Flags): ClusterFlags {
  return {
    ...rest,
    ...(rest.data === undefined ? {} : { data: resolve(rest.data) }),
    ...(rest.images === undefined ? {} : { images: resolve(rest.images) }),
    ...(clusterCidr === undefined ? {} : { podRange: clusterCidr }),
    ...(serviceClusterIpRange === undefined ? {} : { serviceRange: serviceClusterIpRange }),
  };
}

/** Ctrl-C takes back what was begun; a second one ends at once. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => controller.abort(new Error(`interrupted by ${signal}`)));
  }
  return controller.signal;
}

function farewell({ settings, topology, kubeconfig }: UpResult, ms: number): string {
  const name = settings.name === defaultName ? '' : ` --name ${settings.name}`;
  const program = process.env['PORTOLAN_COMMAND'] ?? 'portolan';
  const example = fileURLToPath(new URL('../../examples/three-tier.yaml', import.meta.url));
  const ip = `$(kubectl get service frontend -o jsonpath='{.status.loadBalancer.ingress[0].ip}')`;
  const url = topology.families[0].isIPv6 ? `http://[${ip}]` : `http://${ip}`;
  return `Cluster "${settings.name}" is Ready (${(ms / 1000).toFixed(2)} s). kubectl's context is now "${topology.context}" (${kubeconfig}).

Try next:
  kubectl get nodes -o wide
  kubectl apply -f ${example}
  ${program} from${name} internet -- curl -s ${url}
  ${program} status${name}
`;
}
