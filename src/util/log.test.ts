import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const module = JSON.stringify(import.meta.resolve('./log.ts'));

function runWith(stderr: number, code: string): { readonly status: number | null; readonly stdout: string } {
  const script = `import { log } from ${module}; ${code}`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', stderr],
    encoding: 'utf8',
  });
}

test('a log that can not be written ends nobody: a full disk must not take nodes away', () => {
  const full = openSync('/dev/full', 'w');
  try {
    const { status, stdout } = runWith(
      full,
      `log('t').error({}, 'one'); log('t').info('two'); console.log('goes on');`,
    );
    assert.deepEqual([status, stdout], [0, 'goes on\n']);
  } finally {
    closeSync(full);
  }
});

test('a line cut short by a full disk does not spoil the next one', () => {
  const dir = mkdtempSync(join(tmpdir(), 'portolan-log-'));
  const file = join(dir, 'log');
  const fd = openSync(file, 'w');
  try {
    // A limit of the file's size instead of the disk's: SIGXFSZ is ignored by Node, and write() says EFBIG after a part.
    const script = `import { log } from ${module}; import { execFileSync } from 'node:child_process';
      const limit = (to) => execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=' + to]);
      limit('100:unlimited'); log('t').info({ long: 'x'.repeat(200) }, 'cut'); log('t').info('lost');
      limit('unlimited'); log('t').info('whole');`;
    const run = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'ignore', fd],
    });
    assert.equal(run.status, 0);
    const [cut = '', ...rest] = readFileSync(file, 'utf8').split('\n');
    assert.equal(cut.length, 100);
    assert.deepEqual(
      rest.map((line) => (line === '' ? line : (JSON.parse(line) as { msg: string }).msg)),
      ['whole', ''],
    );
  } finally {
    closeSync(fd);
    rmSync(dir, { recursive: true });
  }
});
