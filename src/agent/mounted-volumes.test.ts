import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Pod } from '../api/gen/types.ts';
import { memorySize, mountImage, mountMemory, unmountVolumes } from './mounted-volumes.ts';

test('an image volume shows its layers, read-only, and goes with the pod', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 't-mounted-'));
  const pod = join(dir, 'pod');
  t.after(async () => {
    await unmountVolumes(pod);
    rmSync(dir, { recursive: true, force: true });
  });
  const layers = ['upper:1', 'lower'].map((name) => join(dir, name));
  for (const [index, layer] of layers.entries()) {
    mkdirSync(layer);
    writeFileSync(join(layer, 'both'), `of layer ${String(index)}`);
    writeFileSync(join(layer, `only-${String(index)}`), '#!/bin/sh\n', { mode: 0o755 });
  }
  const place = join(pod, 'img');
  await mountImage(place, () => Promise.resolve(layers));
  await mountImage(place, () => Promise.reject(new Error('it is there already')));
  assert.equal(readFileSync(join(place, 'both'), 'utf8'), 'of layer 0');
  assert.ok(existsSync(join(place, 'only-1')));
  assert.throws(() => writeFileSync(join(place, 'new'), ''), /EROFS/);
  assert.throws(() => execFileSync(join(place, 'only-0')), /EACCES/);
  await mountImage(join(pod, 'one'), () => Promise.resolve(layers.slice(1)));
  assert.equal(readFileSync(join(pod, 'one', 'both'), 'utf8'), 'of layer 1');
  assert.ok(await mountMemory(join(pod, 'mem'), 1 << 20));
  await unmountVolumes(pod);
  assert.ok(!existsSync(pod));
  assert.ok(!readFileSync('/proc/self/mounts', 'utf8').includes(dir));
});

test('a volume in memory is as large as the least that limits it', () => {
  const pod = (...memory: readonly (string | undefined)[]): Pod => ({
    spec: {
      containers: memory.map((limit, index) => ({
        name: `c${String(index)}`,
        ...(limit === undefined ? {} : { resources: { limits: { memory: limit } } }),
      })),
    },
  });
  const node = 1000;
  assert.equal(memorySize(pod(undefined), {}, node), node);
  assert.equal(memorySize(pod('100', '50'), {}, node), 150);
  assert.equal(memorySize(pod('100', undefined), {}, node), node);
  assert.equal(memorySize(pod('100'), { sizeLimit: '70' }, node), 70);
  assert.equal(memorySize(pod('100'), { sizeLimit: '0' }, node), 100);
  assert.equal(memorySize(pod('2k'), { sizeLimit: '3k' }, node), node);
});
