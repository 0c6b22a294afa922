/**
 * What a pod's containers live in: network and volumes, made before the first of them, and kept while they run.
 *
 *   prepare ── network ─┬─> ready ─┬─ volumes that show changing objects: brought up to date each minute, and when told to
 *           └─ volumes ─┘          └─ limits of storage: looked at every 3 s
 */
import type { Pod } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { log } from '../util/log.ts';
import type { NodeContext } from './node-context.ts';
import type { PodRecord } from './pod-record.ts';
import { ensureNetwork, ensureVolumes, hasLiveVolumes } from './pod-sandbox.ts';
import { hasStorageLimits, storageExcess } from './storage-limits.ts';

export interface SurroundingsOwner {
  pod(): Live<Pod>;
  warn(reason: string, message: string): void;
  /** Its storage is over a limit. */
  exceeded(message: string): void;
}

const logger = log('agent');
const volumeRefreshMs = 60_000;
/** Sooner than kubelet's monitoringInterval of 10 s: it is looked at only where there is a limit. */
const storageCheckMs = 3_000;

export class PodSurroundings {
  readonly #context: NodeContext;
  readonly #record: PodRecord;
  readonly #owner: SurroundingsOwner;
  #podIps: readonly string[];
  #volumes: ReadonlyMap<string, string> = new Map();
  #isReady = false;
  #isOver = false;
  #refreshing: Promise<void> = Promise.resolve();
  #refreshTimer: NodeJS.Timeout | undefined;
  #storageTimer: NodeJS.Timeout | undefined;

  constructor(context: NodeContext, record: PodRecord, owner: SurroundingsOwner) {
    this.#context = context;
    this.#record = record;
    this.#owner = owner;
    this.#podIps = record.network?.ips ?? [];
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get podIps(): readonly string[] {
    return this.#podIps;
  }

  /** Name of the volume → where it is on the node. */
  get volumes(): ReadonlyMap<string, string> {
    return this.#volumes;
  }

  /** Network and volumes at the same time. False: not yet, and the owner was told why. */
  async prepare(): Promise<boolean> {
    const [hasNetwork, hasVolumes] = await Promise.all([this.#makeNetwork(), this.#makeVolumes()]);
    this.#isReady = hasNetwork && hasVolumes;
    if (!this.#isReady) return false;
    if (hasLiveVolumes(this.#owner.pod())) this.#scheduleRefresh();
    if (hasStorageLimits(this.#owner.pod())) this.#watchStorage();
    return true;
  }

  /** One after the other: they write the same files. */
  refreshVolumes(): Promise<void> {
    this.#refreshing = this.#refreshing
      .then(async () => {
        if (!this.#isOver) await ensureVolumes(this.#context, this.#owner.pod(), this.#record, () => this.#podIps);
      })
      .catch((error: unknown) => logger.warn({ ...this.#where(), err: error }, 'volumes were not brought up to date'));
    return this.#refreshing;
  }

  /** Nothing is kept up to date from now on; what was made stays. */
  leave(): void {
    this.#isOver = true;
    clearTimeout(this.#refreshTimer);
    clearTimeout(this.#storageTimer);
  }

  async #makeNetwork(): Promise<boolean> {
    try {
      this.#podIps = await ensureNetwork(this.#context, this.#owner.pod(), this.#record);
      return true;
    } catch (error) {
      return this.#refused('FailedCreatePodSandBox', 'Failed to create pod sandbox: ', error);
    }
  }

  async #makeVolumes(): Promise<boolean> {
    try {
      this.#volumes = await ensureVolumes(this.#context, this.#owner.pod(), this.#record, () => this.#podIps);
      return true;
    } catch (error) {
      return this.#refused('FailedMount', 'MountVolume.SetUp failed: ', error);
    }
  }

  #refused(reason: string, prefix: string, error: unknown): false {
    const why = error instanceof Error ? error.message : String(error);
    logger.warn({ ...this.#where(), why }, reason);
    this.#owner.warn(reason, prefix + why);
    return false;
  }

  #scheduleRefresh(): void {
    if (this.#isOver) return;
    const waitMs = volumeRefreshMs * (1 + Math.random() * 0.2);
    this.#refreshTimer = setTimeout(() => void this.refreshVolumes().finally(() => this.#scheduleRefresh()), waitMs);
    this.#refreshTimer.unref();
  }

  #watchStorage(): void {
    if (this.#isOver || this.#record.failure !== undefined) return;
    this.#storageTimer = setTimeout(
      () => void this.#checkStorage().finally(() => this.#watchStorage()),
      storageCheckMs,
    );
    this.#storageTimer.unref();
  }

  async #checkStorage(): Promise<void> {
    try {
      const message = await storageExcess(this.#context, this.#owner.pod(), this.#record);
      if (message !== undefined && this.#record.failure === undefined) this.#owner.exceeded(message);
    } catch (error) {
      logger.warn({ ...this.#where(), err: error }, 'storage use is not known');
    }
  }

  #where(): { readonly pod: string } {
    return { pod: `${this.#record.namespace}/${this.#record.name}` };
  }
}
