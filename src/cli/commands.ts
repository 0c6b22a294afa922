/**
 * Every command, with the file that defines it. Only the one that is called is loaded; help without a command shows the
 * summaries from here.
 */
import { Command, CommanderError } from 'commander';
import { fail } from './fail.ts';
import { version } from './version.ts';

interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly group: string;
  readonly load: () => Promise<() => Command>;
}

const local = 'A cluster on this machine:';
const look = 'Look inside:';
const part = 'One part alone, against any API server:';

const entries: readonly Entry[] = [
  entry('up', local, 'start a cluster, or mend a running one', async () => (await import('./up.ts')).upCommand),
  entry(
    'down',
    local,
    'take a cluster away, and all that it left',
    async () => (await import('./down.ts')).downCommand,
  ),
  entry(
    'status',
    local,
    'what is alive, and what is not and why',
    async () => (await import('./status.ts')).statusCommand,
  ),
  entry(
    'kubeconfig',
    local,
    "print the cluster's kubeconfig",
    async () => (await import('./kubeconfig.ts')).kubeconfigCommand,
  ),
  entry('image', local, 'container images for pods', async () => (await import('./image.ts')).imageCommand),
  entry(
    'doctor',
    local,
    'check this machine and name the fixes',
    async () => (await import('./doctor.ts')).doctorCommand,
  ),
  entry('from', look, 'run a command in a place of the network', async () => (await import('./from.ts')).fromCommand),
  entry('logs', look, 'what a part said', async () => (await import('./logs.ts')).logsCommand),
  entry('apiserver', part, 'the Kubernetes API', async () => (await import('./apiserver.ts')).apiserverCommand),
  entry('controllers', part, 'the controllers', async () => (await import('./controllers.ts')).controllersCommand),
  entry(
    'control-plane',
    part,
    'API server and controllers in one process',
    async () => (await import('./control-plane.ts')).controlPlaneCommand,
  ),
  entry('agent', part, 'a node: pods, proxy and DNS', async () => (await import('./agent.ts')).agentCommand),
  entry('proxy', part, 'the kernel tables of a node', async () => (await import('./proxy.ts')).proxyCommand),
  entry('dns', part, 'the cluster DNS', async () => (await import('./dns.ts')).dnsCommand),
  entry('lb', part, 'the load balancer', async () => (await import('./lb.ts')).lbCommand),
];

function entry(name: string, group: string, summary: string, load: Entry['load']): Entry {
  return { name, group, summary, load };
}

/** Returns the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  if (!isPart(args[0])) outliveReaders();
  try {
    const program = programOf(await commandsFor(args));
    if (args.length === 0) {
      program.outputHelp();
      return 0;
    }
    // Help for what is not there is a mistake like its call: commander would show the general help without a word.
    const isCommand = entries.some((one) => one.name === args[1]);
    const isMistake = args[0] === 'help' && args[1] !== undefined && !isCommand && !args[1].startsWith('-');
    await program.parseAsync(isMistake ? args.slice(1) : args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    return fail(error);
  }
}

function isPart(name: string | undefined): boolean {
  return entries.some((one) => one.group === part && one.name === name);
}

/** `portolan up | head -1`: nobody reads what is left, and the cluster still comes up whole. */
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

/** The called command whole; the others by name only. */
async function commandsFor(args: readonly string[]): Promise<readonly Command[]> {
  // `portolan help up` is commander's own way of saying `portolan up --help`.
  const called = args[0] === 'help' ? args[1] : args[0];
  return Promise.all(
    entries.map(async (one) => {
      const command = one.name === called ? (await one.load())() : new Command(one.name);
      return command.summary(one.summary).helpGroup(one.group);
    }),
  );
}

function programOf(commands: readonly Command[]): Command {
  const program = new Command('portolan')
    .description('The Kubernetes Service layer, whole and on its own: real kubectl, real packets, no Docker.')
    .version(version(), '-v, --version', 'print the version')
    .configureHelp({ showGlobalOptions: false, subcommandTerm: (command) => command.name() })
    .addHelpText('after', '\nStart here: sudo ./portolan up\nHelp for one command: portolan COMMAND --help')
    .showHelpAfterError('(portolan --help lists the commands)');
  for (const command of commands) program.addCommand(command);
  applyToAll(program);
  return program;
}

/** Errors end as exceptions, so that there is one place that ends the process. */
function applyToAll(command: Command, path = 'portolan'): void {
  command.exitOverride();
  for (const child of command.commands) {
    const childPath = `${path} ${child.name()}`;
    child.showHelpAfterError(`(${childPath} --help shows what there is)`);
    applyToAll(child, childPath);
  }
}
