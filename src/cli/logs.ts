/** `portolan logs PART`: what a process of the cluster said. */
import { existsSync } from 'node:fs';
import { Argument, Command } from 'commander';
import { findCluster, partNames, UsageError } from '../cluster/index.ts';
import { nameOption, wholeNumber } from './flags.ts';
import { passThrough } from './pass-through.ts';

interface Flags {
  readonly name: string;
  readonly follow?: true;
  readonly tail?: number;
}

export function logsCommand(): Command {
  return new Command('logs')
    .description('What a part said: control-plane, lb, node-1, node-2, …')
    .addArgument(new Argument('<part>', 'whose'))
    .addOption(nameOption())
    .option('-f, --follow', 'go on as it says more')
    .option('--tail <lines>', 'only the last lines', wholeNumber)
    .addHelpText('after', '\nExamples:\n  portolan logs control-plane --tail 20\n  portolan logs node-1 -f')
    .action(async (part: string, flags: Flags) => {
      const { topology, paths } = findCluster(flags.name);
      const names = partNames(topology);
      if (!names.includes(part)) throw new UsageError(`there is no part "${part}": the parts are ${names.join(', ')}`);
      const file = paths.log(part);
      if (!existsSync(file)) throw new UsageError(`${part} has said nothing yet (${file} is not there)`);
      const lines = `--lines=${flags.tail === undefined ? '+1' : String(flags.tail)}`;
      process.exitCode = await passThrough('tail', [lines, ...(flags.follow === true ? ['--follow=name'] : []), file]);
    });
}
