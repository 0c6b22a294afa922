/**
 * Where upstream servers are named: settings (`1.2.3.4:53`, per zone `example.com=1.2.3.4`) and resolv.conf
 * (`nameserver 1.2.3.4`).
 */
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { log } from '../../util/log.ts';
import { foldCase, nameFromText } from '../wire/index.ts';
import type { WireName } from '../wire/index.ts';

export interface UpstreamAddress {
  readonly address: string;
  readonly port: number;
}

const dnsPort = 53;
/** How often the file is looked at, at most. */
const checkMs = 5_000;

/** `1.2.3.4`, `1.2.3.4:5353`, `2001:db8::1`, `[2001:db8::1]:53`. */
export function parseUpstream(text: string): UpstreamAddress {
  const bracketed = /^\[([^\]]+)\](?::([0-9]+))?$/.exec(text);
  const plain = isIP(text) === 6 ? undefined : /^([^:]+)(?::([0-9]+))?$/.exec(text);
  const address = bracketed?.[1] ?? plain?.[1] ?? text;
  const port = Number(bracketed?.[2] ?? plain?.[2] ?? dnsPort);
  if (isIP(address) === 0 || !(port >= 1 && port <= 65_535)) {
    throw new Error(`upstreams: "${text}" is not an address; write 1.2.3.4, 1.2.3.4:53 or [2001:db8::1]:53`);
  }
  return { address, port };
}

/** glibc's reading: the first three count, what it can't read it passes over. */
export function parseResolvConf(text: string): readonly UpstreamAddress[] {
  const found: UpstreamAddress[] = [];
  for (const line of text.split('\n')) {
    const address = /^nameserver[ \t]+(\S+)/.exec(line)?.[1];
    if (address !== undefined && isIP(address) !== 0) found.push({ address, port: dnsPort });
  }
  return found.slice(0, 3);
}

/** The last search line wins (resolv.conf(5)). */
export function parseSearches(text: string): readonly string[] {
  let searches: readonly string[] = [];
  for (const line of text.split('\n')) {
    const names = /^search[ \t]+(.*)$/.exec(line)?.[1];
    if (names !== undefined) searches = names.split(/\s+/).filter((name) => name !== '' && name !== '.');
  }
  return searches;
}

export interface Stub {
  readonly zone: WireName;
  readonly addresses: readonly UpstreamAddress[];
}

/** `example.com=10.1.1.1,10.1.1.2:5353`. */
export function parseStub(text: string): Stub {
  const [, zone = '', servers = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (zone === '' || servers === '') {
    throw new Error(`forward: "${text}" is not a zone and its servers; write example.com=1.2.3.4,5.6.7.8:53`);
  }
  try {
    return { zone: foldCase(nameFromText(zone)), addresses: servers.split(',').map(parseUpstream) };
  } catch (cause) {
    throw new Error(`forward: "${text}": ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** A function that gives the same array until the file has changed. */
export function watchResolvConf(path: string, now: () => number): () => readonly UpstreamAddress[] {
  let current: readonly UpstreamAddress[] = [];
  let seen = '';
  let checkedAt = -Infinity;
  return () => {
    if (now() - checkedAt < checkMs) return current;
    checkedAt = now();
    try {
      const { mtimeMs, ino, size } = statSync(path);
      const stamp = `${ino} ${size} ${mtimeMs}`;
      if (stamp !== seen) {
        current = parseResolvConf(readFileSync(path, 'utf8'));
        seen = stamp;
      }
    } catch (error) {
      log('dns').warn({ path, err: error }, 'resolv.conf cannot be read; the upstream servers stay as they were');
    }
    return current;
  };
}
