/**
 * PATCH with application/apply-patch+yaml: server-side apply. Creates what is not there.
 * Upstream: apiserver handlers/patch.go (applyPatcher).
 */
import type { FieldValidation } from '../../api/decode.ts';
import { applyConfiguration } from '../../api/managed-fields/index.ts';
import type { ManagedObject } from '../../api/managed-fields/index.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import { attributesOf } from '../auth/attributes.ts';
import type { ResourceExchange } from '../context.ts';
import { decodeFor } from '../decode.ts';
import { badRequest, conflict } from '../errors.ts';
import { readBody, refuseTraps } from '../http/body.ts';
import { timestamp } from '../object-meta.ts';
import { managedKind } from '../ownership.ts';
import type { UpdateRequest } from '../write.ts';

export const applyPatchType = 'application/apply-patch+yaml';

/** What an apply says: the configuration, and the keys it says twice. */
export interface ApplyBody {
  readonly config: ManagedObject;
  readonly strictErrors: readonly string[];
}

export async function readApply(
  exchange: ResourceExchange,
  subresource: UpdateRequest['subresource'],
  validation: FieldValidation,
  force: boolean,
  warnings: string[],
): Promise<Pick<UpdateRequest, 'ownership' | 'allowCreate' | 'change'>> {
  const { server, user, kind, info, query } = exchange;
  const { config, strictErrors } = await readApplyBody(exchange);
  const change = (live: Live<KubeObject> | undefined): KubeObject => {
    const { object, managedFields } = applyConfiguration({
      kind: managedKind(kind, subresource),
      live,
      config,
      manager: query.get('fieldManager') ?? '',
      subresource,
      force,
      now: timestamp(),
    });
    checkStrict(strictErrors, validation, warnings);
    if (live === undefined) {
      checkNew(exchange, object);
      // Who may patch may not create for that (patch.go, withAuthorization).
      server.authorizer.check(user, { ...attributesOf(info, 'PATCH', query), verb: 'create' });
    }
    const decoded = decodeFor(kind, object, 'Ignore').object;
    return { ...decoded, metadata: { ...decoded.metadata, ...(managedFields ? { managedFields } : {}) } };
  };
  if (info.name === '') throw badRequest('name must be provided');
  return { ownership: { kind: 'given' }, allowCreate: true, change };
}

export async function readApplyBody({ request }: ResourceExchange): Promise<ApplyBody> {
  const text = (await readBody(request)).toString('utf8');
  const { parseDocument, LineCounter, visit, isScalar } = await import('yaml');
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter,
    uniqueKeys: false,
    schema: 'core',
    merge: true,
    logLevel: 'error',
  });
  const [error] = document.errors;
  if (error !== undefined) throw badYaml(`yaml: ${error.message.split('\n')[0] ?? ''}`);
  const twice: string[] = [];
  visit(document, {
    Map: (_key, map) => {
      const seen = new Set<unknown>();
      for (const { key, value } of map.items) {
        const name = isScalar(key) ? key.value : undefined;
        const [at = 0] = (value as { readonly range?: readonly number[] } | null)?.range ?? [];
        if (seen.has(name))
          twice.push(`  line ${lineCounter.linePos(at).line}: key ${JSON.stringify(name)} already set in map`);
        seen.add(name);
      }
    },
  });
  const config = toJson(() => document.toJS({ maxAliasCount: 100 }) as unknown);
  refuseTraps(config, 0);
  if (typeof config !== 'object' || config === null || Array.isArray(config)) throw badYaml(notMap(config));
  const strictErrors =
    twice.length === 0 ? [] : [`error converting YAML to JSON: yaml: unmarshal errors:\n${twice.join('\n')}`];
  return { config, strictErrors };
}

/** Too many aliases, an anchor that is not there. */
function toJson(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    throw badYaml(`yaml: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function notMap(value: unknown): string {
  const found = Array.isArray(value)
    ? 'array'
    : value === null
      ? 'null'
      : typeof value === 'boolean'
        ? 'bool'
        : typeof value;
  return `error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${found} into Go value of type map[string]interface {}`;
}

function badYaml(why: string): Error {
  return badRequest(`error decoding YAML: ${why}`);
}

/** `kubectl apply --validate=strict`, which is its default, asks for Strict. */
export function checkStrict(errors: readonly string[], validation: FieldValidation, warnings: string[]): void {
  const [error] = errors;
  if (error === undefined || validation === 'Ignore') return;
  if (validation === 'Strict') throw badRequest(`error strict decoding YAML: ${error}`);
  warnings.push(error);
}

/** Upstream: patcher.applyPatch, checkName. */
function checkNew({ kind, info }: ResourceExchange, { metadata = {} }: ManagedObject): void {
  const { uid = '', name = '' } = metadata;
  if (uid !== '') {
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(kind.resource, info.name, why);
  }
  if (name === '') {
    throw badRequest(`the name of the object (${info.name} based on URL) was undeterminable: name must be provided`);
  }
  if (name !== info.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${info.name})`);
  }
}
