/**
 * The real kubectl: the one on the PATH where there is one, else the newest that Debian has, unpacked for the tests alone.
 *
 *   PATH ── found ──> it
 *     └─ no ──> apt-get download kubectl from Debian's `stable` and `testing` suites of the machine's own mirror
 *               ──> dpkg -x into the tool cache ──> it
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { toolCache } from './paths.ts';

let found: string | undefined;

/** Absolute path of a kubectl that runs. */
export function kubectlPath(): string {
  found ??= onPath('kubectl') ?? unpackedFromDebian();
  return found;
}

/** Bookworm's client of 2021: OpenAPI v2 in protobuf, SPDY streams. */
export function oldKubectlPath(): string {
  return unpackedFromDebian('kubernetes-client', ['bookworm']);
}

function onPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/** Bookworm's package of the same program is `kubernetes-client` (1.20); from trixie on it is `kubectl`. */
function unpackedFromDebian(name = 'kubectl', suites: readonly string[] = ['stable', 'testing']): string {
  const target = join(toolCache, `${name}-${suites.join('-')}`);
  const binary = join(target, 'usr/bin/kubectl');
  if (existsSync(binary)) return binary;
  const work = mkdtempSync(join(tmpdir(), 'portolan-kubectl-'));
  try {
    const options = privateAptOptions(work, suites);
    execFileSync('apt-get', [...options, 'update', '-qq'], { stdio: ['ignore', 'inherit', 'inherit'] });
    execFileSync('apt-get', [...options, 'download', '-qq', name], {
      cwd: work,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const archive = readdirSync(work).find((file) => file.startsWith(`${name}_`));
    if (archive === undefined) throw new Error(`Debian's suites ${suites.join(', ')} gave no ${name} package`);
    mkdirSync(target, { recursive: true });
    execFileSync('dpkg', ['-x', join(work, archive), target]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return binary;
}

/** An apt of its own: the machine's package lists and sources stay as they are. */
function privateAptOptions(work: string, suites: readonly string[]): string[] {
  for (const folder of ['lists/partial', 'archives/partial']) mkdirSync(join(work, folder), { recursive: true });
  const targets = execFileSync('apt-get', ['indextargets', '--format', '$(SITE) $(ORIGIN)'], { encoding: 'utf8' });
  const mirror = targets
    .split('\n')
    .find((line) => line.endsWith(' Debian'))
    ?.split(' ')[0];
  if (mirror === undefined)
    throw new Error("no kubectl on the PATH and no Debian mirror among apt's sources; fix: install kubectl");
  const sources = suites.map(
    (suite) => `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror} ${suite} main\n`,
  );
  writeFileSync(join(work, 'sources.list'), sources.join(''));
  writeFileSync(join(work, 'status'), ''); // what this machine has installed must not be a candidate
  return [
    // A mirror or a resolver that stumbles once is no finding about us.
    '-o',
    'Acquire::Retries=5',
    '-o',
    `Dir::Etc::sourcelist=${work}/sources.list`,
    '-o',
    'Dir::Etc::sourceparts=/dev/null',
    '-o',
    `Dir::State::lists=${work}/lists`,
    '-o',
    `Dir::Cache=${work}`,
    '-o',
    `Dir::State::status=${work}/status`,
    '-o',
    'APT::Sandbox::User=root',
  ];
}
