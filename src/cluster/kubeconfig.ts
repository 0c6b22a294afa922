/**
 * Kubeconfig files: one for each part (DATA/kubeconfig/WHO.kubeconfig), and the person's own, into which the cluster is merged.
 *
 *   writeKubeconfig   part file, JSON (which is YAML): read without loading a YAML parser
 *   checkKubeconfig   told before a cluster is made, not after
 *   mergeContext      $KUBECONFIG or ~/.kube/config: adds or replaces our three entries, sets current-context
 *   removeContext     takes those three away again, and gives back the context that was current before
 *
 * As kind does it (pkg/cluster/internal/kubeconfig): everybody else's entries and comments stay, the file is locked
 * meanwhile with client-go's FILE.lock, and replaced as a whole.
 */
import {
  accessSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Document, YAMLMap, YAMLSeq } from 'yaml';
import { UsageError } from './usage-error.ts';
import { errnoOf } from '../util/errno.ts';

export interface Access {
  /** Name of the context, the cluster and the user. */
  readonly name: string;
  readonly server: string;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export function kubeconfigOf(access: Access): Record<string, unknown> {
  const { name } = access;
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: clusterOf(access) }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
    users: [{ name, user: userOf(access) }],
  };
}

/** A part's own file. */
export function writeKubeconfig(path: string, access: Access): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, `${JSON.stringify(kubeconfigOf(access), undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Before anything is made: can the person's kubeconfig be read and replaced? */
export async function checkKubeconfig(): Promise<void> {
  const file = fileToWrite();
  try {
    makeFolder(dirname(file));
    accessSync(dirname(file), constants.W_OK);
  } catch (error) {
    const why = (error as Error).message;
    throw new UsageError(`kubeconfig ${file} can't be written: ${why}; set KUBECONFIG to another file`);
  }
  await readDocument(file);
}

/** Returns the file it wrote. */
export async function mergeContext(access: Access): Promise<string> {
  const file = fileToWrite();
  await locked(file, async () => {
    const document = await readDocument(file);
    const { name } = access;
    put(document, 'clusters', { name, cluster: clusterOf(access) });
    const current = currentOf(document);
    const before = current === name ? beforeOf(document, name) : current;
    put(document, 'contexts', { name, context: { cluster: name, user: name, ...remembering(before) } });
    put(document, 'users', { name, user: userOf(access) });
    document.set('current-context', name);
    replace(file, String(document));
  });
  return file;
}

/** Returns the files that had it. */
export async function removeContext(name: string): Promise<readonly string[]> {
  const changed: string[] = [];
  for (const file of candidates()) {
    if (!existsSync(file) || !readFileSync(file, 'utf8').includes(name)) continue;
    await locked(file, async () => {
      const document = await readDocument(file);
      const before = beforeOf(document, name);
      const had = ['clusters', 'contexts', 'users'].filter((list) => drop(document, list, name));
      const heirs = contextNames(document).filter((one) => beforeOf(document, one) === name);
      for (const one of heirs) document.setIn(pathOfBefore(document, one), before);
      const isThere = contextNames(document).includes(before);
      if (currentOf(document) === name) document.set('current-context', isThere ? before : '');
      if (had.length === 0) return;
      replace(file, String(document));
      changed.push(file);
    });
  }
  return changed;
}

/** Which context was current before ours, in an extension of ours: kubectl keeps it, and it outlives whatever happens to us. */
const extensionName = 'portolan';

function remembering(before: string): object {
  return before === '' ? {} : { extensions: [{ name: extensionName, extension: { before } }] };
}

function currentOf(document: Document): string {
  const name = document.get('current-context');
  return typeof name === 'string' ? name : '';
}

function beforeOf(document: Document, name: string): string {
  const before = document.getIn(pathOfBefore(document, name));
  return typeof before === 'string' ? before : '';
}

function pathOfBefore(document: Document, name: string): readonly (string | number)[] {
  const contexts = sequence(document, 'contexts');
  const path = ['contexts', contexts === undefined ? -1 : indexOf(contexts, name), 'context', 'extensions'];
  const extensions = document.getIn(path) as YAMLSeq | undefined;
  return [...path, extensions === undefined ? -1 : indexOf(extensions, extensionName), 'extension', 'before'];
}

function contextNames(document: Document): readonly string[] {
  const items = sequence(document, 'contexts')?.items ?? [];
  return items.map((item) => String((item as YAMLMap | null)?.get?.('name')));
}

function clusterOf(access: Access): Record<string, string> {
  return { 'certificate-authority-data': base64(access.ca), server: access.server };
}

function userOf(access: Access): Record<string, string> {
  return { 'client-certificate-data': base64(access.certificate), 'client-key-data': base64(access.key) };
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

/** $KUBECONFIG may name several files: the first that exists, else the last (client-go's rule, kept by kind). */
function fileToWrite(): string {
  const [first, ...others] = candidates();
  return [first, ...others].find((file) => existsSync(file)) ?? others.at(-1) ?? first;
}

function candidates(): readonly [string, ...string[]] {
  const [first, ...others] = (process.env['KUBECONFIG'] ?? '').split(':').filter((file) => file !== '');
  return first === undefined ? [join(personsHome(), '.kube', 'config')] : [first, ...others];
}

/** Under sudo the person is the one who called it: their kubectl reads their own home. */
function personsHome(): string {
  const uid = process.env['SUDO_UID'];
  if (uid === undefined || uid === '0' || homedir() !== userInfo().homedir) return homedir();
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.split(':')[2] === uid);
  return line?.split(':')[5] ?? homedir();
}

async function readDocument(file: string): Promise<Document> {
  const { parseDocument } = await import('yaml');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const document: Document = parseDocument(text.trim() === '' ? 'apiVersion: v1\nkind: Config\n' : text);
  const broken = document.errors[0];
  const isMap = broken === undefined && isObject(document.toJS());
  if (!isMap) {
    const why = broken?.message ?? 'not a mapping';
    throw new Error(`kubeconfig ${file} can't be read: ${why}; mend it, or set KUBECONFIG to another file`);
  }
  if (!document.has('apiVersion')) document.set('apiVersion', 'v1');
  if (!document.has('kind')) document.set('kind', 'Config');
  return document;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function put(document: Document, list: string, entry: Record<string, unknown> & { readonly name: string }): void {
  const seq = sequence(document, list);
  const node = document.createNode(entry);
  if (seq === undefined) {
    document.set(list, document.createNode([entry]));
    return;
  }
  seq.flow = false;
  const index = indexOf(seq, entry.name);
  if (index < 0) seq.add(node);
  else seq.items[index] = node;
}

function drop(document: Document, list: string, name: string): boolean {
  const seq = sequence(document, list);
  const index = seq === undefined ? -1 : indexOf(seq, name);
  if (index >= 0) seq?.items.splice(index, 1);
  return index >= 0;
}

/** undefined: missing, or `null`, which is how kubectl writes an empty list. */
function sequence(document: Document, list: string): YAMLSeq | undefined {
  const value = document.get(list);
  return typeof value === 'object' && value !== null && 'items' in value ? (value as YAMLSeq) : undefined;
}

function indexOf(seq: YAMLSeq, name: string): number {
  return seq.items.findIndex((item) => (item as YAMLMap | null)?.get?.('name') === name);
}

/** A link stays a link; a new file belongs to whom its folder belongs. */
function replace(file: string, text: string): void {
  const real = existsSync(file) ? realpathSync(file) : file;
  const old = statSync(real, { throwIfNoEntry: false });
  writeFileSync(`${real}.portolan-new`, text, { mode: old === undefined ? 0o600 : old.mode & 0o777 });
  const owner = old ?? statSync(dirname(real));
  chownSync(`${real}.portolan-new`, owner.uid, owner.gid);
  renameSync(`${real}.portolan-new`, real);
}

async function locked(file: string, work: () => Promise<void>): Promise<void> {
  makeFolder(dirname(file));
  const lock = `${file}.lock`;
  const deadline = performance.now() + 10_000;
  for (;;) {
    try {
      closeSync(openSync(lock, 'wx', 0o600));
      break;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      if (performance.now() > deadline) {
        throw new Error(`kubeconfig ${file} is locked by ${lock}: if no program is writing it, remove that file`);
      }
      await sleep(20);
    }
  }
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** One by one: Node's recursive mkdir never returns where a folder can't be made, as below /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o750 });
  const parent = statSync(dirname(folder));
  chownSync(folder, parent.uid, parent.gid);
}
