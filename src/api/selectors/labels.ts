/**
 * Label selectors, as text (`?labelSelector=`) and as LabelSelector objects.
 *
 *   'app=web,tier in (a,b),!old,weight>5' ── parseLabelSelector ──> requirements, all of which must hold
 */
import type { LabelSelector } from '../gen/types.ts';
import { apiError } from '../errors.ts';
import { whyNotLabelValue, whyNotQualifiedName } from '../validation/names.ts';

export type Labels = Readonly<Record<string, string>>;

export interface LabelMatcher {
  matches(labels: Labels | undefined): boolean;
  /** Selects everything. */
  readonly empty: boolean;
  /** The labels that it looks at: of no other one anything is asked. */
  readonly keys: readonly string[];
}

type Operator = 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** Throws ApiError 400 with upstream's text. */
export function parseLabelSelector(text: string): LabelMatcher {
  const requirements = new Parser(text).parse();
  return {
    empty: requirements.length === 0,
    keys: requirements.map(({ key }) => key),
    matches: (labels) => requirements.every((requirement) => holds(requirement, labels ?? {})),
  };
}

/** undefined selects nothing, {} everything: upstream's LabelSelectorAsSelector. */
export function labelSelectorMatches(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  if (selector === undefined) return false;
  const of = labels ?? {};
  return (
    labelsMatch(selector.matchLabels, of) &&
    (selector.matchExpressions ?? []).every((expression) => {
      const operator = operators[expression.operator];
      return operator !== undefined && holds({ key: expression.key, operator, values: expression.values ?? [] }, of);
    })
  );
}

/** A plain map (Service.spec.selector): every pair must be there. Empty selects everything: check for that first. */
export function labelsMatch(selector: Labels | undefined, labels: Labels | undefined): boolean {
  for (const key in selector) {
    if (labels === undefined || !Object.hasOwn(labels, key) || labels[key] !== selector[key]) return false;
  }
  return true;
}

/** `a=b,c in (x,y)`, `<none>` where there is nothing: metav1.FormatLabelSelector. */
export function formatLabelSelector(selector: LabelSelector | undefined): string {
  const parts: { readonly key: string; readonly text: string }[] = [];
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {})) parts.push({ key, text: `${key}=${value}` });
  for (const { key, operator, values } of selector?.matchExpressions ?? []) {
    const list = `(${[...(values ?? [])].sort().join(',')})`;
    if (operator === 'Exists') parts.push({ key, text: key });
    else if (operator === 'DoesNotExist') parts.push({ key, text: `!${key}` });
    else parts.push({ key, text: `${key} ${operator === 'In' ? 'in' : 'notin'} ${list}` });
  }
  if (parts.length === 0) return '<none>';
  parts.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return parts.map((part) => part.text).join(',');
}

/** `a=b,c=d` sorted, `<none>` for nothing: labels.FormatLabels. */
export function formatLabels(labels: Labels | undefined): string {
  const text = Object.entries(labels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  return text === '' ? '<none>' : text;
}

const operators: Readonly<Record<string, Operator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

function holds({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
      return value !== undefined && values.includes(value);
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt': {
      if (value === undefined || !/^-?\d+$/.test(value)) return false;
      const [left, right] = [BigInt(value), BigInt(values[0] ?? '0')];
      return operator === 'gt' ? left > right : left < right;
    }
  }
}

const tokenPattern = /\s*(?:(==|!=|[=!,()<>])|([^\s=!,()<>]+)|$)/y;

/** Grammar and texts of apimachinery pkg/labels/selector.go. */
class Parser {
  readonly #tokens: string[] = [];
  #next = 0;

  constructor(text: string) {
    tokenPattern.lastIndex = 0;
    for (let match = tokenPattern.exec(text); match !== null; match = tokenPattern.exec(text)) {
      const token = match[1] ?? match[2];
      if (token === undefined) break;
      this.#tokens.push(token);
    }
  }

  parse(): readonly Requirement[] {
    const requirements: Requirement[] = [];
    if (this.#tokens.length === 0) return requirements;
    for (;;) {
      requirements.push(this.#requirement());
      const token = this.#take();
      if (token === '') break;
      if (token !== ',') this.#fail(`found '${token}', expected: ',' or 'end of string'`);
      if (this.#peek() === '') this.#fail("found '', expected: identifier after ','");
    }
    return requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  }

  #requirement(): Requirement {
    const negated = this.#peek() === '!';
    if (negated) this.#take();
    const key = this.#take();
    if (key === '' || isSymbol(key)) {
      this.#fail(`found '${key}', expected: ${negated ? 'identifier' : "!, identifier, or 'end of string'"}`);
    }
    const bad = whyNotQualifiedName(key);
    if (bad.length > 0) this.#fail(`key: Invalid value: ${JSON.stringify(key)}: ${bad.join('; ')}`);
    if (negated) return { key, operator: '!', values: [] };
    const token = this.#peek();
    if (token === '' || token === ',') return { key, operator: 'exists', values: [] };
    this.#take();
    return this.#comparison(key, token);
  }

  #comparison(key: string, token: string): Requirement {
    switch (token) {
      case '=':
      case '==':
        return { key, operator: 'in', values: [this.#exactValue()] };
      case '!=':
        return { key, operator: 'notin', values: [this.#exactValue()] };
      case '>':
      case '<': {
        const value = this.#exactValue();
        if (!/^-?\d+$/.test(value)) {
          const why = "for 'Gt', 'Lt' operators, the value must be an integer";
          this.#fail(`values[0]: Invalid value: ${JSON.stringify(value)}: ${why}`);
        }
        return { key, operator: token === '>' ? 'gt' : 'lt', values: [value] };
      }
      case 'in':
      case 'notin':
        return { key, operator: token, values: this.#list() };
      default:
        return this.#fail(`found '${token}', expected: in, notin, =, ==, !=, gt, lt`);
    }
  }

  #exactValue(): string {
    const token = this.#peek();
    if (token === '' || token === ',') return '';
    if (isSymbol(token)) this.#fail(`found '${token}', expected: identifier`);
    this.#take();
    return this.#checked(token);
  }

  #list(): readonly string[] {
    if (this.#take() !== '(') this.#fail(`found '${this.#tokens[this.#next - 1] ?? ''}' expected: '('`);
    const values: string[] = [];
    let expectValue = true;
    for (;;) {
      const token = this.#take();
      if (token === '') this.#fail("found '', expected: ',', ')' or identifier");
      if (token === ')' || token === ',') {
        if (expectValue) values.push('');
        if (token === ')') return values;
        expectValue = true;
      } else {
        if (isSymbol(token) || !expectValue) this.#fail(`found '${token}', expected: ',', or ')'`);
        values.push(this.#checked(token));
        expectValue = false;
      }
    }
  }

  #checked(value: string): string {
    const bad = whyNotLabelValue(value);
    if (bad.length > 0) this.#fail(`values[0][]: Invalid value: ${JSON.stringify(value)}: ${bad.join('; ')}`);
    return value;
  }

  #peek(): string {
    return this.#tokens[this.#next] ?? '';
  }

  #take(): string {
    return this.#tokens[this.#next++] ?? '';
  }

  #fail(why: string): never {
    throw apiError(400, 'BadRequest', `unable to parse requirement: ${why}`);
  }
}

function isSymbol(token: string): boolean {
  return /^[=!,()<>]/.test(token);
}
