/**
 * The load balancer's tables in the kernel of this network namespace: opened, read back, brought to a wanted state by difference.
 *
 *   openLbKernel()   rules in place, elements of an earlier process kept and read back
 *        .apply()    one transaction per family: chains that are missing, deletes, adds
 *        .verify()   the next apply compares with the kernel, not with memory
 *
 * Nothing is ever flushed while it serves: killed at any moment, the kernel goes on with the last whole transaction.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { NftError, openNft } from '../kernel/index.ts';
import type { Nft } from '../kernel/index.ts';
import { familyOf } from '../util/ip.ts';
import type { Family } from '../util/ip.ts';
import { log } from '../util/log.ts';
import { difference, elementsOf, emptyElements, mapNames, parseElements, setNames } from './elements.ts';
import type { Elements } from './elements.ts';
import { createIdBook } from './ids.ts';
import type { IdBook } from './ids.ts';
import { constantRules, pickChain, pickRules, tableName } from './ruleset.ts';
import type { RulesetOptions } from './ruleset.ts';
import type { LbFrontend } from './targets.ts';

export interface LbKernel {
  /** The whole state. Throws NftError, and then the kernel is as before. Returns the number of changed elements. */
  apply(vips: readonly string[], frontends: readonly LbFrontend[]): number;
  verify(): void;
  close(): void;
}

export type FamilyRules = Readonly<Partial<Record<Family, RulesetOptions>>>;

const logger = log('lb');
const exec = promisify(execFile);

export async function openLbKernel(rules: FamilyRules): Promise<LbKernel> {
  const nft = openNft();
  const families = (['IPv4', 'IPv6'] as const).filter((family) => rules[family] !== undefined);
  const tables: FamilyTable[] = [];
  try {
    for (const family of families) {
      const options = rules[family];
      if (options === undefined) continue;
      installRules(nft, family, constantRules(family, options));
      for (const prefix of options.pool) await route(family, prefix);
      tables.push(openTable(nft, family));
    }
  } catch (error) {
    nft.close();
    throw error;
  }
  return {
    apply(vips, frontends) {
      let changed = 0;
      for (const table of tables) changed += table.apply(vips, frontends);
      return changed;
    },
    verify: () => tables.forEach((table) => table.forget()),
    close: () => nft.close(),
  };
}

/** The kernel answers ARP for what is routed to itself. */
async function route(family: Family, prefix: string): Promise<void> {
  const args = [family === 'IPv4' ? '-4' : '-6', 'route', 'replace', 'local', prefix, 'dev', 'lo'];
  await exec('ip', args, { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });
}

function installRules(nft: Nft, family: Family, script: string): void {
  try {
    nft.run(script);
  } catch (error) {
    if (!(error instanceof NftError)) throw error;
    // Left by a version with other types of maps: these can only be made anew.
    logger.warn({ family, err: error.text }, 'tables of another shape replaced');
    const own = family === 'IPv4' ? ['ip', 'arp'] : ['ip6'];
    const removal = own.map((word) => `add table ${word} ${tableName}\ndelete table ${word} ${tableName}\n`).join('');
    nft.run(removal + script);
  }
}

interface FamilyTable {
  apply(vips: readonly string[], frontends: readonly LbFrontend[]): number;
  forget(): void;
}

function openTable(nft: Nft, family: Family): FamilyTable {
  const ids = createIdBook();
  const chains = new Set<string>();
  let known: Elements | undefined = readBack(nft, family, ids);

  const change = (to: Elements, frontends: readonly LbFrontend[], from: Elements): number => {
    const { deletes, adds } = difference(family, from, to);
    if (deletes.length + adds.length === 0) return 0;
    const fresh = missingChains(frontends, chains);
    const rules = fresh.map(({ slots, affinitySeconds }) => pickRules(family, slots, affinitySeconds));
    nft.run([...rules, ...deletes, ...adds, ''].join('\n'));
    for (const { slots, affinitySeconds } of fresh) chains.add(pickChain(slots, affinitySeconds));
    return deletes.length + adds.length;
  };
  return {
    apply(allVips, all) {
      const vips = allVips.filter((vip) => familyOf(vip) === family);
      const frontends = all.filter(({ frontend }) => frontend.family === family);
      const to = elementsOf(vips, frontends, ids);
      let changed;
      try {
        known ??= readBack(nft, family, ids);
        changed = change(to, frontends, known);
      } catch (error) {
        if (!(error instanceof NftError)) throw error;
        // Somebody else's hand was in our table: compare with what is really there, once.
        logger.warn({ family, err: error.text }, 'the table is not as we left it');
        chains.clear();
        changed = change(to, frontends, readBack(nft, family, ids));
      }
      known = to;
      ids.keep(frontends.flatMap(({ active, lingering }) => [...active, ...lingering]));
      return changed;
    },
    forget() {
      known = undefined;
    },
  };
}

interface Shape {
  readonly slots: number;
  readonly affinitySeconds: number | undefined;
}

function missingChains(frontends: readonly LbFrontend[], known: ReadonlySet<string>): readonly Shape[] {
  const missing = new Map<string, Shape>();
  for (const { frontend, active } of frontends) {
    const name = pickChain(active.length, frontend.affinitySeconds);
    if (active.length === 0 || known.has(name)) continue;
    missing.set(name, { slots: active.length, affinitySeconds: frontend.affinitySeconds });
  }
  return [...missing.values()];
}

function readBack(nft: Nft, family: Family, ids: IdBook): Elements {
  const found = emptyElements();
  const table = `${family === 'IPv4' ? 'ip' : 'ip6'} ${tableName}`;
  const names = [...setNames.map((name) => ['set', name] as const), ...mapNames.map((name) => ['map', name] as const)];
  for (const [kind, name] of names) {
    for (const [key, value] of parseElements(nft.run(`list ${kind} ${table} ${name}`))) found[name].set(key, value);
  }
  for (const [mark, target] of found.backends) {
    const [address = '', port = ''] = target.split(' . ');
    ids.adopt(Number(mark), { address, port: Number(port) });
  }
  return found;
}
