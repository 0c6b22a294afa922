/**
 * `npm run check`: types, lint, format and the laws of the tree, side by side; prints what failed and exits 1.
 */
import { spawn } from 'node:child_process';
import { projectRoot } from '../test/support/paths.ts';

const node = process.execPath;
const bin = (name: string): string => `${projectRoot}node_modules/.bin/${name}`;

const CHECKS: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: 'types', command: [node, `${projectRoot}node_modules/typescript-native/bin/tsc`, '--noEmit'] },
  { name: 'lint', command: [bin('eslint'), '--max-warnings=0', '.'] },
  { name: 'format', command: [bin('prettier'), '--check', '--log-level=warn', '.'] },
  { name: 'laws', command: [node, '--test', `${projectRoot}test/laws/*.test.ts`] },
];

async function runCheck(name: string, command: readonly string[]): Promise<boolean> {
  const [program = '', ...args] = command;
  const started = performance.now();
  const child = spawn(program, args, {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${node.slice(0, node.lastIndexOf('/'))}:${process.env['PATH']}` },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (code !== 0) console.log(output);
  return code === 0;
}

const results = await Promise.all(CHECKS.map(({ name, command }) => runCheck(name, command)));
process.exitCode = results.every(Boolean) ? 0 : 1;
