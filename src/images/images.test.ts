import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { inside } from './inside.ts';
import { normalizeReference } from './reference.ts';
import { openImages } from './store.ts';
import { digestOf, imageOf, tarOf, writeLayout } from './testing.ts';
import { applyLayer } from './unpack.ts';

function place(context: { after(call: () => void): void }): string {
  const dir = mkdtempSync(join(tmpdir(), 't-images-'));
  context.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function apply(dir: string, entries: Parameters<typeof tarOf>[0]): Promise<string> {
  const root = join(dir, 'root');
  mkdirSync(root, { recursive: true });
  const archive = join(dir, `layer-${String(Math.random())}`);
  writeFileSync(archive, gzipSync(await tarOf(entries)));
  await applyLayer(root, archive);
  return root;
}

test('references are normalized as docker does it', () => {
  const table = [
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.27', 'docker.io/library/nginx:1.27'],
    ['user/app', 'docker.io/user/app:latest'],
    ['localhost/app', 'localhost/app:latest'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
    ['registry.k8s.io/e2e-test-images/agnhost:2.47', 'registry.k8s.io/e2e-test-images/agnhost:2.47'],
    [`app@sha256:${'a'.repeat(64)}`, `docker.io/library/app@sha256:${'a'.repeat(64)}`],
  ] as const;
  for (const [text, normalized] of table) {
    assert.equal(normalizeReference(text), normalized);
  }
  for (const bad of ['', 'UPPER', 'a b', 'a//b', '../x', 'a@sha256:1', '-a', 'a:b:c', 'x/../y']) {
    assert.throws(() => normalizeReference(bad), /invalid reference format/, bad);
  }
});

test('a layer puts files, links, owners and modes in place', async (context) => {
  const root = await apply(place(context), [
    { name: './etc/', type: 'directory', mode: 0o750 },
    { name: './etc/passwd', content: 'root:x:0:0::/root:/bin/sh\n', uid: 7, gid: 8, mode: 0o4755 },
    { name: 'etc/hard', type: 'link', linkname: 'etc/passwd' },
    { name: 'etc/soft', type: 'symlink', linkname: '/etc/passwd' },
    { name: 'deep/er/file', content: 'x' },
  ]);
  const stat = lstatSync(join(root, 'etc/passwd'));
  assert.deepEqual([stat.uid, stat.gid, stat.mode & 0o7777, stat.nlink], [7, 8, 0o4755, 2]);
  assert.equal(lstatSync(join(root, 'etc')).mode & 0o7777, 0o750);
  assert.equal(lstatSync(join(root, 'etc/soft')).isSymbolicLink(), true);
  assert.equal(readFileSync(join(root, 'deep/er/file'), 'utf8'), 'x');
});

test('whiteouts take away what layers below have put there, and only that', async (context) => {
  const dir = place(context);
  await apply(dir, [
    { name: 'a/one', content: '1' },
    { name: 'a/two', content: '2' },
    { name: 'b/old/x', content: 'x' },
    { name: 'b/keep-not', content: 'x' },
  ]);
  const root = await apply(dir, [{ name: 'a/.wh.one' }, { name: 'b/new', content: 'n' }, { name: 'b/.wh..wh..opq' }]);
  assert.deepEqual(readdirSync(join(root, 'a')), ['two']);
  assert.deepEqual(readdirSync(join(root, 'b')), ['new']);
});

test('hostile archives write nothing outside of the root', async (context) => {
  const dir = place(context);
  const outside = join(dir, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'victim'), 'untouched');
  const root = await apply(dir, [
    { name: '../../escape', content: 'x' },
    { name: '/abs', content: 'x' },
    { name: 'link', type: 'symlink', linkname: outside },
    { name: 'link/victim', content: 'changed' },
    { name: 'up', type: 'symlink', linkname: '../../../../..' },
    { name: 'up/root-file', content: 'x' },
    { name: 'link2', type: 'symlink', linkname: join(outside, 'victim') },
    { name: 'link2', content: 'replaced' },
  ]);
  assert.equal(readFileSync(join(outside, 'victim'), 'utf8'), 'untouched');
  assert.deepEqual(readdirSync(outside), ['victim']);
  for (const name of ['escape', 'abs', 'root-file']) assert.ok(existsSync(join(root, name)), name);
  assert.ok(lstatSync(join(root, 'link2')).isFile());
  const hard = [{ name: 'hard', type: 'link' as const, linkname: join('..', 'outside', 'victim') }];
  await assert.rejects(apply(dir, hard), /not in the image/);
  const through = [
    { name: 'dir', type: 'symlink' as const, linkname: outside },
    { name: 'stolen', type: 'link' as const, linkname: 'dir/victim' },
  ];
  // An absolute link means the image's own root: what lies at that path inside of it is taken.
  assert.equal(readFileSync(join(await apply(dir, through), 'stolen'), 'utf8'), 'changed');
  const wipe = [
    { name: 'link', type: 'symlink' as const, linkname: outside },
    { name: 'link/.wh.victim' },
    { name: 'link/.wh..wh..opq' },
  ];
  await apply(dir, wipe);
  await assert.rejects(apply(dir, [{ name: 'x/.wh...' }]), /invalid whiteout/);
  assert.equal(readFileSync(join(outside, 'victim'), 'utf8'), 'untouched');
});

test('no path leads out of the root', (context) => {
  const root = place(context);
  const part = fc.constantFrom('..', '.', '', 'a', 'b', 'loop', 'out', 'etc');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), fc.boolean(), (parts, absolute) => {
      const found = inside(root, (absolute ? '/' : '') + parts.join('/'));
      assert.ok(found === root || found.startsWith(`${root}/`), found);
    }),
  );
});

test('an image is loaded from a layout, an archive of it and a docker archive, found by any name, removed', async (context) => {
  const dir = place(context);
  const store = openImages(join(dir, 'store'));
  const image = imageOf([await tarOf([{ name: 'bin/app', content: 'app', mode: 0o755 }])], { Cmd: ['/bin/app'] });
  writeLayout(join(dir, 'layout'), image, 'example.com/app:1');
  const [loaded] = await store.load(join(dir, 'layout'));
  assert.equal(loaded?.references[0], 'example.com/app:1');
  assert.deepEqual(loaded?.config.Cmd, ['/bin/app']);
  const [root = ''] = await store.layers(loaded);
  assert.equal(readFileSync(join(root, 'bin/app'), 'utf8'), 'app');
  await store.load(join(dir, 'layout'), 'other');
  assert.deepEqual(
    (await store.list()).map((one) => one.references),
    [['docker.io/library/other:latest', 'example.com/app:1']],
  );
  for (const name of [loaded.id, loaded.digest, 'other', `example.com/app@${loaded.digest}`]) {
    assert.equal((await store.get(name))?.id, loaded.id, name);
  }
  assert.equal(await store.remove('other'), true);
  assert.ok(existsSync(root));
  assert.equal(await store.remove('example.com/app:1'), true);
  assert.equal(await store.remove('example.com/app:1'), false);
  assert.equal(existsSync(root), false);
  assert.deepEqual(readdirSync(join(dir, 'store/blobs/sha256')), []);

  const layer = await tarOf([{ name: 'hello', content: 'hi' }]);
  const config = Buffer.from(JSON.stringify({ config: {}, rootfs: { diff_ids: [digestOf(layer)] } }));
  const archive = await tarOf([
    {
      name: 'manifest.json',
      content: JSON.stringify([{ Config: 'c.json', RepoTags: ['web:2'], Layers: ['l/layer.tar'] }]),
    },
    { name: 'c.json', content: config.toString('utf8') },
    { name: 'l/layer.tar', content: layer.toString('latin1') },
  ]);
  writeFileSync(join(dir, 'web.tar.gz'), gzipSync(archive));
  const [web] = await store.load(join(dir, 'web.tar.gz'));
  assert.ok(web !== undefined);
  assert.equal(web.references[0], 'docker.io/library/web:2');
  const [webRoot = ''] = await store.layers(web);
  assert.equal(readFileSync(join(webRoot, 'hello'), 'utf8'), 'hi');
});

test('content that is not what its digest says is refused, links in a layout are not followed out of it', async (context) => {
  const dir = place(context);
  const store = openImages(join(dir, 'store'));
  const image = imageOf([await tarOf([{ name: 'a', content: 'a' }])]);
  writeLayout(join(dir, 'bad'), image, 'example.com/bad:1');
  const [digest = ''] = [...image.blobs.keys()].slice(-1);
  writeFileSync(join(dir, 'bad/blobs/sha256', digest.slice(7)), 'something else');
  await assert.rejects(store.load(join(dir, 'bad')), /does not match its digest/);
  const archive = await tarOf([{ name: 'index.json', type: 'symlink', linkname: '/etc/passwd' }]);
  writeFileSync(join(dir, 'link.tar'), archive);
  await assert.rejects(store.load(join(dir, 'link.tar')), /neither an OCI layout/);
  await assert.rejects(store.load(join(dir, 'none.tar')), /ENOENT/);
  assert.deepEqual(await store.list(), []);
});

test('an image is pulled from a registry that asks for a token', async (context) => {
  const dir = place(context);
  const image = imageOf([await tarOf([{ name: 'pulled', content: 'yes' }])]);
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const host = request.headers.host ?? '';
    const url = new URL(request.url ?? '/', `http://${host}`);
    asked.push(url.pathname);
    if (url.pathname === '/token') {
      const allowed = request.headers.authorization === `Basic ${Buffer.from('me:secret').toString('base64')}`;
      response
        .writeHead(allowed ? 200 : 403, { 'content-type': 'application/json' })
        .end(JSON.stringify({ token: 'T' }));
    } else if (request.headers.authorization !== 'Bearer T') {
      const challenge = `Bearer realm="http://${host}/token",service="test",scope="repository:app:pull"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
    } else if (url.pathname === '/v2/app/manifests/1') {
      const manifests = [
        { digest: digestOf(image.manifest), size: 1, platform: { os: 'linux', architecture: goArch() } },
      ];
      response.writeHead(200).end(JSON.stringify({ schemaVersion: 2, manifests }));
    } else if (url.pathname.startsWith('/v2/app/manifests/sha256:')) response.writeHead(200).end(image.manifest);
    else {
      const blob = image.blobs.get(url.pathname.split('/').at(-1) ?? '');
      response.writeHead(blob === undefined ? 404 : 200).end(blob);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const store = openImages(join(dir, 'store'));
  const credentials = (): { username: string; password: string } => ({ username: 'me', password: 'secret' });
  const pulled = await store.pull(`${host}/app:1`, { credentials });
  assert.deepEqual(pulled.references, [`${host}/app:1`]);
  const [root = ''] = await store.layers(pulled);
  assert.equal(readFileSync(join(root, 'pulled'), 'utf8'), 'yes');
  await assert.rejects(store.pull(`${host}/none:1`, { credentials }), /none:1: not found|not found/);
  await assert.rejects(store.pull(`${host}/app:1`), /failed to authorize/);
  await assert.rejects(store.pull('127.0.0.1:1/app:1'), /failed to do request/);
});

function goArch(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}
