/**
 * The Debian packages that a cluster needs, and their installation: said aloud, and with the exact fix where it can't be done.
 *
 *   missingPackages() ── looks for the files, costs a millisecond
 *   ensurePackages()  ── apt-get install of what is missing
 */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { UsageError } from './usage-error.ts';

interface Package {
  readonly name: string;
  readonly for: string;
  readonly there: () => boolean;
}

const packages: readonly Package[] = [
  { name: 'iproute2', for: 'network namespaces and links', there: () => hasProgram('ip') },
  { name: 'nftables', for: 'looking at the kernel tables', there: () => hasProgram('nft') },
  { name: 'libnftables1', for: 'writing the kernel tables', there: () => hasLibrary('libnftables.so.1') },
  { name: 'conntrack', for: 'looking at connections', there: () => hasProgram('conntrack') },
  { name: 'crun', for: 'running containers', there: () => hasProgram('crun') },
  { name: 'openssl', for: 'certificates', there: () => hasProgram('openssl') },
  { name: 'util-linux', for: 'entering namespaces (nsenter)', there: () => hasProgram('nsenter') },
];

export interface MissingPackage {
  readonly name: string;
  readonly for: string;
}

export function missingPackages(): readonly MissingPackage[] {
  return packages.filter((one) => !one.there()).map(({ name, for: what }) => ({ name, for: what }));
}

export function installCommand(missing: readonly MissingPackage[]): string {
  return `apt-get install --yes --no-install-recommends ${missing.map((one) => one.name).join(' ')}`;
}

export async function ensurePackages(say: (line: string) => void): Promise<void> {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const names = missing.map((one) => one.name).join(', ');
  if (!hasProgram('apt-get')) {
    throw new UsageError(
      `missing on this machine: ${names}, and there is no apt-get: install them with its package manager`,
    );
  }
  const fix = installCommand(missing);
  if (process.getuid?.() !== 0) throw new UsageError(`missing on this machine: ${names}; fix: sudo ${fix}`);
  say(`Installing Debian packages (once): ${names}`);
  const [program = '', ...args] = fix.split(' ');
  if ((await apt(program, args)) !== 0) {
    // Package lists that are missing or old are the usual cause.
    const updated = await apt('apt-get', ['update']);
    if (updated !== 0 || (await apt(program, args)) !== 0) {
      throw new UsageError(
        `could not install ${names}; the cause is above; fix it, then run: apt-get update && ${fix}`,
      );
    }
  }
  const left = missingPackages().map((one) => one.name);
  if (left.length > 0) throw new UsageError(`${left.join(', ')}: installed, but still not found; is PATH complete?`);
}

/** What apt says goes to stderr: stdout is for our own answers. */
function apt(program: string, args: readonly string[]): Promise<number | null> {
  const child = spawn(program, args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}

/** Root's PATH may lack the sbin folders. */
export function hasProgram(name: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });
}

function hasLibrary(file: string): boolean {
  for (const root of ['/usr/lib', '/lib', '/usr/lib64', '/lib64', '/usr/local/lib']) {
    if (!existsSync(root)) continue;
    if (existsSync(join(root, file))) return true;
    if (readdirSync(root).some((entry) => entry.endsWith('-linux-gnu') && existsSync(join(root, entry, file))))
      return true;
  }
  return false;
}
