/**
 * `up`: from settings to a cluster that answers. Idempotent: on a running cluster it starts what is dead and mends what is
 * missing; a failure takes back what this run made.
 *
 *   look ── choose settings ──┬── certificates, kubeconfigs ──┬── start the parts ── wait until they answer ── context
 *    (nothing changed yet)    └── namespaces, links, routes ──┘
 */
import { mkdirSync, statSync } from 'node:fs';
import { createClient, loadKubeconfig } from '../client/index.ts';
import { accessOf } from './access.ts';
import { checkSame, checkStored, chooseNew } from './choose.ts';
import { agentsSpoke, apiReady, nodesReady, servicesAnswer, waitFor } from './conditions.ts';
import type { Condition } from './conditions.ts';
import type { KernelProbe } from './doctor.ts';
import { tearDown } from './down.ts';
import { hostNetns } from './host-netns.ts';
import { identitiesOf } from './identities.ts';
import { checkKubeconfig, mergeContext, writeKubeconfig } from './kubeconfig.ts';
import { namespacesOf } from './leftovers.ts';
import { withLock } from './lock.ts';
import { hasLink, viewMachine, viewNetwork } from './machine.ts';
import { rememberNetnsMount } from './netns-mount.ts';
import { networkScript, nothing } from './network.ts';
import { ensurePackages } from './packages.ts';
import { partsOf } from './parts.ts';
import type { Part } from './parts.ts';
import { pathsOf } from './paths.ts';
import type { ClusterPaths } from './paths.ts';
import { ensurePki } from './pki.ts';
import { endProcesses, findPart, readRecord, startPart } from './processes.ts';
import { listRunning, readRunning, readStored, saveSettings } from './record.ts';
import { run } from './run.ts';
import { checkName, defaultName, resolveSettings } from './settings.ts';
import { UsageError } from './usage-error.ts';
import type { ClusterFlags, ClusterSettings } from './settings.ts';
import { tail } from './status.ts';
import { topologyOf } from './topology.ts';
import type { Topology } from './topology.ts';
import { errnoOf } from '../util/errno.ts';

export interface UpOptions {
  readonly flags: ClusterFlags;
  /** The CLI's entry file, which the parts run. */
  readonly main: string;
  /** One line per step that is done. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  /** Asked only when something failed: is the kernel the cause? It costs too much to ask every time. */
  readonly probe?: () => Promise<KernelProbe>;
}

export interface UpResult {
  readonly settings: ClusterSettings;
  readonly topology: Topology;
  /** Parts that this run started; empty: everything was running. */
  readonly started: readonly string[];
  readonly kubeconfig: string;
}

export async function up(options: UpOptions): Promise<UpResult> {
  const name = checkName(options.flags.name ?? defaultName);
  // Bad flags are told before a missing privilege: they are wrong for everybody.
  resolveSettings(options.flags, name === defaultName ? 0 : 1);
  if (process.getuid?.() !== 0) throw new UsageError('up makes network namespaces: run it as root: sudo ./portolan up');
  await checkKubeconfig();
  await ensurePackages(options.say);
  return withLock(`cluster-${name}`, 120_000, () => bringUp(name, options));
}

async function bringUp(name: string, options: UpOptions): Promise<UpResult> {
  const running = readRunning(name);
  if (running !== undefined) checkSame(running, options.flags);
  // Leftovers without a record are a crash's: swept first, so that old processes don't sit in new addresses.
  if (running === undefined && namespacesOf(name).length > 0) await tearDown(name, { removeData: false });
  const dataDir = options.flags.data ?? running?.dataDir ?? `/var/lib/portolan/${name}`;
  const hadData = readStored(dataDir) !== undefined;
  const { settings, topology } = await claim(name, running, dataDir, options).catch((error: unknown) => {
    throw withPlace(error, dataDir);
  });
  try {
    return await raise(settings, topology, options);
  } catch (error) {
    if (running === undefined) {
      options.say(`Failed: taking back what was made of cluster "${name}"`);
      await tearDown(name, { removeData: !hadData && !settings.keepData });
    }
    throw await withKernelCause(withPlace(error, dataDir), options);
  }
}

/** A write that finds the disk full does not say which. */
function withPlace(error: unknown, dataDir: string): unknown {
  const code = errnoOf(error instanceof Error ? (error.cause ?? error) : error);
  if (code !== 'ENOSPC') return error;
  const why = `the disk of ${dataDir} is full: make room there, or keep the state elsewhere with --data`;
  return new Error(`${(error as Error).message}\n  ${why}`, { cause: error });
}

/** Chooses the addresses and makes the network, one cluster at a time: two that start together must see each other's links. */
async function claim(
  name: string,
  running: ClusterSettings | undefined,
  dataDir: string,
  options: UpOptions,
): Promise<{ readonly settings: ClusterSettings; readonly topology: Topology }> {
  return withLock('machine', 60_000, async () => {
    const settings = running ?? (await choose(name, dataDir, options.flags));
    const topology = topologyOf(settings);
    const existing = running === undefined ? nothing : await viewNetwork(topology);
    rememberNetnsMount();
    saveSettings(settings);
    // Both to their end before anything is taken back: nothing may be made behind the broom.
    const work = await Promise.allSettled([
      run('sh', [], networkScript(topology, existing)),
      prepareFiles(settings, topology, pathsOf(settings)),
    ]);
    const failed = work.find((one) => one.status === 'rejected');
    if (failed !== undefined) {
      if (running === undefined) await tearDown(name, { removeData: false });
      throw new Error(`could not build the network and its keys: ${(failed.reason as Error).message}`, {
        cause: failed.reason,
      });
    }
    options.say(`Network: ${String(settings.nodes)} nodes on ${settings.lanRange}, services ${settings.serviceRange}`);
    return { settings, topology };
  });
}

async function choose(name: string, dataDir: string, flags: ClusterFlags): Promise<ClusterSettings> {
  const view = await viewMachine();
  const others = listRunning().filter((one) => one.name !== name);
  const stored = readStored(dataDir);
  if (stored?.name !== name) return chooseNew({ ...flags, name }, { view, others, hasLink });
  checkStored(stored, flags, { view, others, hasLink });
  return stored;
}

/** Certificates, kubeconfigs and folders: done while `ip` works. */
async function prepareFiles(settings: ClusterSettings, topology: Topology, paths: ClusterPaths): Promise<void> {
  for (const folder of [paths.logs, paths.parts]) mkdirSync(folder, { recursive: true });
  const made = await ensurePki(paths.pki, identitiesOf(settings, topology));
  for (const who of ['admin', 'controllers', 'lb', 'network', ...topology.nodes.map((node) => node.name)]) {
    const file = paths.kubeconfig(who);
    if (made || statSync(file, { throwIfNoEntry: false }) === undefined) {
      writeKubeconfig(file, accessOf(topology, paths, who));
    }
  }
}

async function raise(settings: ClusterSettings, topology: Topology, options: UpOptions): Promise<UpResult> {
  const paths = pathsOf(settings);
  const parts = partsOf(settings, topology, paths, { hostNetns: await hostNetns(paths) });
  const since = new Date();
  const started = await startMissing(parts, paths, options);
  options.say(started.length === 0 ? 'All parts were running' : `Started: ${started.join(', ')}`);

  const client = createClient(await loadKubeconfig(paths.kubeconfig('admin')), { userAgent: 'portolan-up' });
  const wait = (condition: Condition): Promise<void> =>
    waitFor(condition, {
      timeoutMs: options.timeoutMs ?? 60_000,
      signal: options.signal,
      stillWorthIt: () => checkAlive(parts, paths),
    }).catch((error: unknown) => {
      // Who breaks it off knows why.
      throw options.signal.aborted ? error : withLogs(error, parts, paths);
    });
  try {
    await wait(apiReady(client));
    options.say(`API server: ${topology.server}`);
    const newAgents = topology.nodes.map(({ name }) => name).filter((name) => started.includes(name));
    await wait(agentsSpoke(client, newAgents, since));
    await wait(nodesReady(client, topology));
    await wait(servicesAnswer(settings, topology));
    options.say(`Ready: ${topology.nodes.map((node) => node.name).join(', ')}; DNS and the kubernetes service answer`);
  } finally {
    client.close();
  }
  const kubeconfig = await mergeContext(accessOf(topology, paths, 'admin'));
  return { settings, topology, started, kubeconfig };
}

async function startMissing(
  parts: readonly Part[],
  paths: ClusterPaths,
  options: UpOptions,
): Promise<readonly string[]> {
  const missing = parts.filter((part) => findPart(part, paths) === undefined);
  // One in a namespace that is gone lives on as a ghost: it ends before its successor starts.
  const ghosts = missing.map((part) => readRecord(paths.pidFile(part.name))).filter((id) => id !== undefined);
  await endProcesses(ghosts);
  await Promise.all(missing.map((part) => startPart(part, paths, options)));
  return missing.map((part) => part.name);
}

function checkAlive(parts: readonly Part[], paths: ClusterPaths): void {
  const dead = parts.find((part) => findPart(part, paths) === undefined);
  if (dead !== undefined) throw new Error(`part ${dead.name} ended`);
}

async function withKernelCause(error: unknown, { probe }: UpOptions): Promise<unknown> {
  const missing = (await probe?.())?.missing ?? [];
  if (missing.length === 0) return error;
  const lines = missing.map(({ feature, fix }) => `  missing in the kernel: ${feature}; fix: ${fix}`);
  return new Error([error instanceof Error ? error.message : String(error), ...lines].join('\n'), { cause: error });
}

/** Says which part it was, with the last lines of its log: they are gone after the roll-back. */
function withLogs(error: unknown, parts: readonly Part[], paths: ClusterPaths): Error {
  const message = error instanceof Error ? error.message : String(error);
  const dead = parts.filter((part) => findPart(part, paths) === undefined);
  const blamed = dead.length > 0 ? dead : parts.filter((part) => message.includes(part.name)).slice(0, 2);
  const logs = (blamed.length > 0 ? blamed : parts.slice(0, 1))
    .map(({ name }) => ({ name, words: tail(paths.log(name), 12) }))
    .filter(({ words }) => words !== '')
    .map(({ name, words }) => `--- last lines of ${name}:\n${words}`);
  return new Error([message, ...logs].join('\n'), { cause: error });
}
