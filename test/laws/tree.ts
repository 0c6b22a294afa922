/**
 * The laws of the tree as functions from files to complaints, so that each can be shown a bad sample.
 *
 *   SourceFile[] ──law──> ['src/dns/index.ts imports src/lb: …', …]      no complaint: the law holds
 */
import { posix } from 'node:path';

export interface SourceFile {
  /** From the project's root, with `/`. */
  readonly path: string;
  readonly text: string;
}

export type Law = (files: readonly SourceFile[]) => string[];

const lineCount = (text: string): number => text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
const isTest = (path: string): boolean => path.endsWith('.test.ts') || path.startsWith('test/');

/** Files stay readable: 400 lines, tests 600. */
export const fileSize: Law = (files) =>
  files
    .filter(({ path }) => path.endsWith('.ts') && !path.includes('/gen/'))
    .filter(({ path, text }) => lineCount(text) > (isTest(path) ? 600 : 400))
    .map(({ path, text }) => `${path} has ${lineCount(text)} lines: split it by noun or verb`);

/** A file says at its top what it is. */
export const opensWithPurpose: Law = (files) =>
  files
    .filter(
      ({ path }) =>
        path.startsWith('src/') && path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.includes('/gen/'),
    )
    .filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text))
    .map(({ path }) => `${path} does not open with a /** comment that says what it is`);

/** Reads the table "who may import whom" of ARCHITECTURE.md: folder → folders it may import. */
export function wallsOf(architecture: string): Map<string, ReadonlySet<string>> {
  const section = architecture.split('## Folders and who may import whom')[1]?.split('\n## ')[0] ?? '';
  const walls = new Map<string, ReadonlySet<string>>();
  for (const row of section.matchAll(/^\| `([\w.]+)` \|.*\| ([^|]*) \|$/gm))
    walls.set(row[1] ?? '', new Set((row[2] ?? '').match(/[a-z]+/g) ?? []));
  return walls;
}

/** Type-only and value imports alike keep to the table; tests beside a file may also start a real API server and client. */
export const walls =
  (allowed: ReadonlyMap<string, ReadonlySet<string>>): Law =>
  (files) =>
    files.flatMap(({ path, text }) => {
      const own = /^src\/([^/]+)\//.exec(path)?.[1];
      if (own === undefined || path.endsWith('.test.ts') || path.endsWith('/testing.ts')) return [];
      const may = allowed.get(own);
      if (may === undefined) return [`${path}: the folder ${own} is not in ARCHITECTURE.md's table`];
      return importedFolders(path, text)
        .filter((folder) => folder !== own && !may.has(folder) && !may.has('all'))
        .map((folder) => `${path} imports src/${folder}: ARCHITECTURE.md does not allow ${own} → ${folder}`);
    });

function importedFolders(path: string, text: string): string[] {
  return [...new Set(importsOf(path, text).flatMap((target) => /^src\/([^/]+)\//.exec(target)?.[1] ?? []))];
}

/** From the project's root. */
function importsOf(path: string, text: string): string[] {
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((match) =>
    posix.normalize(posix.join(posix.dirname(path), match[1] ?? '')),
  );
}

/** Another folder is entered by its `index.ts`, or by a second door that ARCHITECTURE.md names. Shelves have none. */
export const doors =
  (architecture: string): Law =>
  (files) => {
    const paragraph = /Folders are modules[\s\S]*?\n\n/.exec(architecture)?.[0] ?? '';
    const second = new Set([...paragraph.matchAll(/`([a-z]+\/[\w-]+\.ts)`/g)].map(([, name = '']) => `src/${name}`));
    const isDoor = (target: string): boolean => /^src\/(?:(?:api|util)\/|[^/]+\/index\.ts$)/.test(target);
    return files
      .filter(({ path }) => path.startsWith('src/') && !isForTests(path))
      .flatMap(({ path, text }) => {
        const own = path.split('/').slice(0, 2).join('/');
        return importsOf(path, text)
          .filter((target) => /^src\/[^/]+\//.test(target) && !target.startsWith(`${own}/`))
          .filter((target) => !isDoor(target) && !second.has(target) && path !== 'src/main.ts')
          .map((target) => `${path} climbs into ${target}: that folder has a door`);
      });
  };

/** koffi, and with it every call into C, stays behind src/kernel. */
export const kernelBehindOneDoor: Law = (files) =>
  files
    .filter(
      ({ path, text }) =>
        path.startsWith('src/') && !path.startsWith('src/kernel/') && /from 'koffi'|import\('koffi'\)/.test(text),
    )
    .map(({ path }) => `${path} imports koffi: only src/kernel leaves JavaScript`);

/** The model decides and does nothing: no I/O, no clock, no randomness. */
export const modelIsPure: Law = (files) =>
  files
    .filter(({ path }) => path.startsWith('src/model/') && !path.endsWith('.test.ts'))
    .filter(({ text }) => /from 'node:|Date\.now|new Date\(\)|Math\.random|process\./.test(text))
    .map(({ path }) => `${path} reaches outside: the model is pure`);

/** An ESM import of node:http loads undici for its WebSocket classes: 60 ms and 16 MB in each process. */
export const httpWithoutUndici: Law = (files) =>
  files
    .filter(({ path }) => path.startsWith('src/') && path !== 'src/util/http.ts' && !/test/.test(path))
    .filter(({ text }) => /^import (?!type )[^;]*from 'node:http';/m.test(text))
    .map(({ path }) => `${path} imports node:http: take it from src/util/http.ts`);

/** A skipped, focused or unfinished test is not a test. */
export const noSilentSkip: Law = (files) =>
  files
    .filter(({ path }) => path.endsWith('.test.ts'))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/\b(?:test|it|describe|suite)\.(skip|only|todo)\b|\bskip: true\b/g)].map(
        (match) => `${path}: ${match[0]}`,
      ),
    );

/**
 * What is exported has a user: a value that no other file names is private, one that only tests name is dead. Witnesses are
 * what tests hold the code against. By names alone, so two exports of one name vouch for each other.
 */
export const exportsHaveUsers: Law = (files) => {
  const sources = files.filter(({ path }) => path.endsWith('.ts') && !path.includes('/gen/'));
  const users = new Map<string, Map<string, number>>();
  for (const { path, text } of sources) {
    for (const [word] of codeOf(text).matchAll(/[A-Za-z_$][\w$]*/g)) {
      const counts = users.get(word) ?? new Map<string, number>();
      users.set(word, counts.set(path, (counts.get(path) ?? 0) + 1));
    }
  }
  return sources.flatMap(({ path, text }) =>
    [...codeOf(text).matchAll(/^export (?:async )?(?:function\*?|const|class) (\w+)/gm)].flatMap(([, name = '']) => {
      const counts = users.get(name) ?? new Map<string, number>();
      const others = [...counts.keys()].filter((other) => other !== path);
      if (others.length === 0) return [`${path} exports ${name}, which nobody imports`];
      const isDead = !isForTests(path) && counts.get(path) === 1 && others.every(isForTests) && !witnesses.has(name);
      return isDead ? [`${path}: ${name} is of use to tests only`] : [];
    }),
  );
};

const witnesses: ReadonlySet<string> = new Set([
  'journey', // what a packet meets by the model, beside what it meets in the kernel
  'hasSctp', // why the kernel was not asked about SCTP
]);

/** Without comments, and without what a door passes on. */
function codeOf(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')
    .replace(/^export (?:type )?\{[^}]*\} from '[^']*';/gm, '');
}

function isForTests(path: string): boolean {
  return isTest(path) || /^bench\/|\/(?:testing|facts)\/|\/(?:testing|testing-net|test-kit|fixtures)\.ts$/.test(path);
}

/** Nothing that only one machine has. */
export const namesNoMachine: Law = (files) =>
  files
    .filter(({ path }) => path !== 'test/laws/tree.ts' && path !== 'package-lock.json')
    .flatMap(({ path, text }) =>
      [...text.matchAll(/\/work\/|\b(?:registry\.npmjs|deb\.debian|proxy\.golang)\b/g)].map(
        (match) => `${path} names ${match[0]}`,
      ),
    );

/** Every package that is taken has its line of reason, and no reason is left of one that is gone. */
export function dependencyReasons(packageJson: string, architecture: string): string[] {
  const manifest = JSON.parse(packageJson) as Record<string, Record<string, string> | undefined>;
  const taken = ['dependencies', 'optionalDependencies', 'devDependencies'].flatMap((key) =>
    Object.keys(manifest[key] ?? {}),
  );
  const section = architecture.split('## Dependencies')[1] ?? '';
  const named = [...section.matchAll(/^\| (.*?) \|/gm)].flatMap((row) =>
    [...(row[1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
  );
  const missing = taken
    .filter((name) => !named.includes(name) && !name.startsWith('@types/'))
    .map((name) => `${name} has no line of reason in ARCHITECTURE.md`);
  const stale = named
    .filter((name) => !taken.includes(name) && !name.startsWith('node:'))
    .map((name) => `ARCHITECTURE.md gives a reason for ${name}, which is not taken`);
  return [...missing, ...stale];
}
