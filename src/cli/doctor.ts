/** `portolan doctor`: is this machine fit? Exit code 1 if a cluster could not start. */
import { Command } from 'commander';
import { diagnose } from '../cluster/index.ts';
import { nameOption } from './flags.ts';
import { kernelReport } from './kernel-report.ts';

const marks = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'Check this machine (root, packages, kernel, kubectl, memory, addresses) and name the fix of what is wrong.',
    )
    .addOption(nameOption())
    .action(async ({ name }: { readonly name: string }) => {
      const findings = await diagnose({ name }, kernelReport);
      for (const { what, verdict, detail, fix } of findings) {
        process.stdout.write(
          `${marks[verdict]}  ${what}: ${detail}${fix === undefined ? '' : `\n      fix: ${fix}`}\n`,
        );
      }
      process.exitCode = findings.some((one) => one.verdict === 'fail') ? 1 : 0;
    });
}
