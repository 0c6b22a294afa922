/**
 * Can this kernel and this libnftables carry us? Each feature that the tables are made of is tried in an empty network namespace
 * that is gone afterwards, so nothing of the machine is touched, and a module that can be loaded is.
 *
 *   probeKernel() -> { missing: [{ feature: 'nftables: reject', fix: 'load or build the module nft_reject_inet' }] }
 */
import { readdirSync } from 'node:fs';
import { withNewNetns } from './netns.ts';
import { NftError, openNft } from './nft.ts';
import type { Nft } from './nft.ts';
import { openConntrack } from './conntrack.ts';
import { openNftElements } from './nft-elements.ts';

export interface MissingFeature {
  readonly feature: string;
  readonly fix: string;
}

export interface KernelReport {
  readonly missing: readonly MissingFeature[];
}

interface Trial {
  readonly feature: string;
  readonly module: string;
  readonly script: string;
}

const base = 'add table ip probe\n';
const chain = `${base}add chain ip probe c\nadd rule ip probe c`;
const trials: readonly Trial[] = [
  { feature: 'nftables', module: 'nf_tables', script: base },
  {
    feature: 'nftables: address translation',
    module: 'nft_chain_nat, nft_nat',
    script: `${base}add chain ip probe n { type nat hook prerouting priority -100; }\nadd rule ip probe n meta l4proto tcp dnat to 192.0.2.1:80`,
  },
  {
    feature: 'nftables: masquerade',
    module: 'nft_masq',
    script: `${base}add chain ip probe m { type nat hook postrouting priority 100; }\nadd rule ip probe m masquerade fully-random`,
  },
  { feature: 'nftables: connection tracking', module: 'nft_ct', script: `${chain} ct state invalid drop` },
  {
    feature: 'nftables: reject',
    module: 'nft_reject_inet',
    script: `${base}add chain ip probe r { type nat hook output priority -100; }\nadd rule ip probe r meta l4proto tcp reject with tcp reset`,
  },
  { feature: 'nftables: fib', module: 'nft_fib_ipv4', script: `${chain} fib saddr type local accept` },
  { feature: 'nftables: random numbers', module: 'nft_numgen', script: `${chain} meta mark set numgen random mod 2` },
  {
    feature: 'nftables: maps of concatenations with random numbers (kernel 5.6, libnftables 1.0.2)',
    module: 'nf_tables',
    script:
      `${base}add map ip probe s { typeof ip daddr . meta l4proto . th dport . numgen random mod 2 : ip daddr . tcp dport; }\n` +
      'add chain ip probe p { type nat hook prerouting priority -100; }\n' +
      'add rule ip probe p dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 map @s',
  },
  {
    feature: 'nftables: ranges in concatenations',
    module: 'nf_tables (kernel 5.6)',
    script: `${base}add set ip probe i { type ipv4_addr . inet_service . ipv4_addr; flags interval; }`,
  },
  {
    feature: 'nftables: maps written by packets',
    module: 'nf_tables',
    script:
      `${base}add map ip probe d { type ipv4_addr . inet_service : classid; flags dynamic,timeout; size 16; }\n` +
      'add chain ip probe c\nadd rule ip probe c update @d { ip saddr . th dport timeout 10s : meta priority }',
  },
];

export function probeKernel(): KernelReport {
  const missing: MissingFeature[] = [];
  let began = 'a new network namespace';
  try {
    withNewNetns(() => {
      began = 'libnftables';
      const nft = openNft();
      try {
        for (const trial of trials) attempt(nft, trial, missing);
      } finally {
        nft.close();
      }
      began = 'netlink to nftables';
      openNftElements().close();
      began = 'netlink to connection tracking';
      openConntrack().close();
    });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    missing.push({ feature: began, fix: text });
  }
  return { missing };
}

function attempt(nft: Nft, { feature, module, script }: Trial, missing: MissingFeature[]): void {
  try {
    nft.run(`${script}\n`);
    nft.run('delete table ip probe\n');
  } catch (error) {
    if (!(error instanceof NftError)) throw error;
    missing.push({ feature, fix: `${fixOf(module)} (${error.message})` });
  }
}

function fixOf(module: string): string {
  const release = kernelModules();
  return release === undefined
    ? `this kernel has no loadable modules: it must be built with ${module}`
    : `modprobe ${module.split(/[ ,]/, 1)[0] ?? module}, or a kernel that has ${module}`;
}

function kernelModules(): string | undefined {
  try {
    return readdirSync('/lib/modules')[0];
  } catch {
    // No such directory: a kernel without modules, or a container.
    return undefined;
  }
}
