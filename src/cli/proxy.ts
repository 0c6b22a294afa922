/** `portolan proxy`: a node's kernel tables alone, against any API server. Flags have kube-proxy's names. */
import { Command } from 'commander';
import { UsageError } from '../cluster/usage-error.ts';
import { bool } from './kube-proxy-flags.ts';
import { aborted, clientFor, runPart, tellWhileUnreachable } from './part-process.ts';
import { between, takePrecedence } from './precedence.ts';
import type { Precedence } from './precedence.ts';
import { proxyFlags, proxyOptions, readProxyFlags } from './proxy-flags.ts';
import type { ProxyFlags } from './proxy-flags.ts';
import { proxyShowCommand } from './proxy-show.ts';

interface Flags extends ProxyFlags, Precedence {
  readonly cleanup?: boolean;
}

export function proxyCommand(): Command {
  return (
    proxyFlags(new Command('proxy'))
      .description("Keep this machine's kernel tables as the cluster's Services are.")
      // kube-proxy's default: cmd/kube-proxy, oomScoreAdj.
      .option('--oom-score-adj <n>', 'how readily the kernel ends it for want of memory', between(-1000, 1000), -999)
      .option(
        '--nice <n>',
        'its priority among the processes of this machine, as nice(1) has it',
        between(-20, 19),
        -10,
      )
      .option(
        '--cleanup [bool]',
        'take our kernel tables away and exit: nothing else of ours stays in the kernel',
        bool,
      )
      .addHelpText(
        'after',
        '\nExamples:\n  portolan proxy --kubeconfig proxy.kubeconfig --hostname-override worker-1 --cluster-cidr 10.244.0.0/16\n  portolan proxy show web -n shop\n  portolan proxy --cleanup',
      )
      .addCommand(proxyShowCommand())
      .action(async (plain: Flags, command: Command) => {
        const flags = await readProxyFlags(plain, command);
        if (process.getuid?.() !== 0) throw new UsageError('the proxy writes kernel tables: run it as root');
        if (flags.cleanup === true) return cleanUp();
        // A kubeconfig that can't be read is a mistake of the person, and told as one.
        const client = await clientFor('proxy', flags.kubeconfig, flags.master);
        return runPart('proxy', async (signal) => {
          takePrecedence(flags);
          const { runProxy } = await import('../proxy/index.ts');
          const proxy = runProxy(proxyOptions(client, flags), signal);
          void tellWhileUnreachable('proxy', client, signal);
          await aborted(signal);
          await proxy.stopped;
        });
      })
  );
}

async function cleanUp(): Promise<void> {
  const { createDataPlane } = await import('../dataplane/index.ts');
  const plane = createDataPlane({ podCidrs: [], serviceCidrs: ['0.0.0.0/0', '::/0'], nonMasqueradeCidrs: [] });
  await plane.remove();
  plane.close();
}
