/**
 * Makes one program of the sources, in the package's cache: 400 files cost each process a tenth of a second to find and load.
 *
 *   src/main.ts ── esbuild ──> node_modules/.cache/bundle/main.js (+ a chunk per command)     run by ./portolan
 *
 * The launcher calls this when a source is newer than the program. The sources stay what people read, edit and debug
 * (source maps lead back to them), and run as they are: scripts/with-node src/main.ts.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = `${root}node_modules/.cache`;
const target = `${cache}/bundle`;

/** A source that reads a file beside itself must still find it there. */
const sourceUrls: Plugin = {
  name: 'source-urls',
  setup(bundling) {
    bundling.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!text.includes('import.meta.url')) return undefined;
      return { contents: text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)), loader: 'ts' };
    });
  },
};

/** Small and needed by every process. The others are loaded when they are needed, from where npm put them. */
const inside = ['commander', 'pino'];

const manifest = JSON.parse(await readFile(`${root}package.json`, 'utf8')) as { dependencies: Record<string, string> };
const { outputFiles } = await build({
  entryPoints: [`${root}src/main.ts`],
  outdir: target,
  write: false,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node26',
  sourcemap: 'linked',
  logLevel: 'warning',
  external: Object.keys(manifest.dependencies).filter((name) => !inside.includes(name)),
  // pino is CommonJS and asks for Node's own modules by require.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  plugins: [sourceUrls],
});

await mkdir(target, { recursive: true });
// Chunks are named by their content and old ones stay: a running process may still load its own. The entry comes last, whole.
const entry = `${target}/main.js`;
for (const file of outputFiles.filter(({ path }) => path !== entry)) await writeWhole(file.path, file.contents);
for (const file of outputFiles.filter(({ path }) => path === entry)) await writeWhole(file.path, file.contents);

async function writeWhole(path: string, contents: Uint8Array): Promise<void> {
  await writeFile(`${path}.${process.pid}`, contents);
  await rename(`${path}.${process.pid}`, path);
}
