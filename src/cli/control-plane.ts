/**
 * `portolan control-plane`: API server and controllers in one process. The controllers speak to it through HTTPS, like
 * everybody, so they could as well run elsewhere.
 */
import { Command } from 'commander';
import type { Client } from '../client/index.ts';
import { log } from '../util/log.ts';
import { apiserverFlags, serveApi } from './apiserver.ts';
import type { ApiserverFlags } from './apiserver.ts';
import { control, controllersFlags } from './controllers.ts';
import type { ControllersFlags } from './controllers.ts';
import { list } from './flags.ts';
import { clientFor, runPart } from './part-process.ts';

interface Flags extends ApiserverFlags, ControllersFlags {
  readonly clusterDns?: readonly string[];
}

export function controlPlaneCommand(): Command {
  return controllersFlags(apiserverFlags(new Command('control-plane')))
    .description('Serve the Kubernetes API and run the controllers.')
    .option('--cluster-dns <ips>', 'create the Service kube-system/kube-dns with these cluster IPs', list())
    .action((flags: Flags) =>
      runPart('control-plane', async (signal) => {
        const without = flags.without ?? [];
        const components = ['controller-manager', ...(without.includes('scheduler') ? [] : ['scheduler'])];
        const server = await serveApi(flags, signal, components);
        try {
          const client = await clientFor('controllers', flags.kubeconfig);
          if (flags.clusterDns !== undefined) await announceDns(client, flags.clusterDns);
          await control(client, flags, signal);
        } finally {
          await server.close();
        }
      }),
    );
}

async function announceDns(client: Client, addresses: readonly string[]): Promise<void> {
  // Past the door: the DNS server behind it is not for this process.
  const { ensureKubeDns } = await import('../dns/announce.ts');
  await ensureKubeDns(client, addresses);
  log('control-plane').debug({ addresses }, 'service kube-system/kube-dns is there');
}
