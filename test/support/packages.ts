/** Debian packages that only the tests need: judges and clients. What the product needs, it installs by itself. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const TOOLS: readonly { readonly program: string; readonly package: string }[] = [
  { program: 'curl', package: 'curl' },
  { program: 'dig', package: 'bind9-dnsutils' },
  { program: 'nginx', package: 'nginx-light' },
  { program: 'python3', package: 'python3' },
];

export function installTestPackages(): void {
  const missing = TOOLS.filter(({ program }) => !isInstalled(program)).map((tool) => tool.package);
  if (missing.length === 0) return;
  console.log(`npm test: installing Debian packages ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  execFileSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'], env });
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  });
}

function isInstalled(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
