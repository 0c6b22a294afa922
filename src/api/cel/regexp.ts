/** Go's regular expressions, kept by their text; V8's linear engine takes over where a backtracking one would not end. */
import { goPattern } from '../custom/formats.ts';
import { EvalError } from './issues.ts';

export function goRegExp(pattern: string): RegExp {
  try {
    return goPattern(pattern);
  } catch (error) {
    throw new EvalError(`error parsing regexp: ${(error as Error).message}`);
  }
}
