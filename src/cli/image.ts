/** `portolan image load|list|rm`: the images that pods may name, shared by all clusters of this machine. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { UsageError } from '../cluster/usage-error.ts';
import type { Image, ImageStore } from '../images/index.ts';
import { outputOption } from './flags.ts';
import { table } from './table.ts';

const defaultDir = '/var/lib/portolan/images';

interface Flags {
  readonly images: string;
}

export function imageCommand(): Command {
  const command = new Command('image')
    .description('Container images for pods: from a file, or from a registry.')
    .addHelpText(
      'after',
      '\nExamples:\n  sudo portolan image load ./nginx-oci-layout --as nginx:1.27\n  sudo portolan image load web.tar.gz\n  sudo portolan image load docker.io/library/nginx:1.27\n  portolan image list',
    );
  command
    .command('load <source>')
    .description('From an OCI layout (folder or tar), a docker archive, or by reference from its registry.')
    .option('--as <name>', 'a name for a layout that carries none')
    .option('--images <dir>', 'image store', defaultDir)
    .action(async (source: string, flags: Flags & { readonly as?: string }) =>
      load(source, flags.as, await open(flags)),
    );
  command
    .command('list')
    .description('What is there.')
    .addOption(outputOption())
    .option('--images <dir>', 'image store', defaultDir)
    .action(async (flags: Flags & { readonly output: string }) => {
      const images = await (await open(flags)).list();
      process.stdout.write(
        flags.output === 'json' ? `${JSON.stringify(images, undefined, 2)}\n` : `${imageTable(images)}\n`,
      );
    });
  command
    .command('rm <reference>')
    .description('Remove one; containers that run from it go on.')
    .option('--images <dir>', 'image store', defaultDir)
    .action(async (reference: string, flags: Flags) => {
      if (!(await (await open(flags)).remove(reference))) {
        throw new UsageError(`there is no image "${reference}": portolan image list shows what there is`);
      }
      process.stdout.write(`Removed ${reference}\n`);
    });
  return command;
}

async function open(flags: Flags): Promise<ImageStore> {
  if (process.getuid?.() !== 0) throw new UsageError("the image store is root's: sudo ./portolan image …");
  const { openImages } = await import('../images/index.ts');
  return openImages(resolve(flags.images));
}

async function load(source: string, name: string | undefined, store: ImageStore): Promise<void> {
  const { existsSync } = await import('node:fs');
  const loaded = existsSync(source) ? await loadFile(source, name, store) : [await pull(source, store)];
  for (const image of loaded) {
    process.stdout.write(`Loaded ${image.references.join(', ')} (${image.id.slice(7, 19)})\n`);
  }
}

async function loadFile(source: string, name: string | undefined, store: ImageStore): Promise<readonly Image[]> {
  try {
    return await store.load(resolve(source), name);
  } catch (error) {
    throw new Error(`cannot load ${source}: ${(error as Error).message}`, { cause: error });
  }
}

async function pull(source: string, store: ImageStore): Promise<Image> {
  if (/^[./]|\.(tar|tgz|gz)$/.test(source)) throw new UsageError(`there is no file ${source}`);
  return store.pull(source);
}

function imageTable(images: readonly Image[]): string {
  return table(
    ['IMAGE', 'IMAGE ID', 'SIZE', 'ADDED'],
    images.flatMap((image) =>
      image.references.map((reference) => [
        reference,
        image.id.slice(7, 19),
        `${(image.size / 1e6).toFixed(1)} MB`,
        image.added,
      ]),
    ),
  );
}
