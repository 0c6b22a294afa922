/**
 * The ruleset as one nft script: what makes a missing table, and what puts a damaged one right, is the same text. It replaces
 * rules in one transaction and leaves the maps with their elements alone, so no packet sees anything in between.
 */
import { createHash } from 'node:crypto';
import type { TablePart } from '../kernel/index.ts';
import {
  aboutChain,
  chains,
  declarations,
  dropCode,
  familyWord,
  pickerCode,
  pickerName,
  pickerRules,
  readyPickers,
  refuseCode,
} from './ruleset.ts';
import type { Chain, Picker, RulesetOptions } from './ruleset.ts';

/** `extra`: pickers beyond the ready ones that elements refer to already; `foreign`: what is in the table and must go. */
export function rulesetScript(
  options: RulesetOptions,
  extra: readonly Picker[],
  foreign: readonly TablePart[] = [],
): string {
  const table = `${familyWord(options.family)} ${options.table}`;
  const all = [...chains(options), ...pickerChains(options, [...readyPickers(), ...extra])];
  return [
    `add table ${table}`,
    // Emptied first: their rules may hold what is theirs, and deleted last: our old rules may lead there.
    ...foreign.flatMap(({ kind, name }) => (kind === 'chain' ? [`flush chain ${table} ${name}`] : [])),
    ...declarations(options).map(({ kind, name, body }) => `add ${kind} ${table} ${name} { ${body} }`),
    ...[...all, { name: aboutChain, rules: [] }].flatMap((chain) => [
      `add chain ${table} ${chain.name}${hookText(chain)}`,
      `flush chain ${table} ${chain.name}`,
    ]),
    ...all.flatMap((chain) => ruleLines(table, chain)),
    `flush map ${table} route`,
    `add element ${table} route { ${classid(refuseCode)} : goto refuse, ${classid(dropCode)} : drop }`,
    ...routeLines(table, [...readyPickers(), ...extra]),
    // Maps before chains: their elements may lead there.
    ...[...foreign].sort(chainsLast).map(({ kind, name }) => `delete ${kind} ${table} ${name}`),
    '',
  ].join('\n');
}

/** Of all that the script makes. */
export function partNames(options: RulesetOptions, extra: readonly Picker[]): ReadonlySet<string> {
  const made = [...declarations(options), ...chains(options)].map(({ name }) => name);
  return new Set([...made, aboutChain, ...[...readyPickers(), ...extra].map(pickerName)]);
}

/** Whether the nft language has a word for it: the kernel takes any text. */
export function isSayable({ name }: TablePart): boolean {
  return /^[a-zA-Z][a-zA-Z0-9/_.-]*$/.test(name);
}

function chainsLast(a: TablePart, b: TablePart): number {
  return Number(a.kind === 'chain') - Number(b.kind === 'chain');
}

/** Adds pickers to a table that stands. */
export function pickerScript(options: RulesetOptions, pickers: readonly Picker[]): string {
  const table = `${familyWord(options.family)} ${options.table}`;
  const added = pickerChains(options, pickers);
  return [
    ...added.flatMap((chain) => [`add chain ${table} ${chain.name}`, `flush chain ${table} ${chain.name}`]),
    ...added.flatMap((chain) => ruleLines(table, chain)),
    ...routeLines(table, pickers),
    '',
  ].join('\n');
}

/** Takes pickers away that no element leads to. */
export function unpickerScript(options: RulesetOptions, pickers: readonly Picker[]): string {
  const table = `${familyWord(options.family)} ${options.table}`;
  return [
    ...pickers.map((picker) => `delete element ${table} route { ${classid(pickerCode(picker))} }`),
    ...pickers.flatMap((picker) => [
      `flush chain ${table} ${pickerName(picker)}`,
      `delete chain ${table} ${pickerName(picker)}`,
    ]),
    '',
  ].join('\n');
}

/** Says in the table itself what was written, so that the next process can tell whether it still stands. */
export function aboutScript(options: RulesetOptions, mark: string): string {
  const chain = `${familyWord(options.family)} ${options.table} ${aboutChain}`;
  return `add chain ${chain}\nflush chain ${chain}\nadd rule ${chain} return comment "${mark}"\n`;
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function pickerChains(options: RulesetOptions, pickers: readonly Picker[]): Chain[] {
  return pickers.map((picker) => ({ name: pickerName(picker), rules: pickerRules(options.family, picker) }));
}

function routeLines(table: string, pickers: readonly Picker[]): string[] {
  return pickers.map((picker) => {
    const target = `${classid(pickerCode(picker))} : goto ${pickerName(picker)}`;
    return `add element ${table} route { ${target} }`;
  });
}

/** How nft writes a packet's priority. */
function classid(code: number): string {
  return `${(code >>> 16).toString(16)}:${(code & 0xffff).toString(16)}`;
}

function hookText({ hook }: Chain): string {
  if (hook === undefined) return '';
  return ` { type ${hook.type} hook ${hook.at} priority ${String(hook.priority)}; policy accept; }`;
}

function ruleLines(table: string, chain: Chain): string[] {
  return chain.rules.map((rule) => `add rule ${table} ${chain.name} ${rule}`);
}
