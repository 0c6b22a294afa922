/**
 * OCI mounts of a container: its volumes, and the /etc files that Kubernetes keeps for it.
 * subPath is resolved inside the volume before use, so that a link in it can't lead out (upstream: pkg/volume/util/subpath).
 */
import { chmodSync, existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Container, VolumeMount } from '../api/gen/types.ts';
import { ConfigError } from './environment.ts';
import { expand } from './expand.ts';
import type { Mount } from './oci-spec.ts';

export function volumeMounts(
  container: Container,
  volumes: ReadonlyMap<string, string>,
  environment: ReadonlyMap<string, string>,
): Mount[] {
  // Parents first, so that a mount never hides another.
  const mounts = [...(container.volumeMounts ?? [])].sort((a, b) => depth(a.mountPath) - depth(b.mountPath));
  return mounts.map((mount) => {
    const source = volumes.get(mount.name);
    if (source === undefined)
      throw new ConfigError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`);
    return bind(sourceOf(source, mount, environment), mount.mountPath, mount.readOnly === true);
  });
}

export function etcMounts(dir: string, container: Container, names: readonly string[]): Mount[] {
  const taken = new Set((container.volumeMounts ?? []).map((mount) => normalize(mount.mountPath)));
  return names.filter((name) => !taken.has(`/etc/${name}`)).map((name) => bind(join(dir, name), `/etc/${name}`, false));
}

export function bind(source: string, destination: string, readOnly: boolean): Mount {
  return { destination, type: 'bind', source, options: ['rbind', 'rprivate', readOnly ? 'ro' : 'rw'] };
}

function sourceOf(volume: string, mount: VolumeMount, environment: ReadonlyMap<string, string>): string {
  const wish =
    mount.subPathExpr === undefined ? mount.subPath : expand(mount.subPathExpr, (name) => environment.get(name));
  if (wish === undefined || wish === '') return volume;
  if (wish.startsWith('/') || normalize(wish).split('/').includes('..')) {
    throw new ConfigError(`subPath "${wish}" of volume "${mount.name}" must stay inside the volume`);
  }
  const base = realpathSync(volume);
  const path = join(base, wish);
  if (!existsSync(path)) {
    const parent = existing(dirname(path));
    if (!inside(base, realpathSync(parent)))
      throw new ConfigError(`subPath "${wish}" leads out of volume "${mount.name}"`);
    makeLike(base, parent, path);
  }
  const real = realpathSync(path);
  if (!inside(base, real)) throw new ConfigError(`subPath "${wish}" leads out of volume "${mount.name}"`);
  return real;
}

/** Whoever may use the volume may use what is made in it. Upstream: SafeMakeDir with the volume's mode. */
function makeLike(volume: string, parent: string, path: string): void {
  const mode = statSync(volume).mode & 0o777;
  let dir = parent;
  for (const name of path.slice(parent.length + 1).split('/')) {
    dir = join(dir, name);
    mkdirSync(dir);
    chmodSync(dir, mode);
  }
}

function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path));
}

function inside(base: string, path: string): boolean {
  return path === base || path.startsWith(`${base}/`);
}

function depth(path: string): number {
  return normalize(path).split('/').length;
}

/** The /dev/termination-log of a container: a file of its own, bound in. */
export function terminationMount(file: string, container: Container): Mount {
  if (!existsSync(file)) {
    writeFileSync(file, '');
    // Whoever the container runs as, and whatever our umask.
    chmodSync(file, 0o666);
  }
  return bind(file, container.terminationMessagePath ?? '/dev/termination-log', false);
}
