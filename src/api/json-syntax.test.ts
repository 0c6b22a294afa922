/** Each text was sent to a kube-apiserver 1.36.3, whose words these are; and whatever JSON.parse refuses has words. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { goQuote } from './go-text.ts';
import { jsonSyntaxError } from './json-syntax.ts';

const table: readonly (readonly [text: string, why: string | undefined])[] = [
  ['', 'unexpected end of JSON input'],
  ['{', 'unexpected end of JSON input'],
  ['[1', 'unexpected end of JSON input'],
  ['"a', 'unexpected end of JSON input'],
  ['{"a":}', "invalid character '}' looking for beginning of value"],
  ['{"metadata":{"name":"a"} x}', "invalid character 'x' after object key:value pair"],
  ['{"a":tru}', "invalid character '}' in literal true (expecting 'e')"],
  ['{"a":1}{', "invalid character '{' after top-level value"],
  ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
  ["{'a':1}", "invalid character '\\'' looking for beginning of object key string"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['{"a":01}', "invalid character '1' after object key:value pair"],
  ['{"a":"\t"}', "invalid character '\\t' in string literal"],
  ['{"a":"\\x"}', "invalid character 'x' in string escape code"],
  ['[1.x]', "invalid character 'x' after decimal point in numeric literal"],
  ['[1e]', "invalid character ']' in exponent of numeric literal"],
  ['[1 2]', "invalid character '2' after array element"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['["\\u00g0"]', "invalid character 'g' in \\u hexadecimal character escape"],
  ['['.repeat(1_000_000), "invalid character '[' exceeded max depth"],
  ['{"a":'.repeat(100_000), "invalid character '{' exceeded max depth"],
  ['{"a":[true,null,-1.5e+3,"\\u00e9"]}', undefined],
];

test('in the words of Go', () => {
  for (const [text, why] of table) assert.equal(jsonSyntaxError(text), why, text.slice(0, 80));
});

test('it refuses what JSON.parse refuses, and nothing else', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '1',
    '-',
    '0',
    '.',
    'e',
    'true',
    'null',
    ' ',
    '\\',
    'u',
    'a',
  );
  const cut = fc.tuple(fc.json(), fc.nat(), fc.string()).map(([text, at, more]) => {
    const where = at % (text.length + 1);
    return text.slice(0, where) + more + text.slice(where + 1);
  });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        cut,
        fc.array(piece).map((all) => all.join('')),
      ),
      (text) => {
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        assert.equal(jsonSyntaxError(text) === undefined, valid);
      },
    ),
    { numRuns: 2000 },
  );
});

test('%q', () => {
  assert.equal(goQuote('a"\\\u0007\u0001\u007f\u200bé字 '), '"a\\"\\\\\\a\\x01\\x7f\\u200bé字 "');
});
