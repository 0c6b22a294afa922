/** `portolan kubeconfig`: prints the administrator's kubeconfig of a cluster. */
import { Command } from 'commander';
import { accessOf, findCluster, kubeconfigOf, UsageError } from '../cluster/index.ts';
import { nameOption } from './flags.ts';

export function kubeconfigCommand(): Command {
  return new Command('kubeconfig')
    .description("Print a cluster's kubeconfig.")
    .addOption(nameOption())
    .addHelpText(
      'after',
      '\nExamples:\n  sudo portolan kubeconfig > cluster.kubeconfig\n  kubectl --kubeconfig cluster.kubeconfig get nodes',
    )
    .action(async ({ name }: { readonly name: string }) => {
      const { topology, paths } = findCluster(name);
      if (process.getuid?.() !== 0) {
        throw new UsageError("the administrator's key is root's: sudo ./portolan kubeconfig");
      }
      const { stringify } = await import('yaml');
      process.stdout.write(stringify(kubeconfigOf(accessOf(topology, paths, 'admin'))));
    });
}
