/** What the cursor reads is what JSON.parse reads, or it says that it can't. */
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { JsonCursor, Names, NotPlain } from './json-cursor.ts';

const wanted = new Names('name', 'uid', 'nice');

/** The wanted members of an object, each as it is written. */
function members(text: string): Record<string, unknown> {
  const cursor = new JsonCursor(Buffer.from(text));
  const found: Record<string, unknown> = {};
  cursor.object();
  for (let name = cursor.name(wanted); name !== undefined; name = cursor.name(wanted)) {
    const place = { start: 0, end: 0 };
    cursor.span(place);
    if (name !== '') found[name] = JSON.parse(cursor.bytes.toString('utf8', place.start, place.end));
  }
  return found;
}

describe('JSON cursor', () => {
  it('property: tells the wanted members of any object, and passes over all others', () => {
    const object = fc.dictionary(fc.constantFrom('name', 'uid', 'nice', 'nam', 'names', 'x', ''), fc.jsonValue());
    fc.assert(
      fc.property(object, fc.constantFrom(0, 1, '\t'), (value, space) => {
        const { name, uid, nice } = JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
        const kept = Object.entries({ name, uid, nice }).filter(([, one]) => one !== undefined);
        assert.deepEqual(members(JSON.stringify(value, undefined, space)), Object.fromEntries(kept));
      }),
    );
  });

  it('reads texts, booleans, null and arrays', () => {
    const cursor = new JsonCursor(Buffer.from(' [ "a b" , true,false, null ,"" ] '));
    cursor.array();
    const read: unknown[] = [];
    for (const next of ['text', 'boolean', 'boolean', 'isNull', 'text'] as const) {
      assert.equal(cursor.item(), true);
      read.push(cursor[next]());
    }
    assert.equal(cursor.item(), false);
    assert.deepEqual(read, ['a b', true, false, true, '']);
    assert.equal(new JsonCursor(Buffer.from('{}')).isNull(), false);
  });

  it('reads no text that is written with escapes, or is not ASCII', () => {
    for (const value of ['a"b', 'a\\b', 'a\nb', 'é', '日本', '\u007f']) {
      assert.throws(() => new JsonCursor(Buffer.from(JSON.stringify(value))).text(), NotPlain, value);
      assert.throws(() => members(`{${JSON.stringify(value)}:1}`), NotPlain, value);
    }
    assert.throws(() => members('{"n\\u0061me":1}'), NotPlain);
  });

  it('says so when it meets something else, and where the text breaks off', () => {
    const whole = '{"uid":{"a":["}\\"",{}]},"name":[1,2]}';
    assert.deepEqual(members(whole), { uid: { a: ['}"', {}] }, name: [1, 2] });
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => members(whole.slice(0, length)), SyntaxError, String(length));
    }
    for (const wrong of ['[]', '1', '{"uid"}', '{"uid":}', '{1:2}', '']) {
      assert.throws(() => members(wrong), SyntaxError, wrong);
    }
    assert.throws(() => new JsonCursor(Buffer.from('1')).boolean(), NotPlain);
    assert.throws(() => new JsonCursor(Buffer.from('{}')).array(), NotPlain);
  });
});
