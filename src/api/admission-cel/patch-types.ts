/**
 * What mutations are written with. Nothing is known of the object, so any field goes, and the names of types say where they stand:
 *
 *   Object{spec: Object.spec{replicas: 3}}                    an apply configuration
 *   [JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey(key), value: "x"}]
 *
 * Upstream: apiserver/pkg/cel/mutation (typeresolver.go, jsonpatch.go, dynamic/objects.go), pkg/cel/library/jsonpatch.go.
 */
import { declare, listOf, types } from '../cel/index.ts';
import type { Environment, Type } from '../cel/index.ts';

const { string, dyn } = types;

export const patchType: Type = {
  kind: 'object',
  name: 'JSONPatch',
  params: [],
  fields: new Map([
    ['op', string],
    ['path', string],
    ['from', string],
    ['value', dyn],
  ]),
  unset: '',
};

export const objectType: Type = typeNamed('Object');
export const patchListType: Type = listOf(patchType);

function typeNamed(name: string): Type {
  return { kind: 'object', name, params: [], open: true, unset: null };
}

const structs: NonNullable<Environment['structs']> = {
  get(name) {
    if (name === 'JSONPatch') return patchType;
    if (name === 'Object') return objectType;
    return name.startsWith('Object.') ? typeNamed(name) : undefined;
  },
};

const escapes: Readonly<Record<string, string>> = { '/': '~1', '~': '~0' };

const functions = declare([
  {
    id: 'string_jsonpatch_escapeKey_string',
    of: 'jsonpatch:escapeKey(string) string',
    call: (key: string) => key.replaceAll(/[/~]/g, (character) => escapes[character] ?? ''),
  },
]);

export const patchEnvironment: Pick<Environment, 'structs' | 'functions'> = { structs, functions };
