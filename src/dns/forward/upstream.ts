/**
 * An upstream server and what we think of its health. Two failures in a row take it out for a while that doubles; then
 * one question at a time may try it again.
 *
 *   up ──2 failures──> down (0.5 s … 30 s) ──time is over──> one trial ──answer──> up
 */
import type { UpstreamAddress } from './resolv-conf.ts';

const failuresAllowed = 2;
const firstRestMs = 500;
const longestRestMs = 30_000;

export class Upstream {
  readonly address: UpstreamAddress;
  /** Learned: it keeps the letter case of questions; it knows EDNS. */
  mixCase = true;
  edns = true;
  /** A question of ours came back to us through it: never asked again. */
  loops = false;
  #failures = 0;
  #restUntil = 0;
  #onTrial = false;

  constructor(address: UpstreamAddress) {
    this.address = address;
  }

  get name(): string {
    const { address, port } = this.address;
    return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  }

  get healthy(): boolean {
    return this.#failures < failuresAllowed;
  }

  /** May it be asked now? Taking a trial is final: report its outcome with succeeded or failed. */
  take(now: number): boolean {
    if (this.loops) return false;
    if (this.healthy) return true;
    if (this.#onTrial || now < this.#restUntil) return false;
    this.#onTrial = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#onTrial = false;
  }

  failed(now: number): void {
    this.#failures += 1;
    this.#onTrial = false;
    const rest = firstRestMs * 2 ** Math.max(0, this.#failures - failuresAllowed);
    this.#restUntil = now + Math.min(rest, longestRestMs);
  }
}
