/**
 * Active probes: is there somebody at this URL, each second, from here.
 *
 *   unknown ── any answer ──> what it said
 *   healthy ── 200 ──> healthy
 *           ── another status ──> draining          at once: the node itself says "no new connections" (KEP-3836)
 *           ── refused, `misses` times in a row ──> refused     the machine lives, its proxy does not
 *           ── nothing, `misses` times in a row ──> silent      the machine is gone
 *   anything ── 200 ──> healthy                     one success
 *
 * A target that is not healthy, or has just missed, is asked again after a quarter of a second.
 */
import { request } from '../util/http.ts';
import type { NodeHealthOptions } from './options.ts';

export type Health = 'unknown' | 'healthy' | 'draining' | 'refused' | 'silent';

export interface Prober {
  /** The whole set of URLs; new ones are probed at once, missing ones are forgotten. */
  setTargets(urls: ReadonlySet<string>): void;
  healthOf(url: string): Health;
  /** Resolves when every target of now has answered or been given up once. */
  known(): Promise<void>;
}

export type ProbeTiming = Pick<NodeHealthOptions, 'intervalMs' | 'timeoutMs' | 'misses'>;

interface Target {
  health: Health;
  misses: number;
  stopped: boolean;
  timer: NodeJS.Timeout | undefined;
  readonly first: Promise<void>;
}

const eagerMs = 250;

export function createProber(
  timing: ProbeTiming,
  onChange: (url: string, health: Health, old: Health) => void,
  signal: AbortSignal,
): Prober {
  const targets = new Map<string, Target>();

  const round = async (url: string, target: Target): Promise<void> => {
    const started = performance.now();
    const answer = await ask(url, timing.timeoutMs);
    if (target.stopped) return;
    const missed = answer === 'refused' || answer === 'silent';
    target.misses = missed ? target.misses + 1 : 0;
    const old = target.health;
    if (!missed || target.misses >= timing.misses || old === 'unknown') target.health = answer;
    const eager = target.health !== 'healthy' || missed;
    const wait = eager ? eagerMs : Math.max(0, timing.intervalMs - (performance.now() - started));
    target.timer = setTimeout(() => void round(url, target), wait);
    if (target.health !== old) onChange(url, target.health, old);
  };
  const stop = (target: Target): void => {
    target.stopped = true;
    clearTimeout(target.timer);
  };
  signal.addEventListener('abort', () => targets.forEach(stop), { once: true });

  return {
    setTargets(urls) {
      for (const [url, target] of targets) {
        if (urls.has(url)) continue;
        stop(target);
        targets.delete(url);
      }
      for (const url of urls) {
        if (targets.has(url) || signal.aborted) continue;
        const { promise, resolve } = Promise.withResolvers<void>();
        const target: Target = { health: 'unknown', misses: 0, stopped: false, timer: undefined, first: promise };
        targets.set(url, target);
        void round(url, target).finally(resolve);
      }
    },
    healthOf: (url) => targets.get(url)?.health ?? 'unknown',
    async known() {
      await Promise.all([...targets.values()].map((target) => target.first));
    },
  };
}

/** A connection of its own each time: a kept one would prove less. Never follows a redirect. */
function ask(url: string, timeoutMs: number): Promise<Exclude<Health, 'unknown'>> {
  return new Promise((resolve) => {
    const call = request(url, { agent: false, timeout: timeoutMs, headers: { 'user-agent': 'portolan-lb' } });
    const deadline = setTimeout(() => call.destroy(new Error('no answer')), timeoutMs);
    call.on('response', (response) => {
      clearTimeout(deadline);
      response.resume();
      call.destroy();
      resolve(response.statusCode === 200 ? 'healthy' : 'draining');
    });
    call.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(deadline);
      resolve(error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET' ? 'refused' : 'silent');
    });
    call.end();
  });
}

export function probeUrl(address: string, port: number, path: string): string {
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}${path}`;
}
