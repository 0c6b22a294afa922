/**
 * Has the image of a container here, or says why not. Upstream: pkg/kubelet/images/image_manager.go.
 *
 *   ensure ─┬─ present ──────────────────────────────> Pulled  "already present on machine …"
 *           ├─ pull ── Pulling ─┬─ done ─────────────> Pulled  "Successfully pulled image …"
 *           │                   └─ failed ── Failed ─> ErrImagePull, then ImagePullBackOff: 10 s, 20 s … 5 min
 *           └─ policy Never, absent ─────────────────> ErrImageNeverPull
 */
import type { Container, Pod, Secret } from '../api/gen/types.ts';
import { hostImage, hostSeed, isHostImage, normalizeReference } from '../images/index.ts';
import type { Image, ImageStore } from '../images/index.ts';
import type { ConfigReader } from './environment.ts';

export interface ReadyImage {
  readonly image: Image;
  /** Lower directories of the root, uppermost first. */
  readonly layers: readonly string[];
  readonly hostRoot: boolean;
  /** What the writable layer begins with. */
  readonly seed: string | undefined;
}

/** Why there is no image: reason and message of the container's `waiting` state. */
export class ImageError extends Error {
  readonly reason: 'ErrImagePull' | 'ErrImageNeverPull' | 'InvalidImageName';
  constructor(reason: ImageError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Events about the image, with upstream's reasons. */
export type TellImage = (type: 'Normal' | 'Warning', reason: string, message: string) => void;

export interface ImageManager {
  ensure(pod: Pod, container: Container, config: ConfigReader, tell: TellImage): Promise<ReadyImage>;
  /** For Node.status.images. */
  readonly list: () => Promise<readonly Image[]>;
}

export function createImageManager(
  store: ImageStore,
  hideDir: string,
  hidden: readonly string[],
  signal: AbortSignal,
): ImageManager {
  const pulls = new Map<string, Promise<Image>>();
  let seeded: Promise<void> | undefined;

  /** Two containers that want the same image wait for one pull. */
  const pull = async (reference: string, pod: Pod, config: ConfigReader): Promise<Image> => {
    const running = pulls.get(reference);
    if (running !== undefined) return running;
    const secrets = await pullSecrets(pod, config);
    const started = store.pull(reference, { signal, credentials: (registry) => credentialsOf(secrets, registry) });
    pulls.set(reference, started);
    try {
      return await started;
    } finally {
      pulls.delete(reference);
    }
  };

  return {
    async ensure(pod, container, config, tell) {
      const reference = container.image ?? '';
      const normalized = parse(reference);
      if (isHostImage(reference)) {
        seeded ??= hostSeed(hideDir, hidden);
        await seeded;
        tell('Normal', 'Pulled', presentText(reference));
        return { image: hostImage(reference), layers: ['/'], hostRoot: true, seed: hideDir };
      }
      const policy = container.imagePullPolicy ?? (normalized.endsWith(':latest') ? 'Always' : 'IfNotPresent');
      const present = await store.get(normalized);
      if (present !== undefined && policy !== 'Always') {
        tell('Normal', 'Pulled', presentText(reference));
        return { image: present, layers: await store.layers(present), hostRoot: false, seed: undefined };
      }
      if (policy === 'Never') {
        const message = `Container image "${reference}" is not present with pull policy of Never`;
        tell('Warning', 'ErrImageNeverPull', message);
        throw new ImageError('ErrImageNeverPull', message);
      }
      tell('Normal', 'Pulling', `Pulling image "${reference}"`);
      const began = performance.now();
      try {
        const image = await pull(normalized, pod, config);
        const took = `${((performance.now() - began) / 1000).toFixed(3)}s`;
        const size = `Image size: ${String(image.size)} bytes.`;
        tell(
          'Normal',
          'Pulled',
          `Successfully pulled image "${reference}" in ${took} (${took} including waiting). ${size}`,
        );
        return { image, layers: await store.layers(image), hostRoot: false, seed: undefined };
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        const message = `failed to pull and unpack image "${normalized}": ${why}`;
        tell('Warning', 'Failed', `Failed to pull image "${reference}": ${message}`);
        tell('Warning', 'Failed', 'Error: ErrImagePull');
        throw new ImageError('ErrImagePull', message);
      }
    },
    list: () => store.list(),
  };
}

function presentText(reference: string): string {
  return `Container image "${reference}" already present on machine and can be accessed by the pod`;
}

function parse(reference: string): string {
  try {
    return normalizeReference(reference);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ImageError(
      'InvalidImageName',
      `Failed to apply default image tag "${reference}": couldn't parse image name "${reference}": ${why}`,
    );
  }
}

interface Credentials {
  readonly username: string;
  readonly password: string;
}

async function pullSecrets(pod: Pod, config: ConfigReader): Promise<readonly Secret[]> {
  const names = (pod.spec?.imagePullSecrets ?? []).map((reference) => reference.name ?? '');
  const secrets = await Promise.all(names.map((name) => config.secret(name)));
  return secrets.filter((secret) => secret !== undefined);
}

/** kubernetes.io/dockerconfigjson: `auths` by registry. */
function credentialsOf(secrets: readonly Secret[], registry: string): Credentials | undefined {
  for (const secret of secrets) {
    const encoded = secret.data?.['.dockerconfigjson'];
    if (encoded === undefined) continue;
    const parsed = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as {
      auths?: Record<string, { username?: string; password?: string; auth?: string }>;
    };
    for (const [key, entry] of Object.entries(parsed.auths ?? {})) {
      const host = key.replace(/^https?:\/\//, '').split('/')[0] ?? '';
      if (host !== registry && !(registry === 'docker.io' && host === 'index.docker.io')) continue;
      const [name = '', word = ''] = Buffer.from(entry.auth ?? '', 'base64')
        .toString('utf8')
        .split(/:(.*)/s, 2);
      return { username: entry.username ?? name, password: entry.password ?? word };
    }
  }
  return undefined;
}
