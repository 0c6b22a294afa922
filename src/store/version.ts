/**
 * One version of an object is its JSON. The value is parsed when somebody asks for it, and remembered for a while.
 *
 *   put ─ JSON ─┬─ the file, answers, watches, lists: as it is
 *               └─ value: whoever must look into the object
 *
 * Most versions are written and sent, and never looked into. Kept as values besides, they were half of the server's memory and most
 * of what its garbage collector had to carry about.
 */
import type { Stored } from './types.ts';

export class Version implements Stored {
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly createRevision: number;
  readonly json: string;
  #value: object | undefined;

  constructor(namespace: string, name: string, revision: number, createRevision: number, json: string) {
    this.namespace = namespace;
    this.name = name;
    this.revision = revision;
    this.createRevision = createRevision;
    this.json = json;
  }

  get value(): object {
    if (this.#value === undefined) {
      this.#value = deepFreeze(JSON.parse(this.json) as object);
      remember(this);
    }
    return this.#value;
  }

  forgetValue(): void {
    this.#value = undefined;
  }
}

/** Those whose values are there, in the order in which they were parsed. A value takes about three times its JSON. */
const remembered = new Set<Version>();
const mostBytes = 8 * 1024 * 1024;
let bytes = 0;

function remember(version: Version): void {
  remembered.add(version);
  bytes += version.json.length;
  for (const oldest of remembered) {
    if (bytes <= mostBytes || oldest === version) return;
    remembered.delete(oldest);
    bytes -= oldest.json.length;
    oldest.forgetValue();
  }
}

function deepFreeze<T extends object>(value: T): T {
  Object.freeze(value);
  for (const child of Object.values(value)) {
    if (typeof child === 'object' && child !== null) deepFreeze(child as object);
  }
  return value;
}
