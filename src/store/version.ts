/**
 * One version of an object, as a value and as JSON, each made from the other when it is first asked for: a restart reads JSON and
 * parses nothing, and a list concatenates JSON and parses nothing.
 */
import type { Stored } from './types.ts';

export class Version implements Stored {
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  #value: object | undefined;
  #json: string | undefined;

  private constructor(namespace: string, name: string, revision: number, value?: object, json?: string) {
    this.namespace = namespace;
    this.name = name;
    this.revision = revision;
    this.#value = value;
    this.#json = json;
  }

  static ofValue(namespace: string, name: string, revision: number, value: object): Version {
    return new Version(namespace, name, revision, deepFreeze(value));
  }

  static ofJson(namespace: string, name: string, revision: number, json: string): Version {
    return new Version(namespace, name, revision, undefined, json);
  }

  get value(): object {
    return (this.#value ??= deepFreeze(JSON.parse(this.#json ?? '{}') as object));
  }

  get json(): string {
    return (this.#json ??= JSON.stringify(this.#value));
  }
}

/** Stops at what is frozen already, so that parts shared between versions are walked once. */
function deepFreeze<T extends object>(value: T): T {
  if (Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const child of Object.values(value)) {
    if (typeof child === 'object' && child !== null) deepFreeze(child as object);
  }
  return value;
}
