/** Facts of the machine that a Node tells about itself. */
import { execFile } from 'node:child_process';
import { readFileSync, statfsSync } from 'node:fs';
import { arch, availableParallelism, release, totalmem } from 'node:os';
import { promisify } from 'node:util';
import type { NodeMachine } from './node-object.ts';

const goArch: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

export function readMachine(rootDir: string): NodeMachine {
  const disk = statfsSync(rootDir);
  const machineId = text('/etc/machine-id').trim();
  return {
    arch: goArch[arch()] ?? arch(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    diskBytes: disk.blocks * disk.bsize,
    kernel: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text('/etc/os-release'))?.[1] ?? 'Linux',
    machineId,
    bootId: text('/proc/sys/kernel/random/boot_id').trim(),
  };
}

/** As containers' ids name it: `crun://1.8.1`; without the number where crun does not tell it. `stateDir`: crun makes one to say it. */
export async function readRuntime(stateDir: string): Promise<string> {
  const said = await promisify(execFile)('crun', ['--root', stateDir, '--version']).catch(() => ({ stdout: '' }));
  return `crun://${/^crun version (\S+)/m.exec(said.stdout)?.[1] ?? ''}`;
}

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
