/**
 * JSON patch, RFC 6902, with pointers of RFC 6901. Works on a private copy; nothing is kept when an operation fails.
 * Texts and limits as the API server of upstream: apiserver pkg/endpoints/handlers/patch.go, evanphx/json-patch.
 */
import { apiError } from '../errors.ts';
import { checkKey, isObject, sameJson } from './json.ts';
import { clone } from '../clone.ts';

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

const mostOperations = 10_000;
/** `copy` could double a document with each operation. */
const mostCopiedBytes = 3 * 1024 * 1024;

/** `operations` as it came from the wire. Throws ApiError 400, 413 or 422. */
export function applyJsonPatch(object: unknown, operations: unknown): unknown {
  const document = new JsonDocument(clone(object));
  for (const operation of readOperations(operations)) document.apply(operation);
  return document.root;
}

/** `unknown field "[0].valu"`: for the strictness that was asked for. */
export function unknownOperationFields(operations: unknown): readonly string[] {
  if (!Array.isArray(operations)) return [];
  const known = new Set(['op', 'path', 'from', 'value']);
  return operations.flatMap((item: unknown, index) =>
    isObject(item)
      ? Object.keys(item)
          .filter((key) => !known.has(key))
          .map((key) => `unknown field "[${index}].${key}"`)
      : [],
  );
}

function readOperations(value: unknown): readonly Operation[] {
  if (!Array.isArray(value))
    throw apiError(400, 'BadRequest', 'error decoding patch: a JSON patch must be a list of operations');
  if (value.length > mostOperations) {
    const why = `The allowed maximum operations in a JSON patch is ${mostOperations}, got ${value.length}`;
    throw apiError(413, 'RequestEntityTooLarge', `Request entity too large: ${why}`);
  }
  return value.map((item: unknown, index) => readOperation(item, index));
}

function readOperation(item: unknown, index: number): Operation {
  const bad = (why: string): Error => apiError(400, 'BadRequest', `error decoding patch: operation ${index}: ${why}`);
  if (!isObject(item)) throw bad('must be an object');
  const { op, path, from, value } = item;
  if (typeof op !== 'string') throw bad('must have "op"');
  if (typeof path !== 'string') throw bad('must have "path"');
  if (op === 'move' || op === 'copy') {
    if (typeof from !== 'string') throw bad('must have "from"');
    return { op, path, from };
  }
  if ((op === 'add' || op === 'replace' || op === 'test') && !Object.hasOwn(item, 'value'))
    throw bad('must have "value"');
  return { op, path, value };
}

/** Why an operation cannot be applied, in the words of evanphx/json-patch v4. */
export class JsonPatchError extends Error {
  /** A test that failed, rather than an operation. */
  readonly isTest: boolean;
  constructor(message: string, isTest = false) {
    super(message);
    this.isTest = isTest;
  }
}

const missing = 'missing value';

class JsonDocument {
  root: unknown;
  #copied = 0;

  constructor(root: unknown) {
    this.root = root;
  }

  apply({ op, path, from = '', value }: Operation): void {
    switch (op) {
      case 'add':
        return this.#add(path, clone(value), `error in add for path: '${path}'`, noPath('add', `path: "${path}"`));
      case 'remove':
        this.#remove(path, `error in remove for path: '${path}'`, noPath('remove', `path: "${path}"`));
        return;
      case 'replace':
        // One step, so that the place in a list stays.
        return this.#replace(path, clone(value));
      case 'move':
        return this.#move(path, from);
      case 'copy':
        return this.#copy(path, from);
      case 'test':
        return this.#test(path, value);
      default:
        throw unapplicable(`Unexpected kind: ${op}`);
    }
  }

  #add(path: string, value: unknown, where: string, nowhere: string): void {
    const { parent, key } = this.#locate(path, nowhere);
    if (parent === undefined) this.root = value;
    else if (Array.isArray(parent))
      parent.splice(key === '-' ? parent.length : listIndex(where, key, parent.length), 0, value);
    else parent[key] = value;
  }

  #remove(path: string, where: string, nowhere: string): unknown {
    const { parent, key } = this.#locate(path, nowhere);
    if (parent === undefined) throw unapplicable(nowhere);
    if (Array.isArray(parent)) return parent.splice(listIndex(where, key, parent.length - 1), 1)[0];
    if (!Object.hasOwn(parent, key))
      throw unapplicable(`${where}: Unable to remove nonexistent key: ${key}: ${missing}`);
    const removed = parent[key];
    delete parent[key];
    return removed;
  }

  /** A key that is not there is added: upstream asks no more of it. */
  #replace(path: string, value: unknown): void {
    const { parent, key } = this.#locate(path, noPath('replace', `path: ${path}`));
    if (parent === undefined) this.root = value;
    else if (Array.isArray(parent)) {
      const index = indexOf(key, parent.length - 1);
      if (index === undefined) throw unapplicable(noPath('replace', `key: ${path}`));
      parent[index] = value;
    } else parent[key] = value;
  }

  #move(path: string, from: string): void {
    if (path === from) return;
    if (path.startsWith(`${from}/`)) throw unapplicable(noPath('move', `destination path: ${path}`));
    const moved = this.#remove(from, `error in move for path: '${lastOf(from)}'`, noPath('move', `from path: ${from}`));
    this.#add(path, moved, `error in move for path: '${path}'`, noPath('move', `destination path: ${path}`));
  }

  #copy(path: string, from: string): void {
    const value = this.#get(from, `error in copy for from: '${from}'`, noPath('copy', `from path: ${from}`)) ?? null;
    this.#copied += JSON.stringify(value).length;
    if (this.#copied > mostCopiedBytes) {
      const [limit, size] = [String(mostCopiedBytes), String(this.#copied)];
      throw unapplicable(
        `Unable to complete the copy, the accumulated size increase of copy is ${size}, exceeding the limit ${limit}`,
      );
    }
    const where = 'error while adding value during copy';
    this.#add(path, clone(value), where, noPath('copy', `destination path: ${path}`));
  }

  #test(path: string, value: unknown): void {
    const nowhere = `test operation does not apply: is missing path: ${path}: ${missing}`;
    const found = this.#get(path, `error in test for path: '${path}'`, nowhere) ?? null;
    if (!sameJson(found, value ?? null)) throw unapplicable(`testing value ${path} failed: test failed`, true);
  }

  #get(path: string, where: string, nowhere: string): unknown {
    const { parent, key } = this.#locate(path, nowhere);
    if (parent === undefined) return this.root;
    if (Array.isArray(parent)) return parent[listIndex(where, key, parent.length - 1)];
    return Object.hasOwn(parent, key) ? parent[key] : undefined;
  }

  #locate(
    path: string,
    nowhere: string,
  ): { readonly parent: unknown[] | Record<string, unknown> | undefined; readonly key: string } {
    const tokens = readPointer(path, nowhere);
    const key = tokens.pop();
    if (key === undefined) return { parent: undefined, key: '' };
    let parent = this.root;
    for (const token of tokens) {
      if (Array.isArray(parent)) {
        const index = indexOf(token, parent.length - 1);
        parent = index === undefined ? undefined : parent[index];
      } else parent = isObject(parent) && Object.hasOwn(parent, token) ? parent[token] : undefined;
    }
    if (Array.isArray(parent)) return { parent: parent as unknown[], key };
    if (isObject(parent)) return { parent, key };
    throw unapplicable(nowhere);
  }
}

function noPath(op: string, what: string): string {
  return `${op} operation does not apply: doc is missing ${what}: ${missing}`;
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function readPointer(path: string, nowhere: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw unapplicable(nowhere);
  return path
    .slice(1)
    .split('/')
    .map((token) => checkKey(token.replaceAll('~1', '/').replaceAll('~0', '~')));
}

function indexOf(token: string, most: number): number | undefined {
  const index = /^(0|[1-9]\d{0,9})$/.test(token) ? Number(token) : -1;
  return index < 0 || index > most ? undefined : index;
}

function listIndex(where: string, token: string, most: number): number {
  const index = indexOf(token, most);
  if (index !== undefined) return index;
  const why = /^-?\d+$/.test(token)
    ? `Unable to access invalid index: ${token}: invalid index referenced`
    : `value was not a proper array index: '${token}': strconv.Atoi: parsing ${JSON.stringify(token)}: invalid syntax`;
  throw unapplicable(`${where}: ${why}`);
}

/** Upstream tells the client no more than this (NewGenericServerResponse); what is wrong stays in `cause`, for who may know. */
function unapplicable(why: string, isTest = false): Error {
  const error = apiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
  error.cause = new JsonPatchError(why, isTest);
  return error;
}
