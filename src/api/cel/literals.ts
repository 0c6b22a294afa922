/**
 * Literal arguments that can only fail are refused before they run. Upstream: cel-go/cel/validator.go (durations, timestamps, regular
 * expressions), ext/formatting.go (format strings).
 */
import type { Call, Node } from './ast.ts';
import { EvalError } from './issues.ts';
import type { Issue } from './issues.ts';
import { formatted } from './library/format-string.ts';
import { goRegExp } from './regexp.ts';
import { parseDuration, parseTimestamp } from './time.ts';

export function literalIssues(root: Node): Issue[] {
  const issues: Issue[] = [];
  const seen = new Set<Node>();
  const walk = (node: Node): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (node.kind === 'call') issues.push(...callIssues(node));
    for (const child of childrenOf(node)) walk(child);
  };
  walk(root);
  return issues;
}

function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'select':
      return [node.operand];
    case 'call':
      return node.target === undefined ? node.args : [node.target, ...node.args];
    case 'list':
      return node.elements;
    case 'map':
      return node.entries.flatMap(({ key, value }) => [key, value]);
    case 'struct':
      return node.fields.map(({ value }) => value);
    case 'fold':
      return [node.range, node.init, node.condition, node.step, node.result];
    default:
      return [];
  }
}

function callIssues({ at, name, target, args }: Call): Issue[] {
  const last = args.at(-1);
  const text = last?.kind === 'literal' && typeof last.value === 'string' ? last.value : undefined;
  if (name === 'format' && target !== undefined) return formatIssues(at, target, last);
  if (last === undefined || text === undefined) return [];
  const bad =
    (name === 'duration' && target === undefined && parseDuration(text) === undefined) ||
    (name === 'timestamp' && target === undefined && parseTimestamp(text) === undefined) ||
    (name === 'matches' && !isRegExp(text));
  return bad ? [{ at: last.at, message: `invalid ${name} argument` }] : [];
}

function isRegExp(text: string): boolean {
  try {
    goRegExp(text);
    return true;
  } catch {
    return false;
  }
}

/** Only what is all literal is looked at here. */
function formatIssues(at: number, target: Node, list: Node | undefined): Issue[] {
  if (target.kind !== 'literal' || typeof target.value !== 'string' || list?.kind !== 'list') return [];
  const wanted = [...target.value.matchAll(/%(?:%|(?:\.\d+)?[a-zA-Z])/g)].filter(([clause]) => clause !== '%%').length;
  const given = list.elements.length;
  if (given > wanted) {
    const why = `too many arguments supplied to string.format (expected ${String(wanted)}, got ${String(given)})`;
    return [{ at, message: why }];
  }
  const values = list.elements.flatMap((element) => (element.kind === 'literal' ? [element.value] : []));
  if (values.length < given) return [];
  try {
    formatted(target.value, values);
    return [];
  } catch (error) {
    if (!(error instanceof EvalError)) throw error;
    return [{ at: given < wanted ? at : (list.elements[0]?.at ?? at), message: error.message }];
  }
}
