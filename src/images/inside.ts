/**
 * Paths of an image, resolved as if its root were the whole world: `..` stops at the root, links (absolute ones too) lead
 * to places inside. Nothing of the host is ever reached. Upstream: containerd's fs.RootPath.
 */
import { lstatSync, mkdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const maxLinks = 255;

export interface InsideOptions {
  /** Make missing directories on the way. */
  readonly makeParents?: boolean;
  /** The last part too is followed when it is a link. */
  readonly followLast?: boolean;
}

/** Host path of `path` inside `root`. Throws on a loop of links. */
export function inside(root: string, path: string, options: InsideOptions = {}): string {
  let links = 0;
  let at: string[] = [];
  const todo = parts(path);
  while (todo.length > 0) {
    const part = todo.shift() ?? '';
    if (part === '..') {
      at = at.slice(0, -1);
      continue;
    }
    const here = join(root, ...at, part);
    const stat = lstatSync(here, { throwIfNoEntry: false });
    const last = todo.length === 0;
    if (stat?.isSymbolicLink() === true && (!last || options.followLast === true)) {
      links += 1;
      if (links > maxLinks) throw new Error(`too many links in "${path}"`);
      const target = readlinkSync(here);
      if (target.startsWith('/')) at = [];
      todo.unshift(...parts(target));
      continue;
    }
    if (!last && stat === undefined && options.makeParents === true) mkdirSync(here, { mode: 0o755 });
    else if (!last && stat !== undefined && !stat.isDirectory())
      throw new Error(`"${path}": ${part} is not a directory`);
    at.push(part);
  }
  return join(root, ...at);
}

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
