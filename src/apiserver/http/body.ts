/**
 * Request bodies: bytes with a limit, then JSON or YAML, with the attacks refused that a parser lets through.
 */
import type { Incoming } from './messages.ts';
import { jsonSyntaxError } from '../../api/json-syntax.ts';
import { badRequest, tooLarge, unsupportedMediaType } from '../errors.ts';

/** Upstream's limit (k8s.io/apiserver MaxRequestBodyBytes). */
const bodyLimit = 3 * 1024 * 1024;

/** Deeper than any object is; Go's decoder refuses at 10,000. */
const depthLimit = 500;

/** By events: an asynchronous iterator over the stream was 5 % of the CPU of a create. */
export async function readBody({ headers, body }: Incoming, limit: number = bodyLimit): Promise<Buffer> {
  if (Number(headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let size = 0;
  const take = (chunk: Buffer): void => {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else {
      body.off('data', take);
      reject(tooLarge(limit));
    }
  };
  body.on('data', take);
  body.once('end', () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
  body.once('error', reject);
  body.once('close', () => {
    if (!body.readableEnded) reject(new Error('the request broke off'));
  });
  return promise;
}

export type BodyFormat = 'json' | 'yaml' | 'protobuf';

/** No Content-Type is JSON, as upstream has it. */
export function bodyFormat(request: Incoming): BodyFormat {
  switch (mediaType(request)) {
    case '':
    case 'application/json':
      return 'json';
    case 'application/yaml':
      return 'yaml';
    case 'application/vnd.kubernetes.protobuf':
      return 'protobuf';
    default:
      throw unsupportedMediaType(['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']);
  }
}

/** Without parameters, lower case. */
export function mediaType(request: Incoming): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** `kind`: what the body must be, for the error text. */
export async function parseBody(bytes: Buffer, format: BodyFormat, kind: string): Promise<unknown> {
  if (format === 'protobuf') return parseProtobuf(bytes, kind);
  const text = bytes.toString('utf8');
  let value: unknown;
  try {
    value = format === 'json' ? (JSON.parse(text) as unknown) : await parseYaml(text);
  } catch (error) {
    const why =
      format === 'json' ? `couldn't get version/kind; json parse error: ${jsonProblem(text)}` : yamlProblem(error);
    throw badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summary(bytes)})`);
  }
  refuseTraps(value, 0);
  return value;
}

async function parseProtobuf(bytes: Buffer, kind: string): Promise<unknown> {
  const { decodeProtobuf, WireError } = await import('../protobuf/decode.ts');
  try {
    return decodeProtobuf(bytes);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): ${error.message} (${summary(bytes)})`,
    );
  }
}

async function parseYaml(text: string): Promise<unknown> {
  const { parse } = await import('yaml');
  // 1.1 reads what Go's YAML reads: yes/no stay text there as here, octal and merge keys are rare; aliases are bounded.
  return parse(text, {
    maxAliasCount: 100,
    uniqueKeys: true,
    schema: 'core',
    merge: true,
    logLevel: 'error',
  }) as unknown;
}

/** Why JSON.parse refused it, in Go's words. */
export function jsonProblem(text: string): string {
  return jsonSyntaxError(text) ?? 'unexpected end of JSON input';
}

/** The words are our parser's. */
function yamlProblem(error: unknown): string {
  return `yaml: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`;
}

/** Upstream's summarizeData: hex where it does not look like an object. */
function summary(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>';
  const cut = bytes.subarray(0, 30);
  const shown = bytes[0] === 0x7b ? cut.toString('utf8') : cut.toString('hex');
  return bytes.length > 30 ? `${shown} ...` : shown;
}

/** `__proto__` as a key would change what objects are, not what they hold; deep nesting would end the stack. */
export function refuseTraps(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > depthLimit) throw badRequest(`the body is nested deeper than ${String(depthLimit)} levels`);
  if (Array.isArray(value)) {
    for (const item of value) refuseTraps(item, depth + 1);
    return;
  }
  const map = value as Readonly<Record<string, unknown>>;
  for (const key in map) {
    if (key === '__proto__') throw badRequest('the key "__proto__" is not allowed in an object');
    refuseTraps(map[key], depth + 1);
  }
}
