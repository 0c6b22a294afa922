/**
 * Looks without touching: what the kernel should hold for each key, what it does hold, and the elements that differ. The
 * difference is the one that an audit would write.
 *
 *   TableEntry ── plan ── settle on what is there ──> wanted ┐
 *   kernel ────── readBack ─────────────────────────> found  ┴── differ ──> differences
 */
import { openNft, openNftElements } from '../kernel/index.ts';
import type { Nft, NftElements } from '../kernel/index.ts';
import type { Family, TableEntry } from '../model/index.ts';
import { mustParseCidr } from '../util/ip.ts';
import { differ, settle } from './held.ts';
import type { ElementWords, Held, Sticky } from './held.ts';
import { planOf } from './plan.ts';
import type { Plan } from './plan.ts';
import { withinAny } from './ranges.ts';
import { readBack } from './read-back.ts';
import { Rules } from './rules.ts';
import { dropCode, familyWord, nearOffset, pickerCode, refuseCode } from './ruleset.ts';
import { familiesOf, planOptions, rulesetOptions } from './settings.ts';
import { StickyIds } from './sticky-ids.ts';
import type { DataPlaneOptions } from './types.ts';

/** What happens to a client's first packet: `refuse`, `drop`, endpoints, or `-`: no service, the general rules decide. */
export interface Outcome {
  readonly inside: string;
  readonly outside: string;
  /** Sources that may; absent: everybody. */
  readonly sources?: readonly string[];
}

export interface InspectedKey {
  readonly key: string;
  /** undefined: the kernel holds what nobody wants. */
  readonly logical: Outcome | undefined;
  readonly kernel: Outcome | undefined;
  /** Elements, as words: `missing slots #2 = 10.244.1.2:8080`. */
  readonly differences: readonly string[];
}

export interface InspectedTable {
  readonly family: Family;
  /** `ip portolan` */
  readonly table: string;
  /** Chains, rules and maps are there, and as they were written. */
  readonly rulesStand: boolean;
  readonly keys: readonly InspectedKey[];
  /** Elements that belong to no key. */
  readonly strays: readonly string[];
}

export function inspect(options: DataPlaneOptions, entries: Iterable<TableEntry>): readonly InspectedTable[] {
  const planning = planOptions(options);
  const plans = [...entries].map((entry) => planOf(entry, planning));
  const nft = openNft(options.netns);
  const kernel = openNftElements(options.netns);
  try {
    return familiesOf(options).map((family) =>
      inspectFamily(
        nft,
        kernel,
        options,
        family,
        plans.filter((plan) => plan.family === family),
      ),
    );
  } finally {
    kernel.close();
    nft.close();
  }
}

function inspectFamily(
  nft: Nft,
  kernel: NftElements,
  options: DataPlaneOptions,
  family: Family,
  plans: readonly Plan[],
): InspectedTable {
  const ruleset = rulesetOptions(family, options);
  const rules = new Rules(nft, kernel, ruleset);
  const rulesStand = rules.stand();
  const { held, hairpin, strays, ids } = readBack(kernel, family, ruleset.table);
  const stickyIds = new StickyIds();
  stickyIds.recount(ids);
  const allocation = {
    stick: (group: string, before: readonly Sticky[]) => stickyIds.of(group, before),
    rankOf: (seconds: number) => rules.rankOf(seconds),
    use: () => undefined,
  };
  const wanted = new Map(plans.map((plan) => [plan.key, settle(plan, held.get(plan.key), allocation)]));
  const keys = [...new Set([...wanted.keys(), ...held.keys()])];
  return {
    family,
    table: `${familyWord(family)} ${ruleset.table}`,
    rulesStand,
    keys: keys.map((key) => {
      const [logical, found] = [wanted.get(key), held.get(key)];
      return { key, logical: outcomeOf(logical), kernel: outcomeOf(found), differences: differences(found, logical) };
    }),
    strays: [...strays.map(({ set }) => `unwanted element in ${set}`), ...hairpinDifferences(options, wanted, hairpin)],
  };
}

/** Pods of this node that a service leads to may be led to themselves. */
function hairpinDifferences(
  { podCidrs }: DataPlaneOptions,
  wanted: ReadonlyMap<string, Held>,
  found: ReadonlySet<string>,
): readonly string[] {
  const isLocal = withinAny(podCidrs.map(mustParseCidr));
  const endpoints = [...wanted.values()].flatMap(({ plain, sticky }) => [
    ...plain.flat(),
    ...sticky.flat().map(({ endpoint }) => endpoint),
  ]);
  const pods = new Set(endpoints.filter(isLocal).map((endpoint) => endpoint.slice(0, endpoint.indexOf(' '))));
  return [
    ...[...pods].filter((pod) => !found.has(pod)).map((pod) => `missing hairpin ${pod}`),
    ...[...found].filter((pod) => !pods.has(pod)).map((pod) => `unwanted hairpin ${pod}`),
  ];
}

function differences(found: Held | undefined, wanted: Held | undefined): readonly string[] {
  const said: string[] = [];
  const say =
    (what: string) =>
    ({ set, slot, value }: ElementWords): void => {
      const words = [
        what,
        set,
        slot === undefined ? '' : `#${String(slot)}`,
        value === undefined ? '' : `= ${text(value)}`,
      ];
      said.push(words.filter((word) => word !== '').join(' '));
    };
  differ(found, wanted, nearOffset, { remove: say('unwanted'), add: say('missing') });
  return said;
}

function outcomeOf(held: Held | undefined): Outcome | undefined {
  if (held === undefined) return undefined;
  const of = (code: number): string => {
    if (code === 0) return '-';
    if (code === refuseCode) return 'refuse';
    if (code === dropCode) return 'drop';
    const pool = isNear(code) ? 1 : 0;
    const endpoints = [...held.plain[pool], ...held.sticky[pool].map(({ endpoint }) => endpoint)];
    return endpoints.length === 0 ? 'nobody' : endpoints.map(text).join(' ');
  };
  const outcome = { inside: of(held.internal), outside: of(held.external) };
  return held.sources === undefined ? outcome : { ...outcome, sources: held.sources };
}

/** The second pool, whichever way a client is led there. */
function isNear(code: number): boolean {
  const firstStick = pickerCode({ kind: 'stick', near: false, slots: 0, seconds: 0, rank: 0 });
  if (code >= firstStick) return ((code >>> 16) & 1) === 1;
  return code >= pickerCode({ kind: 'pick', near: true, slots: 0 });
}

/** `10.244.1.2 8080` as people write it. */
function text(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const space = value.indexOf(' ');
  if (space < 0) return value === '' ? '(hole)' : value;
  const [address, port] = [value.slice(0, space), value.slice(space + 1)];
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
