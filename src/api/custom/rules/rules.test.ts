/** Rules of schemas, in upstream's words: what definitions are refused for, what objects are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ValidationRule } from '../../gen/types.ts';
import type { Schema } from '../schema.ts';
import { checkRules, rulesOf } from './index.ts';

const text: Schema = { type: 'string' };

function rooted(spec: Schema): Schema {
  return { type: 'object', properties: { spec } };
}

function withRules(schema: Schema, ...rules: readonly ValidationRule[]): Schema {
  return { ...schema, 'x-kubernetes-validations': [...rules] };
}

function wrong(schema: Schema): string[] {
  return checkRules(schema, 's').map(({ field, message }) => `${field}: ${message}`);
}

function refused(schema: Schema, spec: unknown, old?: unknown): { errors: string[]; warnings: readonly string[] } {
  const object = (content: unknown): object => ({
    apiVersion: 'a/v1',
    kind: 'A',
    metadata: { name: 'n' },
    spec: content,
  });
  const { errors, warnings } = rulesOf(rooted(schema))?.check(
    object(spec),
    old === undefined ? undefined : object(old),
  ) ?? { errors: [], warnings: [] };
  return { errors: errors.map(({ field, message }) => `${field}: ${message}`), warnings };
}

test('a definition is refused for what does not compile, with the place', () => {
  const field: Schema = { type: 'object', properties: { x: text } };
  assert.deepEqual(wrong(rooted(withRules(field, { rule: 'self.z == 1' }))), [
    `s.properties[spec].x-kubernetes-validations[0].rule: Invalid value: {"rule":"self.z == 1"}: compilation failed: ERROR: <input>:1:5: undefined field 'z'\n | self.z == 1\n | ....^`,
  ]);
  assert.deepEqual(wrong(rooted(withRules(field, { rule: 'self.x' }))), [
    's.properties[spec].x-kubernetes-validations[0].rule: Invalid value: {"rule":"self.x"}: cel expression must evaluate to a bool',
  ]);
  assert.deepEqual(wrong(rooted(withRules(field, { rule: ' ' }))), [
    's.properties[spec].x-kubernetes-validations[0].rule: Required value: rule is not specified',
  ]);
  assert.deepEqual(wrong(rooted(withRules(field, { rule: 'true', fieldPath: '.y', messageExpression: '1' }))), [
    's.properties[spec].x-kubernetes-validations[0].fieldPath: Invalid value: ".y": must be a valid path',
  ]);
  assert.deepEqual(wrong(rooted(withRules(field, { rule: 'true', messageExpression: '1', optionalOldSelf: true }))), [
    's.properties[spec].x-kubernetes-validations[0].messageExpression: Invalid value: {"rule":"true","messageExpression":"1","optionalOldSelf":true}: messageExpression must evaluate to a string',
    's.properties[spec].x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule',
  ]);
});

test('a definition is refused for what may cost too much', () => {
  const list: Schema = { type: 'array', items: text };
  const dear = wrong(rooted(withRules(list, { rule: 'self.all(x, self.all(y, x == y))' })));
  assert.match(dear[0] ?? '', /rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x/);
  assert.match(dear.at(-1) ?? '', /^s: Forbidden: x-kubernetes-validations estimated rule cost total/);
  const small: Schema = { ...list, maxItems: 10, items: { ...text, maxLength: 10 } };
  assert.deepEqual(wrong(rooted(withRules(small, { rule: 'self.all(x, self.all(y, x == y))' }))), []);
});

test('oldSelf is only for what can be told to be the same', () => {
  const items = withRules(
    { type: 'object', properties: { k: { ...text, maxLength: 9 } } },
    { rule: 'self.k == oldSelf.k' },
  );
  assert.deepEqual(wrong(rooted({ type: 'array', maxItems: 2, items })), [
    's.properties[spec].items.x-kubernetes-validations[0].rule: Invalid value: "self.k == oldSelf.k": oldSelf cannot be used on the uncorrelatable portion of the schema within s.properties[spec]',
  ]);
  const map: Schema = {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['k'],
    maxItems: 2,
    items,
  };
  assert.deepEqual(wrong(rooted(map)), []);
});

test('an object is refused with the message, the reason and the place of the rule', () => {
  const spec: Schema = {
    type: 'object',
    properties: { min: { type: 'integer' }, max: { type: 'integer' }, 'a-b': text, namespace: text },
  };
  const table: readonly (readonly [ValidationRule, unknown, string[]])[] = [
    [{ rule: 'self.min <= self.max' }, { min: 1, max: 2 }, []],
    [{ rule: 'self.min <= self.max' }, { min: 3, max: 2 }, ['spec: Invalid value: failed rule: self.min <= self.max']],
    [
      { rule: 'self.min <= self.max' },
      { min: 3 },
      ['spec: Invalid value: "object": no such key: max evaluating rule: self.min <= self.max'],
    ],
    [
      { rule: 'self.min > 3', message: 'too small', fieldPath: '.min' },
      { min: 3 },
      ['spec.min: Invalid value: too small'],
    ],
    [{ rule: 'self.min > 3', reason: 'FieldValueForbidden', message: 'no' }, { min: 3 }, ['spec: Forbidden: no']],
    [{ rule: 'self.min > 3', reason: 'FieldValueRequired', message: 'no' }, { min: 3 }, ['spec: Required value: no']],
    [
      { rule: 'self.min > 3', messageExpression: '"is " + self.a__dash__b' },
      { min: 3, 'a-b': 'x' },
      ['spec: Invalid value: is x'],
    ],
    [{ rule: 'self.min > 3', message: 'm', messageExpression: '"a\\nb"' }, { min: 3 }, ['spec: Invalid value: m']],
    [{ rule: "self.a__dash__b == 'x'" }, { 'a-b': 'x' }, []],
    [{ rule: "self.namespace == 'x' && self.__namespace__ == 'x'" }, { namespace: 'x' }, []],
    [
      { rule: 'self.min / 0 == 1' },
      { min: 1 },
      ['spec: Invalid value: "object": division by zero evaluating rule: self.min / 0 == 1'],
    ],
  ];
  for (const [rule, value, errors] of table) {
    assert.deepEqual(wrong(rooted(withRules(spec, rule))), [], rule.rule);
    assert.deepEqual(refused(withRules(spec, rule), value).errors, errors, rule.rule);
  }
});

test('a rule stands where the value does: in lists, in maps, at the root', () => {
  const short = withRules(text, { rule: 'self.size() < 3', message: 'long' });
  assert.deepEqual(refused({ type: 'array', items: short }, ['a', 'long']).errors, [
    'spec[1]: Invalid value: "long": long',
  ]);
  assert.deepEqual(refused({ type: 'object', additionalProperties: short }, { k: 'long' }).errors, [
    'spec[k]: Invalid value: "long": long',
  ]);
  const root = withRules({ type: 'object' }, { rule: "self.metadata.name.startsWith('x')", message: 'name' });
  const errors = rulesOf(root)?.check({ metadata: { name: 'n' } }, undefined).errors ?? [];
  assert.deepEqual(
    errors.map(({ field, message }) => `${field}: ${message}`),
    ['<nil>: Invalid value: name'],
  );
});

test('transition rules compare with what was; what has not changed is only warned of', () => {
  const fixed = withRules({ type: 'integer' }, { rule: 'self == oldSelf', message: 'immutable' });
  const spec: Schema = {
    type: 'object',
    properties: { n: fixed, m: withRules({ type: 'integer' }, { rule: 'self > 0' }) },
  };
  assert.deepEqual(refused(spec, { n: 1 }).errors, []);
  assert.deepEqual(refused(spec, { n: 2 }, { n: 1 }).errors, ['spec.n: Invalid value: 2: immutable']);
  assert.deepEqual(refused(spec, { n: 1, m: 0 }, { n: 1, m: 0 }), {
    errors: [],
    warnings: ['spec.m: Invalid value: 0: failed rule: self > 0'],
  });
  assert.deepEqual(refused(spec, { m: -1 }, { m: 0 }).errors, ['spec.m: Invalid value: -1: failed rule: self > 0']);
  const once = withRules(
    { type: 'integer' },
    { rule: '!oldSelf.hasValue() || oldSelf.value() == self', optionalOldSelf: true },
  );
  assert.deepEqual(refused(once, 1).errors, []);
  assert.equal(refused(once, 2, 1).errors.length, 1);
});

test('lists of type set are equal in any order, those of type map by their keys', () => {
  const set: Schema = { type: 'array', 'x-kubernetes-list-type': 'set', items: text };
  const unchanged: ValidationRule = { rule: 'self == oldSelf' };
  assert.deepEqual(refused(withRules(set, unchanged), ['a', 'b'], ['b', 'a']).errors, []);
  const map: Schema = {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['k'],
    items: { type: 'object', properties: { k: text, v: text } },
  };
  const [a, b] = [
    { k: 'a', v: '1' },
    { k: 'b', v: '2' },
  ];
  assert.deepEqual(refused(withRules(map, unchanged), [a, b], [b, a]).errors, []);
  assert.equal(refused(withRules(map, unchanged), [a, { k: 'b', v: '3' }], [b, a]).errors.length, 1);
});
