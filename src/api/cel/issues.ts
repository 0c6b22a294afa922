/**
 * What is wrong with an expression: found while it is read and checked (issues, with a place), or while it runs (EvalError).
 * Upstream: cel-go/common/error.go:
 *
 *   ERROR: <input>:1:5: undefined field 'z'
 *    | self.z
 *    | ....^
 */
export interface Issue {
  readonly at: number;
  readonly message: string;
}

/** Thrown by what compiles; its message is what upstream shows. */
export class CompileError extends Error {
  readonly issues: readonly Issue[];
  constructor(source: string, issues: readonly Issue[]) {
    super(issues.map((issue) => display(source, issue)).join('\n'));
    this.issues = issues;
  }
}

/** Checked well, and yet it can never run: `int('x')`. */
export class InstantiationError extends Error {}

/** A value that is an error: `||` and `&&` may still do without it. */
export class EvalError extends Error {}

/** Nothing does without this one. */
export class CostExceeded extends Error {
  constructor() {
    super('operation cancelled: actual cost limit exceeded');
  }
}

function display(source: string, { at, message }: Issue): string {
  const before = source.slice(0, at).split('\n');
  const line = before.length;
  const column = [...(before.at(-1) ?? '')].length;
  const text = (source.split('\n')[line - 1] ?? '').replaceAll('\t', ' ');
  const characters = [...text];
  const isWide = (character: string | undefined): boolean => (character ?? '').charCodeAt(0) > 0x7f;
  const dots = characters.slice(0, column).map((character) => (isWide(character) ? '．' : '.'));
  const mark = isWide(characters[column]) ? '＾' : '^';
  return `ERROR: <input>:${String(line)}:${String(column + 1)}: ${message}\n | ${text}\n | ${dots.join('')}${mark}`;
}
