/**
 * Facts about upstream's CEL (cel-go 0.26 with the libraries of apiserver 0.36): what an expression is, what it costs, and the words
 * in which one is refused. Each was asked of upstream's own engine.
 */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkExpression, compile, CompileError, CostExceeded, estimateCost, listOf, types } from './index.ts';
import { formatted } from './library/format-string.ts';

const none = { variables: new Map() };

/** expression, its value as %s writes it, what it cost */
const values: readonly (readonly [string, string, number])[] = [
  ['1 + 2', '3', 1],
  ['1 + 2 * 3 - 4 / 2 % 3', '5', 5],
  ['1u + 2u', '3', 1],
  ["'a' + 'b' == 'ab'", 'true', 2],
  ['[1,2,3].all(x, x > 0)', 'true', 16],
  ['[1,2,3].exists(x, x > 2)', 'true', 19],
  ['[1,2,3].exists_one(x, x == 2)', 'true', 10],
  ['[1,2,3].map(x, x * 2)', '[2, 4, 6]', 43],
  ['[1,2,3].map(x, x > 1, x * 2)', '[4, 6]', 35],
  ['[1,2,3].filter(x, x > 1).size()', '2', 34],
  ["{'a': 1, 'b': 2}.all(k, k.startsWith('a') || k == 'b')", 'true', 13],
  ["has({'a': 1}.a)", 'true', 1],
  ["has({'a': {'b': 1}}.a.b)", 'true', 2],
  ["{'a': 1}.a", '1', 2],
  ["{'a': {'b': 1}}.a.b", '1', 3],
  ["{'a': 1}['a']", '1', 2],
  ['[1,2,3][1]', '2', 2],
  ['-9223372036854775808', '-9223372036854775808', 0],
  ['true ? 1 : 2', '1', 0],
  ['false && (1/0 == 1)', 'false', 0],
  ['(1/0 == 1) && false', 'false', 2],
  ['(1/0 == 1) || true', 'true', 2],
  ['1 in [1,2,3]', 'true', 0],
  ["'x' in {'x': 1}", 'true', 1],
  ['dyn(1) in [1, 2]', 'true', 0],
  ["'abc'.matches('^a.c$')", 'true', 2],
  ["matches('abc', 'b')", 'true', 1],
  ["'abc'.contains('b')", 'true', 1],
  ["'abc'.startsWith('a')", 'true', 1],
  ["'hello world'.split(' ')", '[hello, world]', 3],
  ["'hello'.charAt(1)", 'e', 1],
  ["'hello'.substring(1, 3)", 'el', 1],
  ["'hello'.indexOf('l')", '2', 0],
  ["'hello'.lastIndexOf('l')", '3', 0],
  ["'hello'.replace('l', 'L')", 'heLLo', 1],
  ["'hello'.replace('l', 'L', 1)", 'heLlo', 1],
  ["'  x '.trim()", 'x', 1],
  ["'Hello'.lowerAscii()", 'hello', 1],
  ["'Hello'.upperAscii()", 'HELLO', 1],
  ["['a','b'].join(',')", 'a,b', 1],
  ["['a','b'].join()", 'ab', 1],
  ["'%s-%d'.format(['a', 1])", 'a-1', 1],
  ["'%.2f %e %b %x %X %o'.format([1.5, 1.5, 5, 255, 255, 8])", '1.50 1.500000×10⁰⁰ 101 ff FF 10', 2],
  ["duration('1h30m') > duration('1h')", 'true', 1],
  ["timestamp('2020-01-01T00:00:00Z').getFullYear()", '2020', 1],
  ["timestamp('2020-01-01T00:00:00Z') + duration('24h') == timestamp('2020-01-02T00:00:00Z')", 'true', 2],
  ["timestamp('2020-01-01T00:00:00Z').getHours('America/New_York')", '19', 1],
  ["duration('1h30m').getMinutes()", '90', 1],
  ["string(duration('1.5s'))", '1.5s', 0],
  ["string(timestamp('2020-01-01T00:00:00.5Z'))", '2020-01-01T00:00:00.5Z', 0],
  ["int('12')", '12', 0],
  ['int(1.9)', '1', 0],
  ["double('1.5')", '1.5', 0],
  ['uint(3)', '3', 0],
  ['string(1.0)', '1', 0],
  ['string(1e30)', '1e+30', 0],
  ['string(true)', 'true', 0],
  ["bool('true')", 'true', 0],
  ["bytes('abc') == b'abc'", 'true', 1],
  ["string(b'abc')", 'abc', 0],
  ['type(1) == int', 'true', 1],
  ["type('a') == string", 'true', 1],
  ['type(1u) == uint', 'true', 1],
  ['type([1]) == list', 'true', 1],
  ['type(null) == null_type', 'true', 1],
  ['null == null', 'true', 1],
  ['dyn(1) == 1.0', 'true', 1],
  ["dyn(1) == 'a'", 'false', 1],
  ["dyn('a').matches('a')", 'true', 1],
  ['[1,2].isSorted()', 'true', 2],
  ['[2,1].isSorted()', 'false', 2],
  ['[1,2,3].sum()', '6', 3],
  ['[1.5,2.0].max()', '2', 2],
  ["['a','b'].min()", 'a', 0],
  ['[].sum()', '0', 0],
  ['[1,2,1].indexOf(1)', '0', 3],
  ['[1,2,1].lastIndexOf(1)', '2', 3],
  ["'abc123'.find('[0-9]+')", '123', 2],
  ["'a1b2c3'.findAll('[0-9]')", '[1, 2, 3]', 2],
  ["'a1b2c3'.findAll('[0-9]', 2)", '[1, 2]', 2],
  ["url('https://example.com:80/path?a=b').getHost()", 'example.com:80', 5],
  ["url('https://example.com:80/path?a=b').getHostname()", 'example.com', 5],
  ["url('https://example.com:80/path?a=b').getPort()", '80', 5],
  ["url('https://example.com:80/path?a=b').getEscapedPath()", '/path', 5],
  ["url('https://example.com:80/path?a=b').getQuery()", '{a: [b]}', 5],
  ["url('https://example.com:80/path').getScheme()", 'https', 4],
  ["isURL('https://a.b')", 'true', 1],
  ["isURL('../rel')", 'false', 1],
  ["ip('1.2.3.4').family()", '4', 2],
  ["ip('::1').isLoopback()", 'true', 2],
  ["isIP('1.2.3.4')", 'true', 1],
  ["isIP('1.2.3')", 'false', 1],
  ["ip.isCanonical('::0001')", 'false', 2],
  ["cidr('10.0.0.0/8').containsIP('10.1.1.1')", 'true', 3],
  ["cidr('10.0.0.0/8').containsIP(ip('10.1.1.1'))", 'true', 3],
  ["cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", 'true', 6],
  ["cidr('10.0.0.1/8').masked() == cidr('10.0.0.0/8')", 'true', 4],
  ["cidr('10.0.0.1/8').prefixLength()", '8', 2],
  ["cidr('10.0.0.1/8').ip() == ip('10.0.0.1')", 'true', 4],
  ["isCIDR('10.0.0.0/8')", 'true', 1],
  ["isCIDR('10.0.0.0')", 'false', 1],
  ["quantity('1Gi').isGreaterThan(quantity('1G'))", 'true', 3],
  ["quantity('50k').add(20) == quantity('50020')", 'true', 4],
  ["quantity('1.5').isInteger()", 'false', 2],
  ["quantity('2').asInteger()", '2', 2],
  ["quantity('200M').compareTo(quantity('0.2G'))", '0', 3],
  ["isQuantity('1Mi')", 'true', 1],
  ["isQuantity('1.Mi.')", 'false', 1],
  ["semver('1.2.3').isLessThan(semver('1.2.4'))", 'true', 3],
  ["semver('v1.2', true).major()", '1', 2],
  ["isSemver('1.2')", 'false', 1],
  ["isSemver('v1.0', true)", 'true', 1],
  ["semver('1.0.0-alpha.1').compareTo(semver('1.0.0-alpha.2'))", '-1', 5],
  ["format.dns1123Label().validate('ABC').hasValue()", 'true', 10],
  [
    "format.dns1123Label().validate('ABC').value()",
    "[a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')]",
    10,
  ],
  ["format.named('dns1123Label').hasValue()", 'true', 2],
  ["format.named('nope').hasValue()", 'false', 2],
  ['sets.contains([1,2,3], [1,2])', 'true', 7],
  ['sets.equivalent([1,2], [2,1,1])', 'true', 13],
  ['sets.intersects([1,2], [3])', 'false', 3],
  ['optional.of(1).value()', '1', 2],
  ['optional.none().orValue(3)', '3', 1],
  ["{'a': 1}.?a.orValue(2)", '1', 2],
  ["{'a': 1}.?b.orValue(2)", '2', 1],
  ["{'a': {'b': 1}}.?a.b.orValue(2)", '1', 3],
  ["{'a': [1]}.?a[?3].orValue(2)", '2', 2],
  ['[1][?0].hasValue()', 'true', 3],
  ['optional.of(1).optMap(x, x + 1).value()', '2', 8],
  ['optional.none().optMap(x, x + 1).hasValue()', 'false', 4],
  ['[1,2].all(i, v, i < v)', 'true', 13],
  ["{'a': 1}.transformMap(k, v, v + 1)", '{a: 2}', 6],
  ['[1,2,3].transformList(i, v, v > 1, v * 2)', '[4, 6]', 35],
  ["{'a': 1}.exists(k, v, k == 'a' && v == 1)", 'true', 9],
  ['[3,1,2].sort()', '[1, 2, 3]', 29],
  ['[1,2,3].reverse()', '[3, 2, 1]', 14],
  ['[1,2,3].slice(1, 2)', '[2]', 12],
  ['[[1],[2]].flatten()', '[1, 2]', 13],
  ['lists.range(3)', '[0, 1, 2]', 14],
  ['[1,1,2].distinct()', '[1, 2]', 29],
  ["size('abc')", '3', 1],
  ["'a' < 'b'", 'true', 1],
  ['1 < 2.0', 'true', 1],
  ['1u < 2', 'true', 1],
  ["b'a' < b'b'", 'true', 1],
  ["strings.quote('a\"b')", '"a\\"b"', 1],
  ['\'a\\tb\' == "a\\u0009b"', 'true', 1],
  ["r'\\d' == '\\\\d'", 'true', 1],
  ['0x10', '16', 0],
  ['1e3', '1000', 0],
  ['1.5e-3', '0.0015', 0],
  ['.5', '0.5', 0],
  ['"""a"b"""', 'a"b', 0],
  ["b'\\xff'", '�', 0],
  ['[1,2,3].exists(x, x / 0 == 1 || x == 3)', 'true', 28],
  ['[0,1,2].exists(x, 2 / x == 2)', 'true', 18],
  ['[0,1,2].all(x, 2 / x == 2)', 'false', 19],
  ['[1,2,3,4,5].map(x, [x].map(y, y)).map(z, z[0])', '[1, 2, 3, 4, 5]', 257],
  ['[[1,2],[3]].map(x, x.size()).sum()', '3', 31],
  ["'%s'.format([[1, 'a', {'b': 2.5}]])", '[1, a, {b: 2.5}]', 1],
  ['string(1.5)', '1.5', 0],
  ["'%s'.format([1.0])", '1', 1],
  ['{1: 2}[1]', '2', 2],
  ['{1: 2}[dyn(1.0)]', '2', 2],
  ['type(type(1)) == type', 'true', 1],
  ["'%.2f'.format([12345.678])", '12,345.68', 1],
  ["'%f'.format([1234567.0])", '1,234,567.000000', 1],
  ["'%d'.format([1234567])", '1234567', 1],
  ["'%e'.format([1234.5])", '1.234500×10⁰³', 1],
  ["'%s'.format([timestamp('2020-01-01T00:00:00Z')])", '2020-01-01T00:00:00Z', 1],
  ["'%s'.format([1.0e10])", '1e+10', 1],
  ['string(100000000.0)', '1e+08', 0],
  ['string(1e21)', '1e+21', 0],
  ["'%s'.format([duration('90s')])", '90s', 1],
  ['string(1234567.0)', '1.234567e+06', 0],
  ['string(123456.0)', '123456', 0],
  ['string(100000.0)', '100000', 0],
  ['string(1000000.0)', '1e+06', 0],
  ['string(20000000.0)', '2e+07', 0],
  ['string(123456789.5)', '1.234567895e+08', 0],
  ['string(0.0001)', '0.0001', 0],
  ['string(0.00001)', '1e-05', 0],
  ["'%s'.format([1234567.5])", '1.2345675e+06', 1],
  ["'%e'.format([0.00012])", '1.200000×10⁻⁰⁴', 1],
  ["'%f'.format([-1234.5])", '-1,234.500000', 1],
];

/** expression, what went wrong while it ran, what it had cost */
const failures: readonly (readonly [string, string, number])[] = [
  ['[1,2,3][7]', 'index out of bounds: 7', 2],
  ["{'a': 1}['z']", 'no such key: z', 2],
  ["{'a': 1}.z", 'no such key: z', 2],
  ['1 / 0', 'division by zero', 1],
  ['1 % 0', 'modulus by zero', 1],
  ['9223372036854775807 + 1', 'integer overflow', 1],
  ['true && (1/0 == 1)', 'division by zero', 2],
  ["dyn(1) + 'a'", 'no such overload', 1],
  ["url('../rel')", 'URL parse error during conversion from string: parse "../rel": invalid URI for request', 1],
  ["ip('::ffff:1.2.3.4')", 'IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed', 2],
  [
    "cidr('10.0.0.0')",
    'network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0"): no \'/\'',
    1,
  ],
  ["quantity('1.5').asInteger()", 'cannot convert value to integer', 2],
  ["quantity('x')", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'", 1],
  ["semver('1.2')", 'No Major.Minor.Patch elements found', 1],
];

/** expression, why it is none */
const refusals: readonly (readonly [string, string])[] = [
  [
    '1 == 1.0',
    "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, double)'\n | 1 == 1.0\n | ..^",
  ],
  ["[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^"],
  [
    "{'a': 1, 'b': 'c'}",
    "ERROR: <input>:1:15: expected type 'int' but found 'string'\n | {'a': 1, 'b': 'c'}\n | ..............^",
  ],
  ['[1, null]', "ERROR: <input>:1:5: expected type 'int' but found 'null'\n | [1, null]\n | ....^"],
  ['foo', "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo\n | ^"],
  ['foo.bar', "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo.bar\n | ^"],
  ['foo(1)', "ERROR: <input>:1:4: undeclared reference to 'foo' (in container '')\n | foo(1)\n | ...^"],
  ["'a'.foo()", "ERROR: <input>:1:8: undeclared reference to 'foo' (in container '')\n | 'a'.foo()\n | .......^"],
  [
    '1 +',
    "ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | 1 +\n | ...^",
  ],
  [
    '1 ==',
    "ERROR: <input>:1:5: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | 1 ==\n | ....^",
  ],
  ['(1', "ERROR: <input>:1:3: Syntax error: missing ')' at '<EOF>'\n | (1\n | ..^"],
  ['[1, 2', "ERROR: <input>:1:6: Syntax error: mismatched input '<EOF>' expecting {']', ','}\n | [1, 2\n | .....^"],
  [
    'self = 1',
    "ERROR: <input>:1:6: Syntax error: token recognition error at: '= '\n | self = 1\n | .....^\nERROR: <input>:1:8: Syntax error: extraneous input '1' expecting <EOF>\n | self = 1\n | .......^",
  ],
  ['1 === 1', "ERROR: <input>:1:5: Syntax error: token recognition error at: '= '\n | 1 === 1\n | ....^"],
  [
    "'abc",
    "ERROR: <input>:1:1: Syntax error: token recognition error at: ''abc'\n | 'abc\n | ^\nERROR: <input>:1:5: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | 'abc\n | ....^",
  ],
  ['a b', "ERROR: <input>:1:3: Syntax error: extraneous input 'b' expecting <EOF>\n | a b\n | ..^"],
  ['true && 1', "ERROR: <input>:1:9: expected type 'bool' but found 'int'\n | true && 1\n | ........^"],
  ['!1', "ERROR: <input>:1:1: found no matching overload for '!_' applied to '(int)'\n | !1\n | ^"],
  ["-'a'", "ERROR: <input>:1:1: found no matching overload for '-_' applied to '(string)'\n | -'a'\n | ^"],
  [
    '1 ? 2 : 3',
    "ERROR: <input>:1:3: found no matching overload for '_?_:_' applied to '(int, int, int)'\n | 1 ? 2 : 3\n | ..^",
  ],
  [
    "true ? 1 : 'a'",
    "ERROR: <input>:1:6: found no matching overload for '_?_:_' applied to '(bool, int, string)'\n | true ? 1 : 'a'\n | .....^",
  ],
  ['[1].all(x, 1)', "ERROR: <input>:1:12: expected type 'bool' but found 'int'\n | [1].all(x, 1)\n | ...........^"],
  ['[1].map(1, 2)', 'ERROR: <input>:1:9: argument is not an identifier\n | [1].map(1, 2)\n | ........^'],
  [
    '1.all(x, true)',
    "ERROR: <input>:1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | 1.all(x, true)\n | ^",
  ],
  ['size(1)', "ERROR: <input>:1:5: found no matching overload for 'size' applied to '(int)'\n | size(1)\n | ....^"],
  ["timestamp('x')", "ERROR: <input>:1:11: invalid timestamp argument\n | timestamp('x')\n | ..........^"],
  ["duration('x')", "ERROR: <input>:1:10: invalid duration argument\n | duration('x')\n | .........^"],
  ["'a'.matches('(')", "ERROR: <input>:1:13: invalid matches argument\n | 'a'.matches('(')\n | ............^"],
  ['has(foo)', 'ERROR: <input>:1:5: invalid argument to has() macro\n | has(foo)\n | ....^'],
  [
    '"a".format([1])',
    'ERROR: <input>:1:11: too many arguments supplied to string.format (expected 0, got 1)\n | "a".format([1])\n | ..........^',
  ],
  [
    "'%d'.format(['a'])",
    "ERROR: <input>:1:14: error during formatting: decimal clause can only be used on integers, was given string\n | '%d'.format(['a'])\n | .............^",
  ],
  ['as', 'ERROR: <input>:1:1: reserved identifier: as\n | as\n | ^'],
  ['namespace', 'ERROR: <input>:1:1: reserved identifier: namespace\n | namespace\n | ^'],
  ["'%s %s'.format(['a'])", "ERROR: <input>:1:15: index 1 out of range\n | '%s %s'.format(['a'])\n | ..............^"],
];

test('values and costs are those of upstream', () => {
  for (const [expression, value, cost] of values) {
    const outcome = compile(checkExpression(expression, none)).run(() => undefined, 1_000_000);
    if (outcome.value instanceof Error) assert.fail(`${expression}: ${outcome.value.message}`);
    assert.deepEqual([formatted('%s', [outcome.value]), outcome.cost], [value, cost], expression);
  }
});

test('what goes wrong while it runs has its words', () => {
  for (const [expression, message, cost] of failures) {
    const outcome = compile(checkExpression(expression, none)).run(() => undefined, 1_000_000);
    assert.ok(outcome.value instanceof Error, expression);
    assert.deepEqual([outcome.value.message, outcome.cost], [message, cost], expression);
  }
});

test('what is no expression is refused with the place', () => {
  for (const [expression, message] of refusals) {
    assert.throws(
      () => checkExpression(expression, none),
      (error) => error instanceof CompileError && error.message === message,
      expression,
    );
  }
});

test('a limit ends what would take too long', () => {
  const list = '[1,2,3,4,5,6,7,8,9,10]';
  const nested = `${list}.all(a, ${list}.all(b, ${list}.all(c, ${list}.all(d, ${list}.all(e, a + b + c + d + e > 0)))))`;
  const { value, cost } = compile(checkExpression(nested, none)).run(() => undefined, 10_000);
  assert.ok(value instanceof CostExceeded);
  assert.ok(cost < 10_100);
  const range = compile(checkExpression('lists.range(9000000000000).size() > 0', none)).run(() => undefined, 10_000);
  assert.ok(range.value instanceof CostExceeded);
});

test('an estimate takes the size of a list from its type', () => {
  const self = listOf({ ...types.string, most: 10 }, 100);
  const checked = checkExpression("self.all(x, x.startsWith('a'))", { variables: new Map([['self', self]]) });
  assert.deepEqual(estimateCost(checked, self), { min: 2, max: 502 });
});

test('nothing but a CompileError comes out of random text', () => {
  const piece = fc.constantFrom(
    'a',
    '.',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '?',
    '1',
    '"x"',
    '&&',
    '==',
    'in',
    ' ',
    'has',
    'all',
    '\\',
    "'",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      try {
        compile(checkExpression(pieces.join(''), none)).run(() => undefined, 1000);
      } catch (error) {
        assert.ok(error instanceof CompileError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});
