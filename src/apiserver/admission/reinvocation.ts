/**
 * What mutates may be asked twice. When policies or webhooks changed an object, all of admission comes once more, and of them those that
 * want to see what came after them (reinvocationPolicy IfNeeded). Upstream: apiserver/pkg/admission/reinvocation.go,
 * plugin/policy/mutating/reinvocationcontext.go, plugin/webhook/mutating/reinvocationcontext.go.
 *
 *   first round    ─ begin ─ invoked(key) … changed() ─ end(object)
 *   second round   ─ begin ─ asks(key)? …             ─ end(object)
 */
import { clone } from '../../api/clone.ts';
import type { KubeObject } from '../../api/object.ts';
import { sameJson } from '../../api/patch/json.ts';

class Reinvocation {
  readonly second: boolean;
  readonly #invoked: Set<string>;
  readonly #again: Set<string>;
  #left: KubeObject | undefined;

  constructor(before?: Reinvocation) {
    this.second = before !== undefined;
    this.#invoked = new Set(before === undefined ? [] : before.#invoked);
    this.#again = new Set(before === undefined ? [] : before.#again);
    this.#left = before === undefined ? undefined : before.#left;
  }

  /** Others may have changed the object since it left. */
  begin(object: KubeObject | undefined): void {
    if (this.second && !sameJson(this.#left, object)) this.changed();
  }

  asks(key: string): boolean {
    return !this.second || this.#again.has(key);
  }

  /** All that were asked before, and want to be, are asked again. */
  changed(): void {
    for (const key of this.#invoked) this.#again.add(key);
    this.#invoked.clear();
  }

  invoked(key: string, policy: string | undefined): void {
    if (policy === 'IfNeeded') this.#invoked.add(key);
  }

  end(object: KubeObject | undefined): void {
    this.#left = clone(object);
  }
}

/** Of one round of one request. */
export class Round {
  readonly policies: Reinvocation;
  readonly webhooks: Reinvocation;
  /** Somebody changed the object: there is to be another round. */
  changed = false;
  constructor(before?: Round) {
    this.policies = new Reinvocation(before?.policies);
    this.webhooks = new Reinvocation(before?.webhooks);
  }
}
