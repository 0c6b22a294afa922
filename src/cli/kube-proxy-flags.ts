/**
 * kube-proxy's command line and configuration file, so that the arguments of its DaemonSet can be given as they are.
 *
 *   honoured   those below, beside what both programs have (proxy-flags.ts)
 *   idle       our tables or our process have no use for them: told once in the log
 *   refused    they ask for what we cannot do: told, with why, before anything is written
 *
 *   --config FILE   a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1). What it says goes before the flags, as upstream has it,
 *                   but for --hostname-override
 *
 * Upstream: cmd/kube-proxy/app/options.go, pkg/proxy/apis/config/v1alpha1.
 */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { UsageError } from '../cluster/usage-error.ts';
import type { ConntrackWishes } from '../proxy/index.ts';
import { wholeNumber } from './flags.ts';

export interface KubeProxyFlags {
  readonly config?: string;
  readonly master?: string;
  readonly proxyMode?: string;
  readonly detectLocalMode?: string;
  readonly iptablesLocalhostNodeports?: boolean;
  readonly masqueradeAll?: boolean;
  readonly bindAddressHardFail?: boolean;
  readonly conntrackTcpTimeoutEstablished?: number;
  readonly conntrackTcpTimeoutCloseWait?: number;
  readonly conntrackUdpTimeout?: number;
  readonly conntrackUdpTimeoutStream?: number;
  readonly conntrackTcpBeLiberal?: boolean;
  readonly conntrackMaxPerCore?: number;
  readonly conntrackMin?: number;
  readonly healthzPort?: number;
  readonly metricsPort?: number;
}

/** Flag without its dashes -> what it takes. */
const idle = {
  'bind-address': '<ip>',
  'boot-id-file': '<file>',
  'machine-id-file': '<file>',
  'config-sync-period': '<duration>',
  'feature-gates': '<gates>',
  'iptables-masquerade-bit': '<bit>',
  'iptables-min-sync-period': '<duration>',
  'iptables-sync-period': '<duration>',
  'ipvs-exclude-cidrs': '<cidrs>',
  'ipvs-min-sync-period': '<duration>',
  'ipvs-scheduler': '<name>',
  'ipvs-strict-arp': '[bool]',
  'ipvs-sync-period': '<duration>',
  'ipvs-tcp-timeout': '<duration>',
  'ipvs-tcpfin-timeout': '<duration>',
  'ipvs-udp-timeout': '<duration>',
  'kube-api-burst': '<n>',
  'kube-api-content-type': '<type>',
  'kube-api-qps': '<n>',
  'log-flush-frequency': '<duration>',
  'log-json-info-buffer-size': '<size>',
  'log-json-split-stream': '[bool]',
  'log-text-info-buffer-size': '<size>',
  'log-text-split-stream': '[bool]',
  'logging-format': '<format>',
  profiling: '[bool]',
  'show-hidden-metrics-for-version': '<version>',
  vmodule: '<patterns>',
} as const;

const refused = {
  'init-only': 'the proxy has no first step that could be done alone: run it as it is',
  'write-config-to': 'no configuration file is written: each field is a flag',
  'pod-bridge-interface': 'pods are told by their addresses: use --detect-local-mode NodeCIDR or ClusterCIDR',
  'pod-interface-name-prefix': 'pods are told by their addresses: use --detect-local-mode NodeCIDR or ClusterCIDR',
} as const;

const modes = ['nftables', 'iptables', 'ipvs'];
const localModes = ['ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix'];

export function kubeProxyFlags(command: Command): Command {
  command
    .option('--config <file>', "kube-proxy's configuration file; what it says goes before the flags")
    .option('--master <url>', "the API server's address, instead of the kubeconfig's")
    .addOption(
      new Option(
        '--detect-local-mode <mode>',
        "which pods are this node's: NodeCIDR, those in its Node's podCIDRs (default); ClusterCIDR, all in --cluster-cidr, for networks " +
          'that give pods other addresses',
      ).argParser(localMode),
    )
    .addOption(new Option('--proxy-mode <mode>', 'nftables, whatever it says').argParser(proxyMode))
    .option('--iptables-localhost-nodeports [bool]', 'TCP node ports on 127.0.0.1 and ::1 (default: true)', bool)
    .option('--conntrack-tcp-timeout-established <duration>', 'of connections that are idle (default: 24h)', duration)
    .option('--conntrack-tcp-timeout-close-wait <duration>', 'of half-closed ones (default: 1h)', duration)
    .option('--conntrack-udp-timeout <duration>', 'of flows without an answer (default: as it is)', duration)
    .option('--conntrack-udp-timeout-stream <duration>', 'of flows that are answered (default: as it is)', duration)
    .option('--conntrack-tcp-be-liberal [bool]', 'packets out of the window are not invalid (default: as it is)', bool)
    .option('--conntrack-max-per-core <n>', 'connections per processor (default: as it is)', wholeNumber)
    .option('--conntrack-min <n>', 'connections at least, with --conntrack-max-per-core (default: 131072)', wholeNumber)
    .addOption(new Option('--masquerade-all [bool]').argParser(bool).hideHelp())
    .addOption(new Option('--bind-address-hard-fail [bool]').argParser(bool).hideHelp())
    .addOption(new Option('--healthz-port <port>').argParser(wholeNumber).hideHelp())
    .addOption(new Option('--metrics-port <port>').argParser(wholeNumber).hideHelp())
    .addOption(new Option('-v, --v <level>').hideHelp());
  for (const [name, takes] of Object.entries(idle)) command.addOption(new Option(`--${name} ${takes}`).hideHelp());
  for (const name of Object.keys(refused)) command.addOption(new Option(`--${name} [value]`).hideHelp());
  return command;
}

/** Throws where they ask for what cannot be done; returns those that ask for nothing that there is. */
export function checkKubeProxyFlags(flags: KubeProxyFlags, given: readonly string[]): readonly string[] {
  for (const [name, why] of Object.entries(refused))
    if (given.includes(name)) throw new UsageError(`--${name}: ${why}`);
  if (flags.masqueradeAll === true) {
    throw new UsageError(
      '--masquerade-all: a pod that uses a cluster IP keeps its address; other networks are not served',
    );
  }
  if (flags.bindAddressHardFail === true) {
    throw new UsageError(
      '--bind-address-hard-fail: a port that somebody else has is told of, and does not end the proxy',
    );
  }
  if (flags.detectLocalMode === 'BridgeInterface' || flags.detectLocalMode === 'InterfaceNamePrefix') {
    throw new UsageError(`--detect-local-mode ${flags.detectLocalMode}: ${refused['pod-bridge-interface']}`);
  }
  const mode = flags.proxyMode === 'iptables' || flags.proxyMode === 'ipvs' ? ['proxy-mode'] : [];
  return [...mode, ...given.filter((name) => name in idle)];
}

export function conntrackWishes(flags: KubeProxyFlags): ConntrackWishes {
  const { conntrackMaxPerCore: maxPerCore = 0, conntrackMin: min = 131_072 } = flags;
  return {
    established: flags.conntrackTcpTimeoutEstablished,
    closeWait: flags.conntrackTcpTimeoutCloseWait,
    udp: flags.conntrackUdpTimeout,
    udpStream: flags.conntrackUdpTimeoutStream,
    beLiberal: flags.conntrackTcpBeLiberal,
    max: maxPerCore === 0 ? undefined : { perCore: maxPerCore, min },
  };
}

/** Reads `true`, `1`, `F` as Go's flags do; without a value: true. */
export function bool(text: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw new InvalidArgumentError('want true or false.');
}

const unitSeconds: Readonly<Record<string, number>> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/** Reads `24h0m0s`, `1h30m`, `0` into whole seconds. */
export function duration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (text !== '0' && (text === '' || parts.map(([whole]) => whole).join('') !== text)) {
    throw new InvalidArgumentError('want a duration such as 1h30m or 90s.');
  }
  return Math.floor(parts.reduce((sum, [, value, unit = 's']) => sum + Number(value) * (unitSeconds[unit] ?? 0), 0));
}

export function proxyMode(text: string): string {
  if (text === '' || modes.includes(text)) return text;
  throw new InvalidArgumentError(`must be ${modes.toSorted().join(',')} or blank.`);
}

export function localMode(text: string): string {
  if (text === '' || localModes.includes(text)) return text;
  throw new InvalidArgumentError(`must be one of ${localModes.join(', ')}.`);
}
