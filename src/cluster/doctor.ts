/**
 * Is this machine fit for a local cluster? One finding per thing looked at; what is wrong comes with its fix. Changes nothing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { clashText, findClashes } from './clash.ts';
import { chooseNew, linkOf } from './choose.ts';
import { hasLink, viewMachine } from './machine.ts';
import { hasProgram, installCommand, missingPackages } from './packages.ts';
import { listRunning, readRunning } from './record.ts';
import { defaultName } from './settings.ts';
import type { ClusterFlags } from './settings.ts';

export interface Finding {
  readonly what: string;
  /** `warn`: something is missing that a cluster can do without. */
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  readonly fix?: string;
}

/** What the kernel folder found out by trying: empty, all is there. */
export interface KernelProbe {
  readonly missing: readonly { readonly feature: string; readonly fix: string }[];
}

export async function diagnose(flags: ClusterFlags, probe: () => Promise<KernelProbe>): Promise<readonly Finding[]> {
  const missing = missingPackages();
  const findings = [root(), packages(missing), kubectl(), memory()];
  // Both need what the packages bring.
  if (missing.length === 0) findings.push(...(await kernel(probe)), await addresses(flags));
  return findings;
}

function root(): Finding {
  return process.getuid?.() === 0
    ? { what: 'root', verdict: 'ok', detail: 'running as root' }
    : {
        what: 'root',
        verdict: 'fail',
        detail: 'not root: network namespaces and kernel tables need it',
        fix: 'sudo ./portolan up',
      };
}

function packages(missing: ReturnType<typeof missingPackages>): Finding {
  if (missing.length === 0) return { what: 'packages', verdict: 'ok', detail: 'all there' };
  const canInstall = hasProgram('apt-get');
  return {
    what: 'packages',
    verdict: 'fail',
    detail: `missing: ${missing.map((one) => `${one.name} (${one.for})`).join(', ')}`,
    fix: canInstall
      ? `${installCommand(missing)} ("portolan up" does it by itself)`
      : "install them with this machine's package manager",
  };
}

function kubectl(): Finding {
  return hasProgram('kubectl')
    ? { what: 'kubectl', verdict: 'ok', detail: 'on the PATH' }
    : {
        what: 'kubectl',
        verdict: 'warn',
        detail: 'not on the PATH: the cluster works without, but most people want it',
        fix: 'apt-get install kubernetes-client, or https://kubernetes.io/docs/tasks/tools/',
      };
}

const neededMb = 400;

function memory(): Finding {
  const match = existsSync('/proc/meminfo')
    ? /MemAvailable:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))
    : null;
  const available = Math.floor(Number(match?.[1] ?? 0) / 1024);
  return match === null || available >= neededMb
    ? { what: 'memory', verdict: 'ok', detail: `${String(available)} MB available` }
    : {
        what: 'memory',
        verdict: 'warn',
        detail: `${String(available)} MB available; three nodes want ${String(neededMb)}`,
        fix: 'fewer nodes: portolan up --nodes 1',
      };
}

async function kernel(probe: () => Promise<KernelProbe>): Promise<readonly Finding[]> {
  const { missing } = await probe();
  if (missing.length === 0) return [{ what: 'kernel', verdict: 'ok', detail: 'all features there' }];
  return missing.map(({ feature, fix }) => ({ what: 'kernel', verdict: 'fail', detail: `missing: ${feature}`, fix }));
}

async function addresses(flags: ClusterFlags): Promise<Finding> {
  const name = flags.name ?? defaultName;
  const view = await viewMachine();
  const running = readRunning(name);
  if (running !== undefined) {
    const clashes = findClashes(running, view, linkOf(running.slot));
    return clashes.length === 0
      ? {
          what: 'addresses',
          verdict: 'ok',
          detail: `cluster "${name}" is up on ${running.lanRange} and clashes with nothing`,
        }
      : { what: 'addresses', verdict: 'fail', detail: clashes.map(clashText).join('; '), fix: 'see above' };
  }
  try {
    const settings = chooseNew(flags, { view, others: listRunning(), hasLink });
    return { what: 'addresses', verdict: 'ok', detail: `${settings.lanRange} and ${settings.publicRange} are free` };
  } catch (error) {
    return {
      what: 'addresses',
      verdict: 'fail',
      detail: (error as Error).message.replace(/\s*\n\s*/g, ' '),
      fix: 'give other ranges to "portolan up", see "portolan up --help"',
    };
  }
}
