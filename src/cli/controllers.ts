/** `portolan controllers`: the controllers alone, against any API server. Flags have kube-controller-manager's names. */
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { Client } from '../client/index.ts';
import type { ControllerOptions } from '../controllers/index.ts';
import { kubeconfigOption, list, wholeNumber } from './flags.ts';
import { clientFor, runPart, tellWhileUnreachable } from './part-process.ts';

export interface ControllersFlags {
  readonly kubeconfig?: string;
  readonly rootCaFile?: string;
  readonly clusterSigningCertFile?: string;
  readonly clusterSigningKeyFile?: string;
  readonly clusterSigningDuration?: number;
  readonly clusterCidr?: readonly string[];
  readonly nodeMonitorGracePeriod?: number;
  readonly without?: readonly string[];
}

export function controllersCommand(): Command {
  return controllersFlags(new Command('controllers'))
    .description(
      'Run the controllers: endpoint slices, endpoints, deployments, replica sets, scheduler, namespaces, nodes, garbage.',
    )
    .addHelpText('after', '\nExamples:\n  portolan controllers --kubeconfig admin.kubeconfig --without scheduler')
    .action(async (flags: ControllersFlags) => {
      // A kubeconfig that can't be read is a mistake of the person, and told as one.
      const client = await clientFor('controllers', flags.kubeconfig);
      return runPart('controllers', async (signal) => {
        void tellWhileUnreachable('controllers', client, signal);
        await control(client, flags, signal);
      });
    });
}

/** Shared with `control-plane`. */
export function controllersFlags(command: Command): Command {
  return command
    .addOption(kubeconfigOption())
    .option('--root-ca-file <file>', 'for the ConfigMap kube-root-ca.crt of each namespace')
    .option('--cluster-signing-cert-file <file>', 'the CA that certificates are signed with (default: nobody signs)')
    .option('--cluster-signing-key-file <file>', 'its key')
    .option(
      '--cluster-signing-duration <seconds>',
      'how long certificates live that ask for no less (default: a year)',
      wholeNumber,
    )
    .option(
      '--cluster-cidr <cidrs>',
      'pod ranges are given to nodes from here (default: nodes keep what they have)',
      list(),
    )
    .option(
      '--node-monitor-grace-period <seconds>',
      'a node that is silent for so long is Unknown (default 40)',
      wholeNumber,
    )
    .option('--without <loops>', 'leave these out, for a cluster that has its own', list());
}

export async function control(client: Client, flags: ControllersFlags, signal: AbortSignal): Promise<void> {
  const { runControllers } = await import('../controllers/index.ts');
  await runControllers(
    client,
    {
      ...(flags.clusterCidr === undefined ? {} : { clusterCidr: flags.clusterCidr }),
      ...(flags.rootCaFile === undefined ? {} : { caCert: await readFile(flags.rootCaFile, 'utf8') }),
      ...(await signingOf(flags)),
      ...(flags.nodeMonitorGracePeriod === undefined
        ? {}
        : { nodeMonitorGracePeriodSeconds: flags.nodeMonitorGracePeriod }),
      ...(flags.without === undefined ? {} : { without: flags.without }),
    },
    signal,
  );
}

async function signingOf(flags: ControllersFlags): Promise<Pick<ControllerOptions, 'signing'>> {
  const { clusterSigningCertFile: certificate, clusterSigningKeyFile: key, clusterSigningDuration } = flags;
  if (certificate === undefined || key === undefined) return {};
  const [certificatePem, keyPem] = await Promise.all([readFile(certificate, 'utf8'), readFile(key, 'utf8')]);
  return {
    signing: {
      certificate: certificatePem,
      key: keyPem,
      ...(clusterSigningDuration === undefined ? {} : { durationSeconds: clusterSigningDuration }),
    },
  };
}
