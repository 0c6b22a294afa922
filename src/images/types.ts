/** What an image is to the rest of the program. */

/** The part of the OCI image configuration that a container runtime uses. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  readonly User?: string;
  readonly StopSignal?: string;
}

export interface Image {
  /** `sha256:…` of the image configuration: what docker and crictl call IMAGE ID. */
  readonly id: string;
  /** `sha256:…` of the manifest. */
  readonly digest: string;
  /** Normalized: `docker.io/library/nginx:1.27`. */
  readonly references: readonly string[];
  /** Compressed layers and configuration, bytes. */
  readonly size: number;
  /** RFC 3339, when it came into the store. */
  readonly added: string;
  readonly config: ImageConfig;
}

export interface PullOptions {
  readonly signal?: AbortSignal;
  /** Per registry host, from imagePullSecrets. */
  readonly credentials?: (host: string) => { readonly username: string; readonly password: string } | undefined;
}

export interface ImageStore {
  list(): Promise<readonly Image[]>;
  /** By any reference (normalized here), by id or by `name@digest`. */
  get(reference: string): Promise<Image | undefined>;
  /** From an OCI layout (directory or tar) or a docker archive; `.gz` is seen. `name` for layouts that carry none. */
  load(path: string, name?: string): Promise<readonly Image[]>;
  /** From its registry. Rejects with a clear reason. */
  pull(reference: string, options?: PullOptions): Promise<Image>;
  /** False: there was none. */
  remove(reference: string): Promise<boolean>;
  /** Unpacked layer directories, uppermost first: overlayfs' lowerdir order. */
  layers(image: Image): Promise<readonly string[]>;
}
