/**
 * Laws over what is said about the tree: a name in a comment or a document is a promise that the thing is there.
 *
 *   comments, *.md ── `lease.ts`, `src/dns`, [text](path) ──> files that git has
 *   *.md           ── `npm run bench`, `portolan dns --pods` ──> package.json, src/cli
 *
 * Placeholders are written in capitals (`NAME.ts`, `portolan agent --node-labels KEY=VALUE`) and are nobody's name.
 */
import { posix } from 'node:path';
import type { Law, SourceFile } from './tree.ts';

/** `cluster/up.ts` may be written for `src/cluster/up.ts`, as one would say it beside that folder. */
export const namesFilesThatExist =
  (paths: readonly string[]): Law =>
  (files) => {
    const there = new Set(paths.flatMap(endings));
    return files.flatMap(({ path, text }) =>
      [...proseOf(path, text).matchAll(/(?<![\w./{,*-])(?:[\w-]+\/)*[\w-]+\.ts\b(?!\w)/g)]
        .map(([name]) => name)
        .filter((name) => !there.has(name) && !/[A-Z]/.test(name))
        .map((name) => `${path} names ${name}, which does not exist`),
    );
  };

/** Folders, and the targets of links, of documents. */
export const linksLeadSomewhere =
  (paths: readonly string[]): Law =>
  (files) =>
    files
      .filter(({ path }) => path.endsWith('.md'))
      .flatMap(({ path, text }) => {
        const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, target = '']) =>
          posix.normalize(posix.join(posix.dirname(path), target)),
        );
        const folders = namesIn(text, /(?<![\w./-])((?:src|test|bench|scripts|examples)(?:\/[\w-]+)+)(?![\w.*-])/g);
        return [...new Set([...links, ...folders])]
          .filter((target) => !paths.some((one) => one === target || one.startsWith(`${target}/`)))
          .map((target) => `${path} leads to ${target}, which does not exist`);
      });

/** Commands and flags of documents. A line about kubectl may name kubectl's. */
export const commandsExist =
  (packageJson: string, cli: readonly SourceFile[]): Law =>
  (files) => {
    const { scripts } = JSON.parse(packageJson) as { readonly scripts: Readonly<Record<string, string>> };
    const source = cli.map(({ text }) => text).join('\n');
    const commands = new Set(
      [...source.matchAll(/\bentry\(\s*'([a-z-]+)'/g)].map(([, name = '']) => name).concat('help'),
    );
    const flags = new Set([...source.matchAll(/(?<![\w-])--[a-z][a-z0-9-]*/g)].map(([flag]) => flag));
    return files
      .filter(({ path }) => path.endsWith('.md'))
      .flatMap(({ path, text }) => {
        const [npm, own] = [/\bnpm run ([a-z-]+)/g, /(?:`|\.\/|^)portolan ([a-z-]+)/gm];
        const ours = text.replace(/^.*\bkubectl\b.*(?:\\\n.*)*$/gm, '');
        return [
          ...namesIn(text, npm).filter((name) => scripts[name] === undefined),
          ...namesIn(text, own).filter((name) => !commands.has(name)),
          ...namesIn(ours, /(?<![\w-])(--[a-z][a-z0-9-]*)/g).filter((flag) => !flags.has(flag)),
        ].map((name) => `${path} names ${name}, which does not exist`);
      });
  };

function namesIn(text: string, form: RegExp): string[] {
  return [...new Set([...text.matchAll(form)].map(([, name = '']) => name))];
}

function endings(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, i) => parts.slice(i).join('/'));
}

/** A document whole; of a source file its comments. */
function proseOf(path: string, text: string): string {
  if (path.endsWith('.md')) return text;
  return path.endsWith('.ts') ? (text.match(/\/\*\*[\s\S]*?\*\/|(?<=^|\s)\/\/ .*$/gm) ?? []).join('\n') : '';
}
