/** `portolan status`: what is alive. Exit code 0: everything; 1: something is not; 3: there is no such cluster. */
import { Command } from 'commander';
import { status } from '../cluster/index.ts';
import type { ClusterStatus, PartStatus } from '../cluster/index.ts';
import { nameOption, outputOption } from './flags.ts';
import { table } from './table.ts';

interface Flags {
  readonly name: string;
  readonly output: 'table' | 'json';
}

export function statusCommand(): Command {
  return new Command('status')
    .description(
      'What of a cluster is alive; for what is not: why, and the fix. Exit code 1 if anything is wrong, 3 if there is no cluster.',
    )
    .addOption(nameOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      "\nExamples:\n  portolan status\n  portolan status -o json | jq '.parts[] | select(.alive | not)'",
    )
    .action(async ({ name, output }: Flags) => {
      const found = await status(name);
      if (output === 'json') process.stdout.write(`${JSON.stringify(found ?? null, undefined, 2)}\n`);
      else process.stdout.write(found === undefined ? `There is no cluster "${name}".\n` : text(found));
      process.exitCode = found === undefined ? 3 : found.healthy ? 0 : 1;
    });
}

function text(cluster: ClusterStatus): string {
  const blocks = [
    `Cluster ${cluster.name}: ${cluster.healthy ? 'healthy' : 'NOT healthy'}   ${cluster.server}   context ${cluster.context}`,
    table(['PART', 'PID', 'STATE'], cluster.parts.map(partRow)),
    table(
      ['NODE', 'STATE', 'ADDRESS', 'PODS'],
      cluster.nodes.map((node) => [
        node.name,
        node.ready ? 'Ready' : `NotReady: ${node.reason ?? ''}`,
        node.address,
        node.podRange,
      ]),
    ),
    table(['PLACE', 'ADDRESSES'], Object.entries(cluster.addresses)),
  ];
  const missing = cluster.network.missing.map((what) => `missing ${what}; fix: portolan up`);
  const dead = cluster.parts.filter((part) => !part.alive).map((part) => `${part.name}: ${part.fix ?? ''}`);
  if (missing.length + dead.length > 0) blocks.push([...dead, ...missing].join('\n'));
  return `${blocks.join('\n\n')}\n`;
}

function partRow(part: PartStatus): readonly string[] {
  return [
    part.name,
    part.pid === undefined ? '-' : String(part.pid),
    part.alive ? 'alive' : `dead: ${part.reason ?? ''}`,
  ];
}
