/** `portolan apiserver`: the Kubernetes API alone. Flags have kube-apiserver's names. */
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import type { ApiServer } from '../apiserver/index.ts';
import { UsageError } from '../cluster/usage-error.ts';
import { parseIp, specialRange } from '../util/ip.ts';
import { list, port } from './flags.ts';
import { aborted, runPart } from './part-process.ts';

export interface ApiserverFlags {
  readonly dataDir: string;
  readonly certDir: string;
  readonly bindAddress: string;
  readonly securePort: number;
  readonly advertiseAddress?: string;
  readonly serviceClusterIpRange: readonly string[];
  readonly serviceNodePortRange: string;
  readonly enableAdmissionPlugins?: readonly string[];
  readonly disableAdmissionPlugins?: readonly string[];
}

export function apiserverCommand(): Command {
  return apiserverFlags(new Command('apiserver'))
    .description('Serve the Kubernetes API.')
    .action((flags: ApiserverFlags) =>
      runPart('apiserver', async (signal) => {
        const server = await serveApi(flags, signal);
        await aborted(signal);
        await server.close();
      }),
    );
}

/** Shared with `control-plane`. */
export function apiserverFlags(command: Command): Command {
  return command
    .requiredOption('--data-dir <dir>', 'where the objects are kept')
    .requiredOption('--cert-dir <dir>', 'ca, apiserver, apiserver-kubelet-client (.crt and .key), sa.key and sa.pub')
    .option('--bind-address <ip>', 'listen on', '0.0.0.0')
    .option('--secure-port <port>', 'HTTPS port', port, 6443)
    .option(
      '--advertise-address <ip>',
      'what the endpoints of the `kubernetes` service say (default: the bind address, or where that is all or loopback the first of this machine)',
    )
    .option('--service-cluster-ip-range <cidrs>', 'cluster IPs; two, of both families, for dual-stack', list(), [
      '10.96.0.0/16',
    ])
    .option('--service-node-port-range <range>', 'node ports', '30000-32767')
    .option('--enable-admission-plugins <names>', 'those that are on by default are on in any case', list())
    .option(
      '--disable-admission-plugins <names>',
      "of upstream's admission plugins, DenyServiceExternalIPs say",
      list(),
    );
}

/** `components`: which others run in this process. */
export async function serveApi(
  flags: ApiserverFlags,
  signal: AbortSignal,
  components: readonly string[] = [],
): Promise<ApiServer> {
  const { startApiServer, wrongPluginNames } = await import('../apiserver/index.ts');
  const wrong = wrongPluginNames(flags.enableAdmissionPlugins ?? [], flags.disableAdmissionPlugins ?? []);
  if (wrong.length > 0) throw new UsageError(wrong.join('; '));
  if (!existsSync(join(flags.certDir, 'ca.crt'))) {
    throw new UsageError(
      `--cert-dir ${flags.certDir}: no ca.crt is there; "portolan up" makes such a folder, DATA/pki`,
    );
  }
  const host = flags.bindAddress.includes(':') ? `[${flags.bindAddress}]` : flags.bindAddress;
  const options = {
    dataDir: flags.dataDir,
    components,
    pkiDir: flags.certDir,
    listen: [`${host}:${String(flags.securePort)}`],
    advertiseAddress: flags.advertiseAddress ?? reachable(flags.bindAddress),
    serviceClusterIPRange: flags.serviceClusterIpRange,
    serviceNodePortRange: flags.serviceNodePortRange,
    ...(flags.disableAdmissionPlugins === undefined ? {} : { disabledAdmission: flags.disableAdmissionPlugins }),
  };
  return startApiServer(options, signal);
}

/** As kube-apiserver does: the `kubernetes` service can lead neither to everywhere nor to loopback. */
function reachable(bindAddress: string): string {
  const ip = parseIp(bindAddress);
  if (ip === undefined) throw new UsageError(`--bind-address ${bindAddress}: want an IP address`);
  if (specialRange(ip) === undefined) return bindAddress;
  const others = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const found = others.find((one) => !one.internal && one.family === ip.family);
  if (found !== undefined) return found.address;
  throw new UsageError(`no address leads to ${bindAddress} from elsewhere: name one with --advertise-address`);
}
