/**
 * Pulls from a registry: the distribution API over HTTPS (HTTP for registries on this machine), with token or basic
 * authentication. Spec: github.com/opencontainers/distribution-spec; tokens: distribution.github.io/distribution/spec/auth.
 */
import { Readable } from 'node:stream';
import type { Blobs } from './blobs.ts';
import { sha256 } from './blobs.ts';
import { choosePlatform, manifestTypes, readManifest } from './manifest.ts';
import type { Reference } from './reference.ts';
import type { PullOptions } from './types.ts';

const maxManifest = 4 << 20;

/** Everything of the image into `blobs`; resolves with the digest of its manifest. */
export async function pullInto(blobs: Blobs, reference: Reference, options: PullOptions): Promise<string> {
  const session = openSession(reference, options);
  let wanted = reference.digest ?? reference.tag ?? 'latest';
  for (let depth = 0; depth < 3; depth += 1) {
    const bytes = await session.bytes(`manifests/${wanted}`, manifestTypes.join(', '));
    const digest = sha256(bytes);
    if (wanted.startsWith('sha256:') && digest !== wanted)
      throw new Error(`manifest does not match its digest ${wanted}`);
    const manifest = readManifest(JSON.parse(bytes.toString('utf8')));
    if (!('layers' in manifest)) {
      wanted = choosePlatform(manifest).digest;
      continue;
    }
    for (const { digest: part } of [manifest.config, ...manifest.layers]) {
      if (!blobs.has(part)) await blobs.put(await session.stream(`blobs/${part}`), part);
    }
    return blobs.putBytes(bytes);
  }
  throw new Error('indexes are nested too deep');
}

interface Session {
  bytes(path: string, accept: string): Promise<Buffer>;
  stream(path: string): Promise<Readable>;
}

function openSession(reference: Reference, options: PullOptions): Session {
  const base = `${origin(reference.host)}/v2/${reference.repository}`;
  const credentials = options.credentials?.(reference.host);
  let authorization: string | undefined;

  const get = async (path: string, accept: string): Promise<Response> => {
    for (let attempt = 0; ; attempt += 1) {
      const response = await request(`${base}/${path}`, {
        headers: { accept, ...(authorization === undefined ? {} : { authorization }) },
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      if (response.ok) return response;
      if (response.status !== 401 || attempt > 0) throw new Error(await refusal(response, reference));
      await response.body?.cancel();
      authorization = await authorize(response.headers.get('www-authenticate') ?? '', credentials, options.signal);
    }
  };
  return {
    async bytes(path, accept) {
      const response = await get(path, accept);
      const bytes = Buffer.from(await response.arrayBuffer());
      if (bytes.length > maxManifest) throw new Error('manifest is larger than 4 MiB');
      return bytes;
    },
    async stream(path) {
      const { body } = await get(path, '*/*');
      if (body === null) throw new Error(`${path}: empty answer`);
      return Readable.fromWeb(body);
    },
  };
}

/** Docker's own rule: registries on this machine may be without TLS. */
function origin(host: string): string {
  if (host === 'docker.io') return 'https://registry-1.docker.io';
  const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
  return `${local ? 'http' : 'https'}://${host}`;
}

type Credentials = { readonly username: string; readonly password: string } | undefined;

async function authorize(
  challenge: string,
  credentials: Credentials,
  signal: AbortSignal | undefined,
): Promise<string> {
  const basic =
    credentials === undefined
      ? undefined
      : `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
  const [scheme = ''] = challenge.split(' ', 1);
  if (scheme.toLowerCase() === 'basic') {
    if (basic === undefined)
      throw new Error('the registry asks for a user name and a password: name them in imagePullSecrets');
    return basic;
  }
  const fields = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map((match) => [match[1] ?? '', match[2] ?? '']));
  const realm = fields.get('realm');
  if (scheme.toLowerCase() !== 'bearer' || realm === undefined)
    throw new Error(`unknown way to authenticate: "${challenge}"`);
  const url = new URL(realm);
  for (const name of ['service', 'scope']) {
    const value = fields.get(name);
    if (value !== undefined) url.searchParams.set(name, value);
  }
  const response = await request(url.href, {
    headers: basic === undefined ? {} : { authorization: basic },
    ...(signal === undefined ? {} : { signal }),
  });
  if (!response.ok)
    throw new Error(`failed to authorize: ${url.host} answered ${String(response.status)} ${response.statusText}`);
  const answer = (await response.json()) as { token?: string; access_token?: string };
  return `Bearer ${answer.token ?? answer.access_token ?? ''}`;
}

async function request(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`failed to do request: Get "${url}": ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause: error,
    });
  }
}

async function refusal(response: Response, reference: Reference): Promise<string> {
  await response.body?.cancel();
  const name = `${reference.host}/${reference.repository}:${reference.tag ?? reference.digest ?? ''}`;
  if (response.status === 404) return `failed to resolve reference "${name}": ${name}: not found`;
  if (response.status === 401 || response.status === 403) {
    return `failed to resolve reference "${name}": pull access denied, repository does not exist or may require authorization`;
  }
  return `failed to resolve reference "${name}": unexpected status from GET request: ${String(response.status)} ${response.statusText}`;
}
