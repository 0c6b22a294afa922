/** Schemas as pure functions: properties over random schemas and values; tables where upstream has a text. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { applySchemaDefaults } from './defaults.ts';
import { fitsFormat, goPattern } from './formats.ts';
import { findAll, JsonPathError, parseJsonPath } from './json-path.ts';
import { prune } from './prune.ts';
import { copyJson } from './schema.ts';
import type { Json, Schema } from './schema.ts';
import { validateStructural } from './structural.ts';
import { validateAgainst } from './validate.ts';
import { versionsByPriority } from './versions.ts';

const key = fc.constantFrom('a', 'b', 'c', 'constructor', 'toString');

/** Structural by construction; every default fits. */
const { schema } = fc.letrec<{ schema: Schema; object: Schema; leaf: Schema }>((tie) => ({
  leaf: fc.oneof(
    fc.record({ type: fc.constant('string'), default: fc.constantFrom('x', 'yy') }, { requiredKeys: ['type'] }),
    fc.record(
      {
        type: fc.constant('integer'),
        nullable: fc.boolean(),
        default: fc.integer({ min: 0, max: 9 }),
        maximum: fc.constant(9),
      },
      { requiredKeys: ['type'] },
    ),
    fc.constant({ type: 'boolean' }),
    fc.constant({ 'x-kubernetes-int-or-string': true }),
    fc.constant({ 'x-kubernetes-preserve-unknown-fields': true }),
  ),
  object: fc.record(
    {
      type: fc.constant('object'),
      properties: fc.dictionary(key, tie('schema'), { maxKeys: 3 }),
      'x-kubernetes-preserve-unknown-fields': fc.constant(true),
    },
    { requiredKeys: ['type', 'properties'] },
  ),
  schema: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    tie('leaf'),
    tie('object'),
    fc.record({ type: fc.constant('array'), items: tie('schema') }),
    fc.record({ type: fc.constant('object'), additionalProperties: tie('schema') }),
  ),
}));
const { value } = fc.letrec<{ value: unknown; object: Json }>((tie) => ({
  object: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(null, true, 'x', 'long text', 0, 3, 1.5, -7),
    tie('object'),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
}));
const cases = fc.record({
  root: fc.record({ type: fc.constant('object'), properties: fc.dictionary(key, schema, { maxKeys: 4 }) }),
  object: fc.dictionary(key, value, { maxKeys: 4 }),
});

describe('properties', () => {
  test('pruning and defaulting once is enough, and defaults are never pruned', () => {
    fc.assert(
      fc.property(cases, ({ root, object }) => {
        const once = copyJson(object);
        prune(once, root);
        applySchemaDefaults(once, root);
        const twice = copyJson(once);
        assert.deepEqual(prune(twice, root), []);
        applySchemaDefaults(twice, root);
        assert.deepEqual(twice, once);
      }),
      { numRuns: 500 },
    );
  });

  test('pruning only takes away, and says what', () => {
    fc.assert(
      fc.property(cases, ({ root, object }) => {
        const pruned = copyJson(object);
        const removed = prune(pruned, root);
        assert.equal(removed.length === 0, JSON.stringify(pruned) === JSON.stringify(object));
      }),
      { numRuns: 500 },
    );
  });

  test('validation changes nothing, never throws, and lets what was stored stay', () => {
    fc.assert(
      fc.property(cases, ({ root, object }) => {
        const before = JSON.stringify(object);
        const errors = validateAgainst(object, root);
        assert.equal(JSON.stringify(object), before);
        const kept = validateAgainst(object, root, copyJson(object));
        assert.ok(kept.length <= errors.length);
        assert.deepEqual(kept, []);
      }),
      { numRuns: 500 },
    );
  });

  test('any JSON as a schema is judged, not crashed on', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('type', 'pattern', 'title', 'nullable'), fc.string()), (random) => {
        assert.ok(Array.isArray(validateStructural(random, 'spec')));
      }),
    );
  });

  test('any text as a path is a path or a JsonPathError', () => {
    const piece = fc.constantFrom(
      '.',
      'a',
      '[',
      ']',
      '*',
      '?',
      '(',
      ')',
      '@',
      '"',
      "'",
      '=',
      '0',
      '..',
      '\\',
      '{',
      '}',
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        try {
          findAll({ a: [{ a: 1 }] }, parseJsonPath(pieces.join('')));
        } catch (error) {
          assert.ok(error instanceof JsonPathError, String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

test('paths', () => {
  const object = {
    spec: {
      list: [
        { type: 'Ready', n: 1 },
        { type: 'Other', n: 2 },
      ],
    },
    metadata: { annotations: { 'a.b/c': 'x' } },
  };
  const table: readonly (readonly [string, unknown[]])[] = [
    ['.spec.list[0].n', [1]],
    ['.spec.list[-1].n', [2]],
    ['.spec.list[*].n', [1, 2]],
    ['.spec.list[?(@.type=="Ready")].n', [1]],
    ['.spec.list[?(@.n>1)].type', ['Other']],
    ["{.metadata.annotations['a.b/c']}", ['x']],
    ['.metadata.annotations.a\\.b/c', ['x']],
    ['.spec.none.deeper', []],
    ['..n', [1, 2]],
  ];
  for (const [path, found] of table) assert.deepEqual(findAll(object, parseJsonPath(path)), found, path);
});

test('formats and patterns', () => {
  const table: readonly (readonly [string, string, boolean])[] = [
    ['ipv4', '10.0.0.1', true],
    ['ipv4', '10.0.0', false],
    ['cidr', '10.0.0.0/8', true],
    ['cidr', '10.0.0.0/33', false],
    ['date-time', '2026-01-01T00:00:00Z', true],
    ['date-time', 'today', false],
    ['duration', '1h30m', true],
    ['duration', 'soon', false],
    ['uuid', '123e4567-e89b-12d3-a456-426614174000', true],
    ['byte', '****', false],
    ['made-up', 'anything', true],
  ];
  for (const [format, text, fits] of table) assert.equal(fitsFormat(format, text), fits, `${format} ${text}`);
  assert.ok(goPattern('(?i)^abc$').test('ABC'));
  assert.ok(goPattern('^[[:alpha:]]+$').test('abc'));
  // Exponential for an engine that backtracks: this returns at all because the linear one takes over.
  assert.equal(goPattern('^(a+)+$').test(`${'a'.repeat(60)}!`), false);
});

test('compositions', () => {
  const one: Schema = {
    type: 'object',
    properties: { a: { type: 'string' }, b: { type: 'string' } },
    oneOf: [{ required: ['a'] }, { required: ['b'] }],
  };
  const messages = (object: object, of: Schema): string[] =>
    validateAgainst({ spec: object }, { type: 'object', properties: { spec: of } }).map(
      ({ field, message }) => `${field}: ${message}`,
    );
  assert.deepEqual(messages({ a: 'x' }, one), []);
  assert.deepEqual(messages({ a: 'x', b: 'x' }, one), [
    '<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives',
  ]);
  assert.deepEqual(messages({}, one), [
    '<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found none valid',
    'spec.a: Required value',
  ]);
  assert.deepEqual(messages({ a: 'x' }, { type: 'object', not: { required: ['a'] } }), [
    '<nil>: Invalid value: "": "spec" must not validate the schema (not)',
  ]);
});

test('the order of versions', () => {
  const names = ['v1alpha1', 'foo', 'v1', 'v2beta1', 'v10', 'v1beta2', 'bar'];
  assert.deepEqual(
    versionsByPriority(names.map((name) => ({ name }))).map(({ name }) => name),
    ['v10', 'v1', 'v2beta1', 'v1beta2', 'v1alpha1', 'bar', 'foo'],
  );
});
