/**
 * Each event is serialized once for all watchers that want the same form of it. Only the newest bytes are kept: watchers that are up
 * to date all ask within the same turn.
 */
import type { StoreEvent } from '../../store/index.ts';

export class Frames {
  readonly #byEvent = new Map<StoreEvent, Map<string, Buffer>>();
  readonly #limit: number;
  #bytes = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  of(event: StoreEvent, form: string, make: () => Buffer): Buffer {
    const known = this.#byEvent.get(event)?.get(form);
    if (known !== undefined) return known;
    const frame = make();
    const forms = this.#byEvent.get(event) ?? new Map<string, Buffer>();
    this.#byEvent.set(event, forms.set(form, frame));
    this.#bytes += frame.length;
    this.#forget();
    return frame;
  }

  #forget(): void {
    for (const [event, forms] of this.#byEvent) {
      if (this.#bytes <= this.#limit) return;
      this.#byEvent.delete(event);
      for (const frame of forms.values()) this.#bytes -= frame.length;
    }
  }
}
