/**
 * The other way to write the same services: a chain per service and a chain per endpoint, in the shape of kube-proxy's nftables
 * mode, through libnftables. Loaded in transactions of 250 services: one alone is slower still.
 *
 *   service-ips  { ip . proto . port : goto service-… }
 *   service-…    masquerade for clients outside, then  numgen random mod N vmap { 0 : goto endpoint-…, … }
 *   endpoint-…   masquerade for itself, then dnat
 *
 * Upstream: pkg/proxy/nftables/README.md, proxier.go.
 */
import { openNft } from '../../src/kernel/index.ts';
import { quantile } from '../support/report.ts';
import { clusterIp, podCidr, sliceAt } from './objects.ts';
import type { Size } from './objects.ts';

export interface ChainFigures {
  readonly loadMs: number;
  /** p50 of one endpoint that changes. */
  readonly changeMs: number;
  /** How many services there was time for. */
  readonly loaded: number;
}

const table = 'ip chains';
const step = 250;
const changes = 5;

const frame = [
  `add table ${table}`,
  `add chain ${table} nat-prerouting { type nat hook prerouting priority -100; }`,
  `add chain ${table} nat-output { type nat hook output priority -100; }`,
  `add chain ${table} nat-postrouting { type nat hook postrouting priority 100; }`,
  ...['services', 'mark-for-masquerade', 'masquerading'].map((name) => `add chain ${table} ${name}`),
  `add map ${table} service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }`,
  `add rule ${table} nat-prerouting jump services`,
  `add rule ${table} nat-output jump services`,
  `add rule ${table} nat-postrouting jump masquerading`,
  `add rule ${table} mark-for-masquerade meta mark set mark or 0x4000`,
  `add rule ${table} masquerading mark and 0x4000 == 0 return`,
  `add rule ${table} masquerading meta mark set mark xor 0x4000`,
  `add rule ${table} masquerading masquerade fully-random`,
  `add rule ${table} services ip daddr . meta l4proto . th dport vmap @service-ips`,
];

/** Ends early when the time is over: the cost grows with the square. */
export function measureChains(size: Size, netns: string, limitMs: number): ChainFigures {
  const nft = openNft(netns);
  const run = (lines: readonly string[]): void => void nft.run(`${lines.join('\n')}\n`);
  run(frame);
  const began = performance.now();
  let loaded = 0;
  while (loaded < size.services && performance.now() - began < limitMs) {
    const end = Math.min(loaded + step, size.services);
    const lines: string[] = [];
    for (; loaded < end; loaded++) lines.push(...serviceLines(loaded, addressesOf(loaded, size, 0)));
    run(lines);
  }
  const loadMs = performance.now() - began;
  const times: number[] = [];
  for (let i = 0; i < changes; i++) {
    const at = (i * 7919) % loaded;
    const [before, after] = [addressesOf(at, size, 0), addressesOf(at, size, 1)];
    const first = performance.now();
    run(changeLines(at, before, after));
    times.push(performance.now() - first);
  }
  run([`delete table ${table}`]);
  nft.close();
  return { loadMs, changeMs: quantile(times, 0.5), loaded };
}

function addressesOf(i: number, { endpoints }: Size, shift: number): readonly string[] {
  return (sliceAt(i, endpoints, shift).endpoints ?? []).map(({ addresses }) => addresses[0] ?? '');
}

function serviceLines(i: number, addresses: readonly string[]): readonly string[] {
  const name = serviceChain(i);
  return [
    ...addresses.flatMap((address) => endpointLines(i, address)),
    `add chain ${table} ${name}`,
    ...serviceRules(i, addresses),
    `add element ${table} service-ips { ${clusterIp(i)} . tcp . 80 : goto ${name} }`,
  ];
}

function serviceRules(i: number, addresses: readonly string[]): readonly string[] {
  const choices = addresses.map((address, n) => `${String(n)} : goto ${endpointChain(i, address)}`);
  const rule = `add rule ${table} ${serviceChain(i)}`;
  return [
    `${rule} ip daddr ${clusterIp(i)} tcp dport 80 ip saddr != ${podCidr} jump mark-for-masquerade`,
    `${rule} numgen random mod ${String(addresses.length)} vmap { ${choices.join(', ')} }`,
  ];
}

function endpointLines(i: number, address: string): readonly string[] {
  const name = endpointChain(i, address);
  return [
    `add chain ${table} ${name}`,
    `add rule ${table} ${name} ip saddr ${address} jump mark-for-masquerade`,
    `add rule ${table} ${name} meta l4proto tcp dnat to ${address}:8080`,
  ];
}

/** The service chain is written anew; chains of endpoints that went are deleted, those that came are made. */
function changeLines(i: number, before: readonly string[], after: readonly string[]): readonly string[] {
  const come = after.filter((address) => !before.includes(address));
  const gone = before.filter((address) => !after.includes(address));
  return [
    ...come.flatMap((address) => endpointLines(i, address)),
    `flush chain ${table} ${serviceChain(i)}`,
    ...serviceRules(i, after),
    ...gone.flatMap((address) => [
      `flush chain ${table} ${endpointChain(i, address)}`,
      `delete chain ${table} ${endpointChain(i, address)}`,
    ]),
  ];
}

function serviceChain(i: number): string {
  return `service-ABCDEFGH-bench/s-${String(i)}/tcp/`;
}

function endpointChain(i: number, address: string): string {
  return `endpoint-ABCDEFGH-bench/s-${String(i)}/tcp/__${address}/8080`;
}
