/** `portolan down`: takes a cluster away. */
import { Command } from 'commander';
import { down } from '../cluster/index.ts';
import { nameOption } from './flags.ts';

export function downCommand(): Command {
  return new Command('down')
    .description(
      'Take a cluster away: processes, containers, namespaces, links, state and kubectl context. Works on half a cluster too.',
    )
    .addOption(nameOption())
    .addHelpText('after', '\nExamples:\n  sudo portolan down\n  sudo portolan down --name dev')
    .action(async ({ name }: { readonly name: string }) => {
      const { found, keptData } = await down({ name });
      if (!found) process.stdout.write(`There is no cluster "${name}": nothing to take down.\n`);
      else
        process.stdout.write(
          `Cluster "${name}" is gone${keptData === undefined ? '' : `; its data stays in ${keptData}`}.\n`,
        );
    });
}
