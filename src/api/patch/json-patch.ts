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

class JsonDocument {
  root: unknown;
  #copied = 0;

  constructor(root: unknown) {
    this.root = root;
  }

  apply({ op, path, from = '', value }: Operation): void {
    switch (op) {
      case 'add':
        return this.#add(op, path, clone(value));
      case 'remove':
        this.#remove(op, path);
        return;
      case 'replace':
        // One step, so that the place in a list stays.
        return this.#replace(path, clone(value));
      case 'move': {
        if (path === from) return;
        if (path.startsWith(`${from}/`)) throw unapplicable(op, path, 'a value can not be moved into itself');
        const moved = this.#remove(op, from);
        return this.#add(op, path, moved);
      }
      case 'copy':
        return this.#copy(path, from);
      case 'test':
        return this.#test(path, value);
      default:
        throw unapplicable(op, path, 'unknown operation');
    }
  }

  #add(op: string, path: string, value: unknown): void {
    const { parent, key } = this.#locate(op, path);
    if (parent === undefined) this.root = value;
    else if (Array.isArray(parent))
      parent.splice(key === '-' ? parent.length : listIndex(op, path, key, parent.length), 0, value);
    else parent[key] = value;
  }

  #remove(op: string, path: string): unknown {
    const { parent, key } = this.#locate(op, path);
    if (parent === undefined) throw unapplicable(op, path, 'the whole object can not be removed');
    if (Array.isArray(parent)) return parent.splice(listIndex(op, path, key, parent.length - 1), 1)[0];
    if (!Object.hasOwn(parent, key)) throw unapplicable(op, path, 'the path does not exist');
    const removed = parent[key];
    delete parent[key];
    return removed;
  }

  #replace(path: string, value: unknown): void {
    const { parent, key } = this.#locate('replace', path);
    if (parent === undefined) this.root = value;
    else if (Array.isArray(parent)) parent[listIndex('replace', path, key, parent.length - 1)] = value;
    else if (Object.hasOwn(parent, key)) parent[key] = value;
    else throw unapplicable('replace', path, 'the path does not exist');
  }

  #copy(path: string, from: string): void {
    const value = this.#get('copy', from);
    if (value === undefined) throw unapplicable('copy', from, 'the path does not exist');
    this.#copied += JSON.stringify(value).length;
    if (this.#copied > mostCopiedBytes) {
      throw unapplicable('copy', path, `the copies add up to more than the limit of ${mostCopiedBytes} bytes`);
    }
    this.#add('copy', path, clone(value));
  }

  #test(path: string, value: unknown): void {
    const found = this.#get('test', path) ?? null;
    if (!sameJson(found, value)) throw unapplicable('test', path, `the value is ${JSON.stringify(found)}`);
  }

  #get(op: string, path: string): unknown {
    const { parent, key } = this.#locate(op, path);
    if (parent === undefined) return this.root;
    if (Array.isArray(parent)) return parent[listIndex(op, path, key, parent.length - 1)];
    return Object.hasOwn(parent, key) ? parent[key] : undefined;
  }

  #locate(
    op: string,
    path: string,
  ): { readonly parent: unknown[] | Record<string, unknown> | undefined; readonly key: string } {
    const tokens = readPointer(op, path);
    const key = tokens.pop();
    if (key === undefined) return { parent: undefined, key: '' };
    let parent = this.root;
    for (const token of tokens) {
      if (Array.isArray(parent)) parent = parent[listIndex(op, path, token, parent.length - 1)];
      else parent = isObject(parent) && Object.hasOwn(parent, token) ? parent[token] : undefined;
    }
    if (Array.isArray(parent)) return { parent: parent as unknown[], key };
    if (isObject(parent)) return { parent, key };
    throw unapplicable(op, path, 'the path does not exist');
  }
}

function readPointer(op: string, path: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw unapplicable(op, path, 'a path starts with "/"');
  return path
    .slice(1)
    .split('/')
    .map((token) => checkKey(token.replaceAll('~1', '/').replaceAll('~0', '~')));
}

function listIndex(op: string, path: string, token: string, most: number): number {
  const index = /^(0|[1-9]\d{0,9})$/.test(token) ? Number(token) : -1;
  if (index < 0 || index > most) throw unapplicable(op, path, `the list has no element ${JSON.stringify(token)}`);
  return index;
}

/** Upstream tells the client no more than this (NewGenericServerResponse); what is wrong stays in `cause`, for the log. */
function unapplicable(op: string, path: string, why: string): Error {
  const error = apiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
  error.cause = `${path}: jsonpatch ${op} operation does not apply: ${why}`;
  return error;
}
