/** Field selectors: `metadata.name=x,spec.nodeName!=y`. Which fields a kind knows is in its KindDefinition. */
import { apiError } from '../errors.ts';

export interface FieldTerm {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** Terms that must all hold. `\,` `\=` `\\` stand for the characters. Throws ApiError 400. */
export function parseFieldSelector(text: string): readonly FieldTerm[] {
  return splitTerms(text)
    .filter((term) => term.trim() !== '')
    .map((term) => parseTerm(text, term));
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === ',') {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

function parseTerm(text: string, term: string): FieldTerm {
  const match = /^([^=!\\]*?)(!=|==|=)([\s\S]*)$/.exec(term);
  if (match === null) {
    throw apiError(
      400,
      'BadRequest',
      `invalid selector: ${JSON.stringify(text)}; can't understand ${JSON.stringify(term)}`,
    );
  }
  const [, field = '', operator, value = ''] = match;
  return { field: field.trim(), operator: operator === '!=' ? '!=' : '=', value: unescape(text, value) };
}

function unescape(text: string, value: string): string {
  if (!value.includes('\\')) {
    if (/[=,]/.test(value))
      throw apiError(
        400,
        'BadRequest',
        `invalid field selector: ${JSON.stringify(text)}: unescaped character in ${JSON.stringify(value)}`,
      );
    return value;
  }
  return value.replace(/\\(.?)/gs, (whole, character: string) => {
    if (!['\\', ',', '='].includes(character)) {
      throw apiError(400, 'BadRequest', `invalid field selector: invalid escape sequence: ${whole}`);
    }
    return character;
  });
}
